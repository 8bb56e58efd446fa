// Runs the sandbox's tests in a virtual machine whose kernel is Debian's and has cgroup v2 alone, as root and as an ordinary user:
// npm run test:vm [-- [--all] [--as root|user] [--kernel FILE.deb] [--timeout MINUTES] [PATHPART…]]
// The last line is "N passed, N failed"; the exit code is 0 when nothing failed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commandOutput } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { makeInitramfs } from "./initramfs.ts";
import { findKernel } from "./kernel.ts";
import { runMachine } from "./machine.ts";
import { parseRecords, type Records } from "./records.ts";
import { missing } from "./requirements.ts";
import { filtersOf } from "./tests.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const MEMORY_MIB = 2048;
const DISK_MIB = 16 * 1024;
/** How much longer than here a program takes there without KVM, as a rule. */
const SLOWDOWN = "10";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    as: { type: "string", multiple: true, default: ["root", "user"] },
    kernel: { type: "string" },
    timeout: { type: "string", default: "120" },
  },
});

const problems = missing();
if (problems.length > 0) {
  for (const problem of problems) console.error(`test:vm needs: ${problem}`);
  process.exit(1);
}

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
}

try {
  process.exitCode = report(await run());
} catch (error) {
  console.error(`test:vm: ${error instanceof Error ? error.message : error}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}

async function run(): Promise<Records> {
  const place = makeTempDir("vm");
  const kernel = await findKernel(join(REPOSITORY, ".cache/vm"), values.kernel);
  const [initramfs, disk, records] = [join(place, "initramfs"), join(place, "disk"), join(place, "records")];
  writeFileSync(initramfs, makeInitramfs(kernel.modules, settings()));
  writeFileSync(records, "");
  await makeDisk(disk);
  const timeout = AbortSignal.timeout(Number(values.timeout) * 60_000);
  const signal = AbortSignal.any([interrupted.signal, timeout]);
  await runMachine({ kernel: kernel.image, initramfs, disk, place, records, memoryMiB: MEMORY_MIB, signal });
  return parseRecords(readFileSync(records, "utf8"));
}

function settings(): Parameters<typeof makeInitramfs>[1] {
  const filters = filtersOf(positionals, values.all);
  return {
    REPOSITORY,
    NODE: process.execPath,
    PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`,
    RUNS: values.as.join(" "),
    ROOT_FILTERS: filters.root.join(" "),
    USER_FILTERS: filters.user.join(" "),
    TSBUILD_TEST_SLOWDOWN: SLOWDOWN,
  };
}

/** An ext4 that can hold project quotas, in a file that takes no more room than what is written to it. */
async function makeDisk(path: string): Promise<void> {
  const features = ["-O", "quota,project", "-E", "quotatype=usrquota:grpquota:prjquota,lazy_itable_init=1"];
  await commandOutput(["mkfs.ext4", "-q", ...features, path, `${DISK_MIB}M`]);
}

function report({ ready, runs, exitCode }: Records): number {
  console.log(ready === undefined ? "the guest did not start" : `kernel, seconds to start, controllers: ${ready}`);
  for (const { who, summary } of runs) console.log(`as ${who}: ${summary}`);
  const total = (word: string) => runs.reduce((sum, { summary }) => sum + count(summary, word), 0);
  const missingRuns = values.as.length - runs.length;
  console.log(`${total("passed")} passed, ${total("failed") + missingRuns} failed`);
  return exitCode === 0 && missingRuns === 0 ? 0 : 1;
}

function count(summary: string, word: string): number {
  return Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
}
