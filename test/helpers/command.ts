import { spawn } from "node:child_process";
import { constants } from "node:os";
import { SLOWDOWN } from "./slowdown.ts";

/** How a program ended and all that it wrote. */
export interface CommandResult {
  /** The exit code; 128 + n when signal n ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Laid over this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  /** Default two minutes, on a usual machine. The program is killed, and the call throws. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and returns what it did, whatever its exit code. Throws when it cannot be started or takes too long. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { cwd: options.cwd, env: commandEnv(options.env), stdio: "pipe" });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString("utf8");
  return new Promise((resolve, reject) => {
    const timeoutMs = (options.timeoutMs ?? 120_000) * SLOWDOWN;
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${argv.join(" ")}: not ended after ${timeoutMs} ms\n${text(stdout)}${text(stderr)}`));
    }, timeoutMs);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128 + signalNumber(signal), stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

/** The standard output of a program that must succeed. Throws with everything it wrote when it does not. */
export async function commandOutput(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code !== 0) {
    throw new Error(`${argv.join(" ")}: exit code ${result.code}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

function commandEnv(over: CommandOptions["env"] = {}): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries({ ...process.env, ...over }).filter(([, value]) => value !== undefined));
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : (constants.signals[signal] ?? 0);
}
