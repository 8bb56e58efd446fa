import type { BuildOptions } from "../options.ts";
import { type Call, parseCall } from "./call.ts";
import { parsePairs } from "./csv.ts";
import type { ParsedFlags } from "./flags.ts";
import { parseAllow } from "./parse-allow.ts";
import { parseAllowNet } from "./parse-allow-net.ts";
import { parseExtraHost } from "./parse-extra-host.ts";
import { buildLimitsOf, limitsOf } from "./parse-limits.ts";
import { parseOutput } from "./parse-output.ts";
import { parseSecrets } from "./parse-secret.ts";
import { parseSsh } from "./parse-ssh.ts";
import { PROGRESS_MODES, type ProgressMode } from "./progress/mode.ts";
import type { ResultFiles } from "./result-files.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue, parseAssignments, parseChoice, parseCount } from "./values.ts";

/** A `build` command line, read: what the library is asked, and what the command does with the result. */
export interface BuildRequest extends ResultFiles {
  readonly options: BuildOptions;
  /** What is done instead of building. */
  readonly call?: Call;
  readonly progress: ProgressMode;
  /** A RUN that fails is shown in a shell. */
  readonly opensShell: boolean;
}

/** Throws UsageError for values that make no sense. `env` answers for `--build-arg NAME` and BUILDKIT_PROGRESS. */
export function buildRequest(flags: ParsedFlags, env: NodeJS.ProcessEnv): BuildRequest {
  const requests = flags.list("output").map(parseOutput);
  const outputs = requests.flatMap(({ output }) => (output === undefined ? [] : [output]));
  const tags = [...flags.list("tag"), ...requests.flatMap((request) => request.tags)];
  const buildArgs = parseAssignments("build-arg", flags.list("build-arg"), (name) => env[name]);
  const call = parseCall(flags);
  const push = flags.isSet("push") || requests.some((request) => request.push);
  if (push && tags.length === 0) throw new UsageError("NOTHING_TO_PUSH", "--push needs a name", "give one with --tag");
  return {
    options: {
      context: contextOf(flags.positionals),
      ...text("dockerfile", flags.text("file")),
      ...text("target", flags.text("target")),
      buildArgs,
      buildContexts: parseAssignments("build-context", flags.list("build-context"), refuseBare("build-context")),
      labels: parseAssignments("label", flags.list("label"), () => ""),
      tags: [...new Set(tags)],
      outputs,
      push,
      pull: flags.isSet("pull"),
      noCache: flags.isSet("no-cache"),
      ...noCacheFilterOf(flags),
      ...text("platform", platformOf(flags, env)),
      limits: limitsOf(flags),
      ...buildLimits(flags),
      secrets: parseSecrets(flags.list("secret"), env),
      ssh: parseSsh(flags.list("ssh"), env),
      noNewPrivileges: flags.list("security-opt").map(noNewPrivileges).at(-1) ?? false,
      ...isolationOf(flags),
      ...networkOf(flags),
      ...allowNetOf(flags),
      ...text("caCerts", flags.text("ca-certs")),
      allow: parseAllow(flags.list("allow")),
      ...extraHostsOf(flags),
      ...compressionOf(flags),
      normalizeModes: flags.isSet("normalize-modes"),
      ...text("store", flags.text("store")),
    },
    ...(call === undefined ? {} : { call }),
    progress: progressOf(flags, env),
    opensShell: parseChoice("on-error", flags.text("on-error") ?? "none", ["none", "shell"]) === "shell",
    ...text("iidFile", flags.text("iidfile")),
    ...text("metadataFile", flags.text("metadata-file")),
  };
}

/** An option that is left out when there is no value, or an empty one. */
export function text<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined || value === "" ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}

function contextOf(positionals: readonly string[]): string {
  const [context, ...others] = positionals;
  if (context === undefined) {
    throw new UsageError("MISSING_CONTEXT", "build needs a context: the directory that COPY reads", "tsbuild build .");
  }
  if (others.length > 0) {
    throw new UsageError(
      "TOO_MANY_ARGUMENTS",
      `build takes one context, not ${positionals.length}: ${positionals.join(" ")}`,
    );
  }
  return context;
}

