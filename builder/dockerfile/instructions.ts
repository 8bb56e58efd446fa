import type { SourceFile, SourceRange } from "./source.ts";

/** Text as the Dockerfile has it, quotes and variables unexpanded, and where it stands. */
export interface Word {
  readonly text: string;
  readonly range: SourceRange;
}

export interface Heredoc {
  /** The delimiter, unquoted: the file's name in COPY and ADD. */
  readonly name: string;
  /** The body, each line with its newline. For `<<-`, COPY and ADD have it without its leading tabs, RUN and ONBUILD as written. */
  readonly content: string;
  /** A quoted delimiter: variables are not expanded. */
  readonly quoted: boolean;
  /** `<<-`: leading tabs do not belong to the body; `heredocContent` removes them. */
  readonly chomp: boolean;
  readonly fileDescriptor?: number;
  /** The body and the delimiter that ends it. */
  readonly range: SourceRange;
}

/** RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD. */
export type CommandLine =
  | { readonly form: "exec"; readonly argv: readonly string[] }
  | { readonly form: "shell"; readonly script: string; readonly heredocs: readonly Heredoc[] };

export interface KeyValue {
  readonly key: Word;
  readonly value: Word;
}

interface Base<K extends string> {
  readonly keyword: K;
  /** From the keyword to the end of the instruction, heredoc bodies included. */
  readonly range: SourceRange;
  /** The keyword as written and where, for carets and casing checks. */
  readonly keywordWord: Word;
  /** The whole logical line as written, continuations joined: what BuildKit calls the original. */
  readonly original: string;
  /** The comment lines directly above, without `#`. */
  readonly comments: readonly string[];
  /** A blank line stood inside a continuation. */
  readonly hasEmptyContinuation?: boolean;
}

export interface FromInstruction extends Base<"FROM"> {
  readonly base: Word;
  /** Lower-cased. */
  readonly stageName?: string;
  readonly stageNameWord?: Word;
  readonly platform?: Word;
}
export interface ArgInstruction extends Base<"ARG"> {
  readonly args: readonly { readonly key: Word; readonly value?: Word }[];
}
export interface EnvInstruction extends Base<"ENV"> {
  readonly pairs: readonly KeyValue[];
  /** `ENV key value`. */
  readonly legacy: boolean;
}
export interface LabelInstruction extends Base<"LABEL"> {
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}
/** `--mount` as written. What it means is known when its variables are: `parseMount`. */
export interface MountFlag extends Word {
  readonly fields: readonly FlagField[];
}
/** `key=value` or `key` of a flag. */
export interface FlagField extends Word {
  /** In lower case. */
  readonly key: string;
  readonly value?: Word;
}
export interface RunInstruction extends Base<"RUN"> {
  readonly command: CommandLine;
  readonly mounts: readonly MountFlag[];
  readonly network?: Word;
  readonly security?: Word;
  readonly devices: readonly Word[];
}
interface CopySources {
  readonly sources: readonly Word[];
  readonly heredocs: readonly Heredoc[];
  readonly dest: Word;
  readonly chown?: Word;
  readonly chmod?: Word;
  readonly link: boolean;
  readonly exclude: readonly Word[];
}
export interface CopyInstruction extends Base<"COPY">, CopySources {
  readonly from?: Word;
  readonly parents: boolean;
}
export interface AddInstruction extends Base<"ADD">, CopySources {
  readonly checksum?: Word;
  readonly keepGitDir?: boolean;
  readonly unpack?: boolean;
}
export interface WorkdirInstruction extends Base<"WORKDIR"> {
  readonly path: Word;
}
export interface UserInstruction extends Base<"USER"> {
  readonly user: Word;
}
export interface CmdInstruction extends Base<"CMD"> {
  readonly command: CommandLine;
}
export interface EntrypointInstruction extends Base<"ENTRYPOINT"> {
  readonly command: CommandLine;
}
export interface ShellInstruction extends Base<"SHELL"> {
  readonly argv: readonly string[];
}
export interface ExposeInstruction extends Base<"EXPOSE"> {
  /** Sorted as they are written. */
  readonly ports: readonly Word[];
}
export interface VolumeInstruction extends Base<"VOLUME"> {
  readonly paths: readonly Word[];
}
export interface StopsignalInstruction extends Base<"STOPSIGNAL"> {
  readonly signal: Word;
}
export interface HealthcheckInstruction extends Base<"HEALTHCHECK"> {
  /** undefined: NONE. */
  readonly test?: CommandLine;
  /** Nanoseconds. */
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}
export interface OnbuildInstruction extends Base<"ONBUILD"> {
  /** The trigger as text, heredoc bodies appended: what the image config stores. */
  readonly expression: string;
  /** undefined: the text is no valid instruction, which is an error only where it is triggered. */
  readonly trigger?: Instruction;
}
export interface MaintainerInstruction extends Base<"MAINTAINER"> {
  readonly maintainer: Word;
}

/** One of the 18, told apart by `keyword`. */
export type Instruction =
  | FromInstruction
  | ArgInstruction
  | EnvInstruction
  | LabelInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | WorkdirInstruction
  | UserInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ShellInstruction
  | ExposeInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | MaintainerInstruction;

/** What may stand in a stage: all but FROM, which begins one. */
export type StageInstruction = Exclude<Instruction, FromInstruction>;

/** FROM and what follows it. */
export interface Stage {
  readonly index: number;
  readonly name?: string;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

export interface Dockerfile {
  readonly source: SourceFile;
  readonly directives: Directives;
  /** ARG before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
}

export interface Directives {
  /** `\` or a backtick. */
  readonly escape: "\\" | "`";
  readonly syntax?: string;
  /** The value of `# check=`. */
  readonly check?: string;
}
