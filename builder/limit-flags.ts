import type { CgroupLimits, SandboxLimits } from "../runtime-core/index.ts";

/** What each limit is called on the command line: in messages, and as a key of `--build-limit`, without the dashes. */
export const LIMIT_FLAGS: Readonly<Record<keyof SandboxLimits, string>> = {
  memoryBytes: "--memory",
  memorySwapBytes: "--memory-swap",
  pids: "--pids-limit",
  cpus: "--cpus",
  cpuQuotaUs: "--cpu-quota",
  cpuPeriodUs: "--cpu-period",
  cpuShares: "--cpu-shares",
  cpusetCpus: "--cpuset-cpus",
  cpusetMems: "--cpuset-mems",
  ioReadBps: "--io-read-bps",
  ioWriteBps: "--io-write-bps",
  ioReadIops: "--io-read-iops",
  ioWriteIops: "--io-write-iops",
  ulimits: "--ulimit",
  shmSizeBytes: "--shm-size",
  timeoutMs: "--timeout",
  diskQuotaBytes: "--disk-quota",
  netBps: "--net-bps",
};

/** The key of `--build-limit` for a limit: `pids`, and otherwise its flag's name. */
export function buildLimitKey(limit: keyof CgroupLimits): string {
  return limit === "pids" ? "pids" : LIMIT_FLAGS[limit].slice(2);
}
