import { readFileSync } from "node:fs";

/**
 * Whether this process is root of the machine, which mounts filesystems and has every id. Else it is root of an ordinary user's
 * namespace, as `npm run test:user` runs the test files, and as tsbuild runs for such a user.
 */
export const isMachineRoot: boolean =
  process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295$/m.test(readFileSync("/proc/self/uid_map", "utf8"));

/** What a test is given to: a uvu suite. */
type Suite = (name: string, run: () => Promise<void> | void) => void;

/**
 * A test that says nothing to an ordinary user, with the reason. For such a user it does not run, and the output names it:
 * the runner prints these lines even when all is well.
 */
export function rootOnly(suite: Suite, reason: string): Suite {
  if (isMachineRoot) return suite;
  return (name) => console.log(`not as an ordinary user: ${name} (${reason})`);
}
