import type { Count } from "./job.ts";

/** A program that only passes or fails. */
export function countCheck(_output: string, exitCode: number): Count {
  return exitCode === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/**
 * uvu's closing lines. A file that printed none, ran no test, or failed outside of its tests has failed once:
 * uvu itself ends with 0 when a file forgets `.run()` or the event loop runs dry in the middle of a test.
 */
export function countUvu(output: string, exitCode: number): Count {
  const total = lastNumber(output, /^\s*Total:\s+(\d+)$/gm);
  const passed = lastNumber(output, /^\s*Passed:\s+(\d+)$/gm);
  const skipped = lastNumber(output, /^\s*Skipped:\s+(\d+)$/gm);
  const failed = total - passed;
  const endedWell = exitCode === 0 && passed + skipped > 0;
  return { passed, failed: endedWell ? failed : Math.max(failed, 1), skipped };
}

/** libtest's lines, one for each test binary. */
export function countCargo(output: string, exitCode: number): Count {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const match of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
    skipped += Number(match[3]);
  }
  return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1), skipped };
}

function lastNumber(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
}
