import type { RunResult } from "../run-options.ts";
import { checkSupport, parseFlags, splitAtPositional } from "./flags.ts";
import { runHelp } from "./help.ts";
import { PullDisplay } from "./pull-display.ts";
import { connectTerminal, terminalSize } from "./raw-terminal.ts";
import { reportError } from "./report-error.ts";
import { enterUserNamespace } from "./rootless.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { type RunRequest, runRequest } from "./run-request.ts";
import { SignalProxy } from "./signal-proxy.ts";
import { standardError } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** docker's: the container could not be run at all. */
const OWN_FAILURE = 125;
/** 128 and SIGPIPE: what a command ends with that writes to nobody. */
const NOBODY_READS = 141;

/** `tsbuild run`. Returns the exit code: the command's own, 125 for what went wrong before or around it. */
export async function runCommand(args: readonly string[]): Promise<number> {
  // docker's -h takes a name; alone it can only be a question.
  if (args.length === 1 && args[0] === "-h") return showHelp();
  const output = standardError(process.env);
  try {
    const { flags: given, rest } = splitAtPositional(args, RUN_FLAGS);
    const flags = parseFlags(given, RUN_FLAGS, "run");
    if (flags.isSet("help")) return showHelp();
    const ignored = checkSupport(flags, RUN_FLAGS);
    const request = runRequest(flags, rest, process.env);
    checkTerminal(request);
    enterUserNamespace(process.env);
    if (ignored.length > 0) output.write(`warning: without a meaning here, ignored: ${ignored.join(", ")}\n`);
    return await runContainer(request);
  } catch (error) {
    output.write(reportError(error, { color: output.color, annotate: false }));
    return OWN_FAILURE;
  }
}

function showHelp(): number {
  process.stdout.write(runHelp());
  return 0;
}

function checkTerminal({ isInteractive, hasTerminal }: RunRequest): void {
  if (!isInteractive || !hasTerminal || process.stdin.isTTY === true) return;
  throw new UsageError("NOT_A_TERMINAL", "the input device is not a TTY", "leave out -t where the input is piped");
}

async function runContainer(request: RunRequest): Promise<number> {
  const signals = new SignalProxy(request.forwardsSignals);
  try {
    const result = await connected(request, signals);
    if (result.limitHit !== undefined) {
      const { limitText } = await import("../index.ts");
      process.stderr.write(`warning: the command ended at a limit: ${limitText(result.limitHit)}\n`);
    }
    return result.exitCode;
  } catch (error) {
    if (signals.exitCode !== undefined) return signals.exitCode;
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return NOBODY_READS;
    throw error;
  } finally {
    signals.release();
  }
}

/** Runs with this process's own input, output and terminal. */
async function connected(
  { options, isInteractive, hasTerminal }: RunRequest,
  signals: SignalProxy,
): Promise<RunResult> {
  const { run } = await import("../index.ts");
  const pull = new PullDisplay(standardError(process.env));
  let disconnect = () => {};
  try {
    return await run({
      ...options,
      signal: signals.signal,
      onEvent: pull.onEvent,
      stdout: process.stdout,
      stderr: process.stderr,
      ...(isInteractive ? { stdin: process.stdin } : {}),
      ...(hasTerminal ? { terminal: terminalSize() } : {}),
      onStart: (step) => {
        void pull.close();
        signals.started(step);
        if (hasTerminal) disconnect = connectTerminal(step, isInteractive);
      },
    });
  } finally {
    disconnect();
    await pull.close();
  }
}