/** docker's `--platform`, else its DOCKER_DEFAULT_PLATFORM. Throws UNSUPPORTED_PLATFORM for more than one. */
export function platformOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): string | undefined {
  const given = flags.list("platform");
  const asked = given.length > 0 ? given : [env["DOCKER_DEFAULT_PLATFORM"] ?? ""];
  const [platform, ...others] = new Set(asked.flatMap((value) => value.split(",")).map((value) => value.trim()));
  if (others.length === 0) return platform;
  throw new UsageError(
    "UNSUPPORTED_PLATFORM",
    `--platform with more than one platform is not supported yet: ${[platform, ...others].join(", ")}`,
    "build them one by one, each with a tag of its own",
  );
}

/** Names of stages, separated by commas or given one by one. Throws CONFLICTING_FLAGS beside `--no-cache`. */
function noCacheFilterOf(flags: ParsedFlags): Pick<BuildOptions, "noCacheFilter"> {
  const names = flags.list("no-cache-filter").flatMap((value) => value.split(","));
  if (names.length === 0) return {};
  if (!flags.isSet("no-cache")) return { noCacheFilter: names.map((name) => name.trim()) };
  throw new UsageError(
    "CONFLICTING_FLAGS",
    "--no-cache and --no-cache-filter cannot be combined",
    "--no-cache is for all stages",
  );
}

function refuseBare(flag: string): (name: string) => never {
  return (name) => {
    throw invalidValue(flag, name, "NAME=VALUE");
  };
}

function buildLimits(flags: ParsedFlags): Pick<BuildOptions, "buildLimits"> {
  const given = flags.list("build-limit");
  return given.length === 0 ? {} : { buildLimits: buildLimitsOf(given) };
}

/** `--security-opt`. Throws UNSUPPORTED_FLAG for all but no-new-privileges. */
export function noNewPrivileges(option: string): boolean {
  const match = /^no-new-privileges(?:[:=](true|false))?$/.exec(option);
  if (match !== null) return match[1] !== "false";
  throw new UsageError(
    "UNSUPPORTED_FLAG",
    `--security-opt ${option} is not supported yet`,
    "only no-new-privileges is",
  );
}

/** docker's and buildah's name; `default` is both docker's and ours. */
function isolationOf(flags: ParsedFlags): Pick<BuildOptions, "isolation"> {
  const asked = flags.text("isolation");
  if (asked === undefined || asked === "") return {};
  const isolation = parseChoice("isolation", asked, ["default", "namespaces", "chroot"]);
  return isolation === "default" ? {} : { isolation };
}

/** `--network`. Throws INVALID_VALUE. */
export function networkOf(flags: ParsedFlags): Pick<BuildOptions, "network"> {
  const network = flags.text("network");
  if (network === undefined) return {};
  // docker's name for what it does by default.
  const mode = parseChoice("network", network === "bridge" ? "default" : network, [
    "default",
    "private",
    "none",
    "host",
  ]);
  return mode === "default" ? {} : { network: mode };
}

/** `--allow-net`. Throws INVALID_VALUE. */
export function allowNetOf(flags: ParsedFlags): Pick<BuildOptions, "allowNet"> {
  const given = flags.list("allow-net");
  return given.length === 0 ? {} : { allowNet: parseAllowNet(given) };
}

/** `--add-host`. Throws INVALID_VALUE. */
export function extraHostsOf(flags: ParsedFlags): Pick<BuildOptions, "extraHosts"> {
  const extraHosts = flags.list("add-host").map(parseExtraHost);
  return extraHosts.length === 0 ? {} : { extraHosts };
}

function compressionOf(flags: ParsedFlags): Pick<BuildOptions, "compression"> {
  const value = flags.text("compression");
  if (value === undefined) return {};
  const [[name = ""] = [], ...rest] = parsePairs("compression", value);
  const type = parseChoice("compression", name === "uncompressed" ? "none" : name, ["gzip", "zstd", "none"]);
  const unknown = rest.find(([key]) => key !== "level");
  if (unknown !== undefined) throw invalidValue("compression", value, "TYPE or TYPE,level=N");
  const level = rest.at(-1)?.[1];
  return { compression: level === undefined ? { type } : { type, level: parseCount("compression", level) } };
}

function progressOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): ProgressMode {
  if (flags.isSet("quiet")) return "quiet";
  const asked = flags.text("progress");
  if (asked !== undefined) return parseChoice("progress", asked, PROGRESS_MODES);
  return PROGRESS_MODES.find((mode) => mode === env["BUILDKIT_PROGRESS"]) ?? "auto";
}
