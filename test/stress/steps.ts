import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { freshRootfs, type Ran, run, stepSpec } from "../runtime-core/sandbox-fixture.ts";
import { specOf } from "../runtime-core/sandbox-spec.ts";

/** Runs a script in a sandbox by the library, and removes what it wrote. Throws when it fails. */
export async function step(script: string, signal?: AbortSignal): Promise<Ran> {
  const rootfs = freshRootfs();
  try {
    const limits = { memoryBytes: 256 << 20, pids: 100 };
    const ran = await run({ ...specOf(rootfs, script), limits }, signal === undefined ? {} : { signal });
    if (ran.exitCode !== 0) throw new Error(`a step ended with ${ran.exitCode}: ${ran.stderr}`);
    return ran;
  } finally {
    rmSync(dirname(rootfs.upper), { recursive: true });
  }
}

/** Ends the sandbox that stands ready for the next step: one that wants other limits, and is the last. */
export async function endSpare(): Promise<void> {
  await run(stepSpec("true"), { isLast: true });
}
