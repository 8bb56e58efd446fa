export { BUILDER_ARGS } from "./builder-args.ts";
export { compileIgnorePatterns, parseDockerignore } from "./dockerignore.ts";
export { type Environment, type ExpandOptions, expandWord, expandWords } from "./expand.ts";
export { type GitReference, isHttpUrl, parseGitReference } from "./git-reference.ts";
export { heredocContent } from "./heredoc.ts";
export { httpFilename } from "./http-filename.ts";
export { IgnoreMatcher } from "./ignore-matcher.ts";
export type {
  AddInstruction,
  ArgInstruction,
  CmdInstruction,
  CommandLine,
  CopyInstruction,
  Directives,
  Dockerfile,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  FromInstruction,
  HealthcheckInstruction,
  Heredoc,
  Instruction,
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  RunInstruction,
  ShellInstruction,
  Stage,
  StageInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  Word,
  WorkdirInstruction,
} from "./instructions.ts";
export { parseDockerfile, parseInstruction } from "./parse.ts";
export { type MountOptions, parseMount } from "./parse-mount.ts";
export { quote } from "./quote.ts";
export { redactAddresses } from "./redact-address.ts";
export type { Position, SourceFile, SourceRange } from "./source.ts";
