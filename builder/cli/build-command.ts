import { BuildError } from "../errors.ts";
import type { FailedStep } from "../failed-step.ts";
import type { BuildResult } from "../options.ts";
import { BUILD_FLAGS } from "./build-flags.ts";
import { type BuildRequest, buildRequest } from "./build-request.ts";
import { checkSupport, parseFlags } from "./flags.ts";
import { buildHelp } from "./help.ts";
import { Interrupt } from "./interrupt.ts";
import { type Display, openDisplay } from "./progress/display.ts";
import { exitCodeOf, reportError } from "./report-error.ts";
import { prepareResultFiles, writeResultFiles } from "./result-files.ts";
import { enterUserNamespace } from "./rootless.ts";
import { standardError } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** `tsbuild build`. Returns the exit code; throws UsageError before anything has begun. */
export async function buildCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, BUILD_FLAGS);
  if (flags.isSet("help")) {
    process.stdout.write(buildHelp());
    return 0;
  }
  const ignored = checkSupport(flags, BUILD_FLAGS);
  const request = buildRequest(flags, process.env);
  if (request.opensShell) checkShell(request);
  enterNamespaceFor(request);
  if (ignored.length > 0) process.stderr.write(`warning: without a meaning here, ignored: ${ignored.join(", ")}\n`);
  const { call, options } = request;
  if (call === undefined && options.isolation === "chroot") await warnOfIsolation(request);
  return call === undefined
    ? await runBuild(request)
    : await (await import("./call-command.ts")).callCommand(call, options);
}

/** At the start, where a person reads; rawjson has it as an event, and the list of warnings at the end has it again. */
async function warnOfIsolation({ progress }: BuildRequest): Promise<void> {
  if (progress === "quiet" || progress === "rawjson") return;
  const { CHROOT_WARNING } = await import("../index.ts");
  process.stderr.write(`warning: ${CHROOT_WARNING.message}\n`);
}

/** A check makes no files: it needs no other ids, and where there is no namespace to be had it goes on as it is. */
function enterNamespaceFor({ call }: BuildRequest): void {
  try {
    if (call === undefined) enterUserNamespace(process.env);
    else enterUserNamespace(process.env, () => {});
  } catch (error) {
    if (call === undefined || !(error instanceof BuildError)) throw error;
  }
}

/** A shell reads keys and shows what they do, beside a progress that standard error shows. */
function checkShell({ options }: BuildRequest): void {
  if (options.isolation === "chroot") {
    const hint = "its terminal is the sandbox's own, which chroot does not have";
    throw new UsageError("CONFLICTING_FLAGS", "--on-error shell and --isolation chroot cannot be combined", hint);
  }
  if (process.stdin.isTTY === true && process.stderr.isTTY === true) return;
  const hint = "--on-error shell is for a person at a terminal: leave it out elsewhere";
  throw new UsageError("NOT_A_TERMINAL", "the input device is not a TTY", hint);
}

async function runBuild(request: BuildRequest): Promise<number> {
  const output = standardError(process.env);
  const display = await openDisplay(request.progress, output);
  const interrupt = new Interrupt((signal) =>
    display.say(`${signal}: stopping; once more to stop without cleaning up`),
  );
  try {
    await deliverResult(request, await showBuild(request, display, interrupt.signal));
    return 0;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    const annotate = process.env["GITHUB_ACTIONS"] === "true";
    output.write(reportError(error, { color: output.color, annotate }));
    return exitCodeOf(error);
  } finally {
    interrupt.release();
  }
}

async function showBuild(request: BuildRequest, display: Display, signal: AbortSignal): Promise<BuildResult> {
  let isOpen = true;
  const close = () => {
    if (isOpen) display.close();
    isOpen = false;
  };
  try {
    await prepareResultFiles(request);
    const { build } = await import("../index.ts");
    const onError = async (failed: FailedStep) => {
      close();
      await (await import("./failed-shell.ts")).openShell(failed);
    };
    const shell = request.opensShell ? { onError } : {};
    return await build({ ...request.options, ...shell, signal, onEvent: display.onEvent });
  } finally {
    close();
  }
}

async function deliverResult(request: BuildRequest, result: BuildResult): Promise<void> {
  const { digest } = result.descriptor;
  const { progress } = request;
  await writeResultFiles(request, result);
  if (progress === "quiet") process.stdout.write(`${digest}\n`);
  else if (progress === "plain" || progress === "auto" || progress === "tty") {
    process.stderr.write(`\n${[digest, ...result.imageNames].join(" ")}\n`);
  }
}
