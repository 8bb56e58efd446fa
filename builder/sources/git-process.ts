import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import type { CallOptions } from "../../registry-client/index.ts";
import { redactAddresses } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";

/** What git says is for people and bounded: a server may say much. */
const MAX_STDERR_BYTES = 64 * 1024;
const MAX_STDOUT_BYTES = 16 * 1024 * 1024;

/** Files get the modes that git records, whatever mask this process runs under. */
const WITH_UMASK = 'umask 022 && exec git "$@"';

export interface GitProcessOptions extends CallOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A git command that failed. `stderr` holds no credentials. */
export class GitFailure extends Error {
  readonly stderr: string;

  constructor(args: readonly string[], stderr: string) {
    super(`git ${args[0] ?? ""} failed: ${lastLine(stderr)}`);
    this.stderr = stderr;
  }
}

/**
 * Runs git without a terminal, in a session of its own so that an abort ends its transports too, and gives what it printed.
 * Throws GitFailure, BuildError GIT_MISSING, and the signal's reason.
 */
export async function runGit(args: readonly string[], options: GitProcessOptions): Promise<string> {
  options.signal?.throwIfAborted();
  const child = spawn("/bin/sh", ["-c", WITH_UMASK, "git", ...args], {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  if (options.signal !== undefined) setMaxListeners(0, options.signal);
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    const stdout = collect(child.stdout, MAX_STDOUT_BYTES, end);
    const stderr = collect(child.stderr, MAX_STDERR_BYTES, () => {});
    const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    options.signal?.throwIfAborted();
    if (code === 127) throw gitMissing();
    if (code !== 0) throw new GitFailure(args, redactAddresses(stderr.text()));
    return stdout.text();
  } finally {
    options.signal?.removeEventListener("abort", end);
  }
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number, onOverflow: () => void) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) onOverflow();
    else chunks.push(chunk);
  });
  return { text: () => Buffer.concat(chunks).toString("utf8") };
}

/** What went wrong stands last, after what was tried; a remote's own words come with a prefix. */
function lastLine(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.findLast((line) => /^(?:fatal|error|remote):/.test(line)) ?? lines.at(-1) ?? "it said nothing").trim();
}

function gitMissing(): BuildError {
  return new BuildError("GIT_MISSING", "git is not installed", {
    hint: "git sources are fetched by the git program: install it (apt-get install git)",
  });
}
