import { posix } from "node:path";
import { heredocContent, parseHeredocMarker } from "../dockerfile/heredoc.ts";
import type { CommandLine, RunInstruction } from "../dockerfile/instructions.ts";
import { createVertex, type Edge, type ExecMount, type ExecOp, type VertexMetadata } from "../llb/index.ts";
import { commandArgv, withShell } from "./command.ts";
import { inlineFile } from "./inline-file.ts";
import { type RunMounts, runMounts } from "./mounts.ts";
import { buildArgPrefix, environmentRows } from "./run-environment.ts";
import { failure, unsupportedFlag } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withLayer } from "./stage-state.ts";
import { nameStep } from "./vertex-name.ts";

const DEFAULT_HOSTNAME = "buildkitsandbox";
const SCRIPTS = "/dev/pipes";

/** RUN: one exec vertex and one layer. */
export async function dispatchRun(
  state: StageState,
  instruction: RunInstruction,
  context: StageContext,
): Promise<StageState> {
  refuseUnsupported(instruction, context);
  const { argv, script, summary } = runCommand(state, instruction.command);
  const asked = await runMounts(state, instruction.mounts, context);
  const { mounts, inputs } = withScript(asked, script);
  const { step, name } = nameRun(state, instruction, context, asked, summary);
  const op: ExecOp = {
    ...execOp(state, argv, instruction, context),
    env: withAgent(environmentRows(state), mounts),
    ...(mounts.length === 0 ? {} : { mounts }),
  };
  const vertex = createVertex(op, [state.root, ...inputs], {
    name,
    range: instruction.range,
    ...wordRanges(instruction, asked),
    ...(state.config.Shell === undefined ? {} : { shell: state.config.Shell }),
    ...(context.scope.options.noCache ? { ignoreCache: true } : {}),
  });
  return withLayer({ ...state, step }, vertex, `RUN ${buildArgPrefix(state)}${argv.join(" ")} # buildkit`);
}

/** For carets: of mounts, and of the flags that need leave. */
function wordRanges({ network, security }: RunInstruction, { ranges }: RunMounts): Pick<VertexMetadata, "wordRanges"> {
  const flags = { "--network": network, "--security": security };
  const all = new Map(ranges);
  for (const [flag, word] of Object.entries(flags)) if (word !== undefined) all.set(flag, word.range);
  return all.size === 0 ? {} : { wordRanges: all };
}

interface RunCommand {
  readonly argv: readonly string[];
  /** A script of its own, mounted while it runs. */
  readonly script?: Edge;
  /** Added to the vertex's name. */
  readonly summary?: string;
}

/** A lone heredoc is the script itself; beside a command it is put together again for the shell to read. */
function runCommand(state: StageState, command: CommandLine): RunCommand {
  if (command.form === "exec" || command.heredocs.length === 0) return { argv: commandArgv(state.config, command) };
  const [heredoc] = command.heredocs;
  if (heredoc === undefined || parseHeredocMarker(command.script.trim()) === undefined) {
    const bodies = command.heredocs.map(({ name, content }) => `\n${content}${name}`);
    return { argv: withShell(state.config, command.script + bodies.join("")) };
  }
  const text = heredocContent(heredoc);
  const summary = ` (${summarize(text)})`;
  if (!text.startsWith("#!")) return { argv: withShell(state.config, text), summary };
  const file = inlineFile(heredoc.name, text, 0o755);
  return { argv: withShell(state.config, posix.join(SCRIPTS, file.path)), script: file.root, summary };
}

/** The script is one more input, mounted with the others. */
function withScript({ mounts, inputs }: RunMounts, script: Edge | undefined): Pick<RunMounts, "mounts" | "inputs"> {
  if (script === undefined) return { mounts, inputs };
  const input = inputs.length + 1;
  const mount: ExecMount = { type: "bind", input, source: "/", target: SCRIPTS, readonly: true };
  return { mounts: [...mounts, mount], inputs: [...inputs, script] };
}

/** Variables that hold secrets are stars in progress, where others show their values. */
function nameRun(
  state: StageState,
  instruction: RunInstruction,
  context: StageContext,
  { secretVariables }: RunMounts,
  summary?: string,
): { readonly step: number; readonly name: string } {
  const environment = state.environment.withAll(secretVariables.map((name) => [name, "****"]));
  const named = nameStep({ ...state, environment }, instruction, context, summary);
  return { step: named.state.step, name: named.name };
}

/** SSH_AUTH_SOCK is the first agent's socket, unless the image or the build has one. */
function withAgent(env: readonly string[], mounts: readonly ExecMount[]): readonly string[] {
  const agent = mounts.find((mount) => mount.type === "ssh");
  if (agent === undefined || env.some((row) => row.startsWith("SSH_AUTH_SOCK="))) return env;
  return [...env, `SSH_AUTH_SOCK=${agent.target}`];
}

function summarize(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\r?\n/);
  return rest.length > 0 ? `${first}...` : first;
}

function execOp(
  state: StageState,
  argv: readonly string[],
  { network, security }: RunInstruction,
  { scope }: StageContext,
): ExecOp {
  const { buildArgs, hostname } = scope.options;
  return {
    type: "exec",
    argv,
    env: environmentRows(state),
    proxyEnv: scope.proxyEnv,
    cwd: state.config.WorkingDir ?? "/",
    user: state.config.User ?? "",
    network: networkMode(network?.text),
    ...(security?.text === "insecure" ? { security: "insecure" } : {}),
    hostname: buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] ?? hostname ?? DEFAULT_HOSTNAME,
  };
}

function networkMode(text: string | undefined): ExecOp["network"] {
  return text === "none" || text === "host" ? text : "default";
}

function refuseUnsupported(instruction: RunInstruction, { scope }: StageContext): void {
  const [device] = instruction.devices;
  if (device !== undefined)
    throw unsupportedFlag(scope, device, "RUN --device", "leave it out: a step has no devices of the host");
  const { network } = instruction;
  if (network !== undefined && !/^(?:default|none|host)$/.test(network.text)) {
    const message = `invalid network mode ${JSON.stringify(network.text)}`;
    throw failure(scope, network.range, "INVALID_NETWORK", message, "it is default, none or host");
  }
}
