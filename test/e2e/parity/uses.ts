import { type CommandLine, type Instruction, parseDockerfile } from "../../../builder/dockerfile/index.ts";
import type { ParityCase } from "./case.ts";

const MOUNT_KEYS: Readonly<Record<string, string>> = {
  bind: "from source src target dst destination ro readonly rw readwrite",
  cache: "from id mode sharing source target uid gid ro",
  tmpfs: "target size",
  secret: "id target dst env required mode uid gid",
  ssh: "id target required mode uid gid",
};

const FLAGS: Readonly<Record<string, string>> = {
  FROM: "platform",
  RUN: "mount network security device",
  COPY: "from chown chmod link parents exclude",
  ADD: "chown chmod link exclude keep-git-dir checksum unpack",
  HEALTHCHECK: "interval timeout start-period start-interval retries",
};

const FORMS: Readonly<Record<string, string>> = {
  RUN: "shell exec heredoc script",
  CMD: "shell exec",
  ENTRYPOINT: "shell exec",
  HEALTHCHECK: "shell exec none",
  COPY: "files JSON heredoc",
  ADD: "files JSON heredoc URL git",
  FROM: "scratch image name",
  ENV: "pairs legacy",
  LABEL: "pairs legacy",
  ARG: "global default bare",
  VOLUME: "files JSON",
};

const BUILD_FLAGS = "build-arg target label build-context secret ssh file platform";

/** Everything that the Dockerfile language has, in the words of `usesOf`. */
export const LANGUAGE: readonly string[] = [
  ...[..."ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER".split(" ")],
  ...[..."ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(" ")],
  ...product(FLAGS, (keyword, flag) => `${keyword} --${flag}`),
  ...product(FORMS, (keyword, form) => `${keyword} ${form}`),
  ...product(MOUNT_KEYS, (type, key) => `RUN --mount=type=${type},${key}`),
  ...["none", "default", "host"].map((mode) => `RUN --network=${mode}`),
  ...["shared", "private", "locked"].map((sharing) => `sharing=${sharing}`),
  ...BUILD_FLAGS.split(" ").map((flag) => `build --${flag}`),
  ...["directory", "stdin Dockerfile", "stdin tar", "URL", "git"].map((kind) => `context ${kind}`),
];

function product(
  table: Readonly<Record<string, string>>,
  name: (key: string, word: string) => string,
): readonly string[] {
  return Object.entries(table).flatMap(([key, words]) => words.split(" ").map((word) => name(key, word)));
}

/** What of the language a case uses: its instructions, their flags and forms, keys of mounts, flags of the command, its context. */
export function usesOf({ dockerfile, flags = [], from, stdin }: Omit<ParityCase, "name" | "peer">): readonly string[] {
  const { stages, globalArgs } = parseDockerfile(dockerfile.join("\n"));
  const instructions = stages.flatMap(({ from, instructions }): Instruction[] => [from, ...instructions]);
  return [
    ...(globalArgs.length > 0 ? ["ARG global"] : []),
    ...instructions.flatMap(instructionUses),
    ...flags.filter((flag) => flag.startsWith("-")).map((flag) => `build --${flag === "-f" ? "file" : flag.slice(2)}`),
    `context ${contextKind(from, stdin)}`,
  ];
}

function contextKind(from: string | undefined, stdin: string | undefined): string {
  if (from === undefined) return "directory";
  if (from === "-") return stdin?.startsWith("tar ") ? "stdin tar" : "stdin Dockerfile";
  return from.includes(".git") ? "git" : "URL";
}

function instructionUses(instruction: Instruction): readonly string[] {
  const { keyword, original } = instruction;
  if (instruction.keyword === "ONBUILD" && instruction.trigger !== undefined) {
    return [keyword, ...instructionUses(instruction.trigger)];
  }
  const words = original.trim().split(/\s+/).slice(1);
  const flags = words
    .slice(
      0,
      words.findIndex((word) => !word.startsWith("--")),
    )
    .map((word) => word.slice(2));
  const uses = flags.flatMap((flag) => [`--${flag.split("=", 1)[0]}`, ...valueUses(flag)]);
  return [
    keyword,
    ...[...formsOf(instruction), ...uses].map((use) => (use.startsWith("sharing") ? use : `${keyword} ${use}`)),
  ];
}

/** `--mount=type=cache,target` for each key; `--network=none`; `sharing=locked`. */
function valueUses(flag: string): readonly string[] {
  const [name = "", value = ""] = flag.split(/=(.*)/s);
  if (name !== "mount") return [`--${flag}`];
  const fields = value.split(",");
  const type = fields.find((field) => field.startsWith("type="))?.slice("type=".length) ?? "bind";
  const keys = fields.map((field) => `--mount=type=${type},${field.split("=", 1)[0]}`);
  return [...keys, ...fields.filter((field) => field.startsWith("sharing="))];
}

function formsOf(instruction: Instruction): readonly string[] {
  switch (instruction.keyword) {
    case "RUN":
      return [commandForm(instruction.command)];
    case "CMD":
    case "ENTRYPOINT":
      return [instruction.command.form];
    case "HEALTHCHECK":
      return [instruction.test?.form ?? "none"];
    case "ADD":
    case "COPY":
      return sourceForms(instruction);
    case "FROM":
      return [instruction.base.text === "scratch" ? "scratch" : "image", ...(instruction.stageName ? ["name"] : [])];
    case "ENV":
    case "LABEL":
      return [instruction.legacy ? "legacy" : "pairs"];
    case "ARG":
      return instruction.args.map(({ value }) => (value === undefined ? "bare" : "default"));
    case "VOLUME":
      return [instruction.original.includes("[") ? "JSON" : "files"];
    default:
      return [];
  }
}

function commandForm(command: CommandLine): string {
  if (command.form === "exec") return "exec";
  const [heredoc] = command.heredocs;
  if (heredoc === undefined) return "shell";
  return heredoc.content.startsWith("#!") ? "script" : "heredoc";
}

function sourceForms({ sources, heredocs, original }: Extract<Instruction, { keyword: "ADD" | "COPY" }>): string[] {
  const forms = original.includes('["') ? ["JSON"] : ["files"];
  if (heredocs.length > 0) forms.push("heredoc");
  for (const { text } of sources) {
    if (/\.git(?:$|[#?])/.test(text)) forms.push("git");
    else if (/^(?:@WEB@|https?:)/.test(text)) forms.push("URL");
  }
  return forms;
}
