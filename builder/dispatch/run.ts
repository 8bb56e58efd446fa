import { posix } from "node:path";
import { heredocContent, parseHeredocMarker } from "../dockerfile/heredoc.ts";
import type { CommandLine, RunInstruction } from "../dockerfile/instructions.ts";
import { createVertex, type Edge, type ExecMount, type ExecOp } from "../llb/index.ts";
import { commandArgv, withShell } from "./command.ts";
import { inlineFile } from "./inline-file.ts";
import { buildArgPrefix, environmentRows } from "./run-environment.ts";
import { failure, unsupportedFlag } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withLayer } from "./stage-state.ts";
import { nameStep } from "./vertex-name.ts";

const DEFAULT_HOSTNAME = "buildkitsandbox";
const SCRIPTS = "/dev/pipes";

/** RUN: one exec vertex and one layer. */
export function dispatchRun(state: StageState, instruction: RunInstruction, context: StageContext): StageState {
  refuseUnsupported(instruction, context);
  const { argv, script, summary } = runCommand(state, instruction.command);
  const { state: numbered, name } = nameStep(state, instruction, context, summary);
  const op: ExecOp = {
    ...execOp(state, argv, instruction, context),
    ...(script === undefined ? {} : { mounts: [script.mount] }),
  };
  const inputs = script === undefined ? [state.root] : [state.root, script.root];
  const vertex = createVertex(op, inputs, {
    name,
    range: instruction.range,
    ...(context.scope.options.noCache ? { ignoreCache: true } : {}),
  });
  return withLayer(numbered, vertex, `RUN ${buildArgPrefix(state)}${argv.join(" ")} # buildkit`);
}

interface RunCommand {
  readonly argv: readonly string[];
  /** A script of its own, mounted while it runs. */
  readonly script?: { readonly root: Edge; readonly mount: ExecMount };
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
  const mount: ExecMount = { input: 1, source: "/", target: SCRIPTS, readonly: true };
  return { argv: withShell(state.config, posix.join(SCRIPTS, file.path)), script: { root: file.root, mount }, summary };
}

function summarize(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\r?\n/);
  return rest.length > 0 ? `${first}...` : first;
}

function execOp(
  state: StageState,
  argv: readonly string[],
  { network }: RunInstruction,
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
    hostname: buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] ?? hostname ?? DEFAULT_HOSTNAME,
  };
}

function networkMode(text: string | undefined): ExecOp["network"] {
  return text === "none" || text === "host" ? text : "default";
}

function refuseUnsupported(instruction: RunInstruction, { scope }: StageContext): void {
  const [mount] = instruction.mounts;
  if (mount !== undefined) {
    throw unsupportedFlag(
      scope,
      mount,
      "RUN --mount",
      "copy what the step needs with COPY, and remove it in the same RUN",
    );
  }
  const [device] = instruction.devices;
  if (device !== undefined)
    throw unsupportedFlag(scope, device, "RUN --device", "leave it out: a step has no devices of the host");
  const { network, security } = instruction;
  if (security?.text === "insecure") {
    throw unsupportedFlag(
      scope,
      security,
      "RUN --security=insecure",
      "leave it out: a step always runs in the sandbox",
    );
  }
  if (network !== undefined && !/^(?:default|none|host)$/.test(network.text)) {
    const message = `invalid network mode ${JSON.stringify(network.text)}`;
    throw failure(scope, network.range, "INVALID_NETWORK", message, "it is default, none or host");
  }
}
