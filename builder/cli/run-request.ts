import { MAX_TIMEOUT_MS } from "../../runtime-core/index.ts";
import type { RunOptions } from "../run-options.ts";
import { allowNetOf, extraHostsOf, networkOf, noNewPrivileges, platformOf, text } from "./build-request.ts";
import type { ParsedFlags } from "./flags.ts";
import { droppedCapabilities } from "./parse-capability.ts";
import { readEnvFile } from "./parse-env-file.ts";
import { limitsOf } from "./parse-limits.ts";
import { parseRunMount, parseTmpfs, parseVolume } from "./parse-volume.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue, parseAssignments, parseChoice } from "./values.ts";

/** A `run` command line, read: what the library is asked, and how the command's input and output are connected. */
export interface RunRequest {
  readonly options: RunOptions;
  /** The command reads standard input. */
  readonly isInteractive: boolean;
  readonly hasTerminal: boolean;
  /** Signals go to the command. */
  readonly forwardsSignals: boolean;
}

/** Throws UsageError for values that make no sense. `rest` is the image and the command. */
export function runRequest(flags: ParsedFlags, rest: readonly string[], env: NodeJS.ProcessEnv): RunRequest {
  const [image, ...command] = rest[0] === "--" ? rest.slice(1) : rest;
  if (image === undefined || image === "") {
    throw new UsageError("MISSING_IMAGE", "run needs an image", "tsbuild run IMAGE [COMMAND]");
  }
  const entrypoint = flags.text("entrypoint");
  return {
    options: {
      image,
      command,
      ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === "" ? [] : [entrypoint] }),
      env: envOf(flags, env),
      ...text("workdir", flags.text("workdir")),
      ...text("user", flags.text("user")),
      ...text("hostname", hostnameOf(flags)),
      ...pullOf(flags),
      mounts: mountsOf(flags),
      readOnlyRoot: flags.isSet("read-only"),
      droppedCapabilities: droppedCapabilities(flags.list("cap-drop"), flags.list("cap-add")),
      ...text("stopSignal", flags.text("stop-signal")),
      ...stopTimeoutOf(flags),
      ...text("platform", platformOf(flags, env)),
      limits: limitsOf(flags),
      noNewPrivileges: flags.list("security-opt").map(noNewPrivileges).at(-1) ?? false,
      ...networkOf(flags),
      ...allowNetOf(flags),
      ...text("caCerts", flags.text("ca-certs")),
      ...extraHostsOf(flags),
      ...text("store", flags.text("store")),
    },
    isInteractive: flags.isSet("interactive"),
    hasTerminal: flags.isSet("tty"),
    forwardsSignals: flags.text("sig-proxy") !== "false",
  };
}

/** `--env` counts over `--env-file`. */
function envOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const rows = [...flags.list("env-file").flatMap(readEnvFile), ...flags.list("env")];
  return parseAssignments("env", rows, (name) => env[name]);
}

function hostnameOf(flags: ParsedFlags): string | undefined {
  const hostname = flags.text("hostname");
  if (hostname === undefined || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(hostname)) return hostname;
  throw new UsageError(
    "INVALID_VALUE",
    `invalid hostname: ${JSON.stringify(hostname)}`,
    "it is at most 64 letters, digits, dots and hyphens; for help use --help",
  );
}

/** As in docker 0 is at once, and -1 never. */
function stopTimeoutOf(flags: ParsedFlags): Pick<RunOptions, "stopTimeoutMs"> {
  const text = flags.text("stop-timeout");
  if (text === undefined) return {};
  if (text === "-1") return { stopTimeoutMs: Number.POSITIVE_INFINITY };
  const stopTimeoutMs = /^\d+$/.test(text) ? Number(text) * 1000 : Number.NaN;
  if (stopTimeoutMs <= MAX_TIMEOUT_MS) return { stopTimeoutMs };
  throw invalidValue("stop-timeout", text, `-1 or a number of seconds up to ${Math.floor(MAX_TIMEOUT_MS / 1000)}`);
}

function pullOf(flags: ParsedFlags): Pick<RunOptions, "pull"> {
  const pull = flags.text("pull");
  return pull === undefined ? {} : { pull: parseChoice("pull", pull, ["missing", "always", "never"]) };
}

function mountsOf(flags: ParsedFlags): NonNullable<RunOptions["mounts"]> {
  const mounts = [
    ...flags.list("volume").map(parseVolume),
    ...flags.list("mount").map(parseRunMount),
    ...flags.list("tmpfs").map(parseTmpfs),
  ];
  const twice = mounts.find(({ target }, index) => mounts.slice(0, index).some((other) => other.target === target));
  if (twice === undefined) return mounts;
  throw new UsageError("DUPLICATE_MOUNT", `duplicate mount point: ${twice.target}`);
}
