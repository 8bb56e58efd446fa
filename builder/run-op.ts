import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { ContainerConfig } from "../registry-client/index.ts";
import { BuildError } from "./errors.ts";
import type { ExecOp } from "./llb/index.ts";
import type { RunOptions } from "./run-options.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * What docker run makes of an image's config and the command line. Throws BuildError NO_COMMAND when neither names one,
 * INVALID_WORKDIR.
 */
export function containerOp(config: ContainerConfig, options: RunOptions): ExecOp {
  const hostname = options.hostname ?? randomBytes(6).toString("hex");
  return {
    type: "exec",
    argv: argvOf(config, options),
    env: envOf(config, hostname, options),
    proxyEnv: [],
    cwd: workdirOf(config, options),
    user: options.user ?? config.User ?? "",
    network: "default",
    hostname,
  };
}

/** An entrypoint of one's own takes the image's Cmd away too: it was meant for the other one. */
function argvOf({ Entrypoint = [], Cmd = [] }: ContainerConfig, { entrypoint, command = [] }: RunOptions) {
  const rest = command.length > 0 || entrypoint !== undefined ? command : Cmd;
  const argv = [...(entrypoint ?? Entrypoint), ...rest];
  if (argv.length > 0) return argv;
  throw new BuildError("NO_COMMAND", "no command specified", {
    hint: "the image has neither an Entrypoint nor a Cmd: name one after the image",
  });
}

/** The last of a name counts; in docker's order. */
function envOf(config: ContainerConfig, hostname: string, { env = {}, terminal }: RunOptions): readonly string[] {
  const rows = [
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", hostname],
    ...(terminal === undefined ? [] : [["TERM", "xterm"]]),
    ...(config.Env ?? []).map(assignment),
    ...Object.entries(env),
  ] as readonly (readonly [string, string])[];
  return [...new Map(rows)].map(([name, value]) => `${name}=${value}`);
}

function assignment(row: string): readonly [string, string] {
  const equals = row.indexOf("=");
  return equals < 0 ? [row, ""] : [row.slice(0, equals), row.slice(equals + 1)];
}

function workdirOf({ WorkingDir }: ContainerConfig, { workdir }: RunOptions): string {
  if (workdir !== undefined && !workdir.startsWith("/")) {
    throw new BuildError(
      "INVALID_WORKDIR",
      `the working directory '${workdir}' is invalid, it needs to be an absolute path`,
    );
  }
  return posix.resolve("/", workdir ?? WorkingDir ?? "");
}
