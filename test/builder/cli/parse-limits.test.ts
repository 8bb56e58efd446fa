import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BUILD_FLAGS } from "../../../builder/cli/build-flags.ts";
import { parseFlags } from "../../../builder/cli/flags.ts";
import { buildLimitsOf, limitsOf } from "../../../builder/cli/parse-limits.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";

const test = suite("limits on the command line");

function limits(...args: readonly string[]): object {
  const flags = parseFlags(args, BUILD_FLAGS);
  const build = flags.list("build-limit");
  return build.length === 0 ? limitsOf(flags) : { build: buildLimitsOf(build) };
}

const read: readonly (readonly [line: string, expected: object])[] = [
  ["", {}],
  ["--memory 0 --memory-swap 0 --cpus 0 --pids-limit 0 --cpu-shares 0 --shm-size 0 --io-read-bps 0 --timeout 0", {}],
  ["--memory 6m", { memoryBytes: 6 * 1024 ** 2 }],
  ["--memory 1g --memory-swap -1", { memoryBytes: 1024 ** 3, memorySwapBytes: -1 }],
  ["--memory 1g --memory-swap 1g", { memoryBytes: 1024 ** 3, memorySwapBytes: 1024 ** 3 }],
  ["--pids-limit -1 --cpu-quota -1", {}],
  ["--cpu-quota 50000 --cpu-period 25000", { cpuQuotaUs: 50_000, cpuPeriodUs: 25_000 }],
  ["-c 512 -m 64m", { cpuShares: 512, memoryBytes: 64 * 1024 ** 2 }],
  ["--cpuset-cpus 0,2-3", { cpusetCpus: "0,2-3" }],
  ["--timeout 30s", { timeoutMs: 30_000 }],
  ["--timeout 30", { timeoutMs: 30_000 }],
  ["--timeout 1m30.5s", { timeoutMs: 90_500 }],
  ["--ulimit nproc=10:unlimited", { ulimits: [{ name: "nproc", soft: 10, hard: -1 }] }],
  ["--ulimit fsize=-1", { ulimits: [{ name: "fsize", soft: -1, hard: -1 }] }],
  ["--build-limit memory=1g,memory-swap=-1", { build: { memoryBytes: 1024 ** 3, memorySwapBytes: -1 } }],
  ["--build-limit pids-limit=9 --build-limit io-write-bps=1m", { build: { pids: 9, ioWriteBps: 1024 ** 2 } }],
  ['--build-limit "cpuset-cpus=0,1",cpu-shares=2', { build: { cpusetCpus: "0,1", cpuShares: 2 } }],
];

for (const [line, expected] of read) {
  test(`${line || "nothing"} is read`, () => {
    assert.equal(limits(...line.split(" ").filter((word) => word !== "")), expected);
  });
}

const refused: readonly (readonly [message: RegExp, hint: RegExp, ...args: readonly string[]])[] = [
  [/"lots" for --memory$/, /number of bytes/, "--memory", "lots"],
  [/"1" for --memory$/, /at least 6 MiB/, "--memory", "1"],
  [/"5m" for --build-limit memory/, /at least 6 MiB/, "--build-limit", "memory=5m"],
  [/"-1" for --memory$/, /number of bytes/, "--memory", "-1"],
  [/--memory-swap needs --memory/, /-1 for all swap/, "--memory-swap", "1g"],
  [/--memory-swap must not be less than --memory/, /-1/, "--memory", "2g", "--memory-swap", "1g"],
  [/"0.001" for --cpus/, /from 0.01/, "--cpus", "0.001"],
  [/"two" for --cpus/, /1\.5/, "--cpus", "two"],
  [/--cpus and --cpu-quota cannot be combined/, /twice the --cpu-period/, "--cpus", "1", "--cpu-quota", "1000"],
  [/--cpus and --cpu-period cannot be combined/, /twice/, "--cpus", "1", "--cpu-period", "1000"],
  [/"999" for --cpu-period/, /from 1000 to 1000000/, "--cpu-period", "999"],
  [/"10" for --cpu-quota/, /from 1000/, "--cpu-quota", "10"],
  [/"1" for --cpu-shares/, /from 2 to 262144/, "--cpu-shares", "1"],
  [/"1.5" for --pids-limit/, /whole number/, "--pids-limit", "1.5"],
  [/"3-1" for --cpuset-cpus/, /ids and ranges/, "--cpuset-cpus", "3-1"],
  [/"a" for --cpuset-mems/, /ids and ranges/, "--cpuset-mems", "a"],
  [/"fast" for --io-read-bps/, /number of bytes/, "--io-read-bps", "fast"],
  [/"10m" for --io-write-iops/, /whole number/, "--io-write-iops", "10m"],
  [/no limit named "nofiles"/, /did you mean nofile/, "--ulimit", "nofiles=1"],
  [/no limit named "files-open"/, /the names are as, core/, "--ulimit", "files-open=1"],
  [/"nofile" for --ulimit/, /NAME=SOFT/, "--ulimit", "nofile"],
  [/"nofile=a" for --ulimit/, /whole numbers/, "--ulimit", "nofile=a"],
  [/"nofile=2:1" for --ulimit/, /not above the hard/, "--ulimit", "nofile=2:1"],
  [/"nofile=-1:5" for --ulimit/, /not above the hard/, "--ulimit", "nofile=-1:5"],
  [/"big" for --shm-size/, /number of bytes/, "--shm-size", "big"],
  [/"1.5" for --timeout/, /30s, 5m or 1h30m/, "--timeout", "1.5"],
  [/"-5s" for --timeout/, /30s/, "--timeout=-5s"],
  [/"900h" for --timeout/, /24 days/, "--timeout", "900h"],
  [/unknown limit "memroy"/, /did you mean memory/, "--build-limit", "memroy=1g"],
  [/unknown limit "ulimit"/, /it limits memory, memory-swap, pids/, "--build-limit", "ulimit=1"],
  [/"memory" for --build-limit/, /NAME=VALUE/, "--build-limit", "memory"],
  [/unknown limit "1"/, /'"cpuset-cpus=0,1"'/, "--build-limit", "cpuset-cpus=0,1"],
  [/"x" for --build-limit pids/, /whole number/, "--build-limit", "pids=x"],
  [/--build-limit memory-swap needs --build-limit memory/, /-1/, "--build-limit", "memory-swap=1g"],
];

for (const [message, hint, ...args] of refused) {
  test(`${args.join(" ")} is refused by name`, () => {
    try {
      limits(...args);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match((error as UsageError).message, message);
      assert.match((error as UsageError).hint ?? "", hint);
    }
  });
}

test.run();
