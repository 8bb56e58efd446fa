import { spawn } from "node:child_process";

/** What a job's program found out. A check counts as one test. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One program to run: a test file, a check, the crate's tests. */
export interface Job {
  readonly name: string;
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  /** Laid over this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Under sudo: as the user who called it, so that cargo's files stay that user's. */
  readonly asCaller?: boolean;
  /** Reads the program's output; `exitCode` is not 0 when it failed, was killed or took too long. */
  readonly count: (output: string, exitCode: number) => Count;
}

export interface JobResult {
  readonly job: Job;
  readonly count: Count;
  readonly exitCode: number;
  readonly output: string;
  readonly wallMs: number;
}

/** Runs a job in a process group of its own; at the time limit the whole group is killed. */
export function runJob(job: Job): Promise<JobResult> {
  const [file = "", ...args] = job.argv;
  const started = performance.now();
  const caller = job.asCaller ? callerIdentity() : {};
  const env = { ...process.env, ...job.env };
  const child = spawn(file, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], env, ...caller });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => {
    const end = (exitCode: number) => {
      clearTimeout(timer);
      const wallMs = performance.now() - started;
      resolve({ job, exitCode, output, wallMs, count: job.count(output, exitCode) });
    };
    const timer = setTimeout(() => {
      output += `\nkilled: not ended after ${job.timeoutMs / 1000} s\n`;
      killGroup(child.pid);
    }, job.timeoutMs);
    child.once("error", (error) => {
      output += `${error.message}\n`;
      end(127);
    });
    child.once("close", (code) => end(code ?? 1));
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // The group has just ended by itself.
  }
}

function callerIdentity(): { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } {
  const { SUDO_UID: uid, SUDO_GID: gid, CALLER_HOME: home } = process.env;
  if (uid === undefined || gid === undefined || home === undefined) return {};
  return { uid: Number(uid), gid: Number(gid), env: { ...process.env, HOME: home } };
}
