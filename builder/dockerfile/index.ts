export { compileIgnorePatterns, parseDockerignore } from "./dockerignore.ts";
export { parseDuration } from "./duration.ts";
export { type Environment, type ExpandOptions, type Expansion, expandWord, expandWords } from "./expand.ts";
export { type GitReference, isHttpUrl, parseGitReference } from "./git-reference.ts";
export { heredocContent } from "./heredoc.ts";
export { httpFilename } from "./http-filename.ts";
export { IgnoreMatcher, type ParentMatches } from "./ignore-matcher.ts";
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
  KeyValue,
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  RunInstruction,
  ShellInstruction,
  Stage,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  Word,
  WorkdirInstruction,
} from "./instructions.ts";
export { parseDockerfile, parseInstruction } from "./parse.ts";
export { type MountOptions, type MountSharing, parseMount } from "./parse-mount.ts";
export { quote } from "./quote.ts";
export { redactAddresses } from "./redact-address.ts";
export type { Position, SourceFile, SourceRange } from "./source.ts";
