import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Contender, Subject } from "./contender.ts";

/** A contender that is a command line. */
export interface SpawnedSpec {
  readonly name: string;
  readonly peer: string;
  /** The command line that runs `program` of the root file system. The first word is an absolute path. */
  commandLine(program: string): Promise<readonly string[]>;
  /** A shell script that the loop's own mount namespace is prepared with. */
  readonly prepare?: string;
  close?(): Promise<void>;
}

/**
 * A command line that is started by a small C program, in a loop. Before it is timed, the same command line has to end as the
 * program does: with 1 for one that fails, with 0 for one that does not.
 */
export async function spawned(spec: SpawnedSpec, subject: Subject): Promise<Contender> {
  await expectExitCode(spec, subject, subject.failing, 1);
  const loop = new SpawnLoop(await spec.commandLine(subject.program), spec, subject);
  return {
    name: spec.name,
    peer: spec.peer,
    run: async () => {
      const { ms, exitCode } = await loop.run();
      if (exitCode !== 0) throw new Error(`${spec.name}: exit code ${exitCode}; ${loop.log} may say why`);
      return ms;
    },
    close: async () => {
      await loop.close();
      await spec.close?.();
    },
  };
}

async function expectExitCode(spec: SpawnedSpec, subject: Subject, program: string, expected: number): Promise<void> {
  const loop = new SpawnLoop(await spec.commandLine(program), spec, subject);
  const { exitCode } = await loop.run();
  await loop.close();
  if (exitCode !== expected)
    throw new Error(`${spec.name}: ${program} ended with ${exitCode} instead of ${expected}; ${loop.log} may say why`);
}

/** The C program, which lives as long as its runs are wanted. */
class SpawnLoop {
  /** What the command lines wrote to standard error. */
  readonly log: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(argv: readonly string[], { name, prepare = "" }: SpawnedSpec, { spawnLoop, work }: Subject) {
    this.log = join(work, `${name.replaceAll(/\W+/g, "-")}.log`);
    const script = `${prepare}\nexec "$@"`;
    const wrapped = ["--mount", "--propagation", "private", "sh", "-ec", script, "sh", spawnLoop, ...argv];
    this.#child = spawn("unshare", wrapped, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr?.pipe(createWriteStream(this.log));
    const lines: Interface = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async run(): Promise<{ readonly ms: number; readonly exitCode: number }> {
    this.#child.stdin?.write("r");
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the spawn loop has ended; ${this.log} may say why`);
    const [nanoseconds = 0, status = 0] = String(value).split(" ").map(Number);
    // wait(2): the low seven bits are a signal, the next byte the exit code.
    return { ms: nanoseconds / 1e6, exitCode: (status & 0x7f) === 0 ? status >> 8 : 128 + (status & 0x7f) };
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin?.end();
    await ended;
  }
}
