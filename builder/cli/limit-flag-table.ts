import { type Flag, inSection } from "./flags.ts";

const SECTION = "Limits of a RUN";

/** The flags that limit what a step may use: docker's, podman's for ulimits, and of block io, disk, network and time our own. */
export const LIMIT_FLAG_TABLE: readonly Flag[] = inSection(SECTION, [
  { name: "memory", short: "m", type: "string", value: "BYTES", help: "Memory of a RUN: 512m, 2g" },
  { name: "memory-swap", type: "string", value: "BYTES", help: "Memory and swap of a RUN; -1 for all swap there is" },
  { name: "cpus", type: "string", value: "NUMBER", help: "Processors of a RUN: 1.5" },
  { name: "cpu-quota", type: "string", value: "US", help: "Processor time of a RUN in each --cpu-period" },
  { name: "cpu-period", type: "string", value: "US", help: "Of --cpu-quota (default: 100000)" },
  { name: "cpu-shares", short: "c", type: "string", value: "NUMBER", help: "Weight of a RUN on busy processors: 1024" },
  { name: "cpuset-cpus", type: "string", value: "LIST", help: "Processors that a RUN may use: 0-2,4" },
  { name: "cpuset-mems", type: "string", value: "LIST", help: "Memory nodes that a RUN may use: 0,1" },
  { name: "pids-limit", type: "string", value: "NUMBER", help: "Processes of a RUN; -1 for no limit" },
  { name: "io-read-bps", type: "string", value: "BYTES", help: "Bytes a second that a RUN reads from disk: 10m" },
  { name: "io-write-bps", type: "string", value: "BYTES", help: "Bytes a second that a RUN writes to disk" },
  { name: "io-read-iops", type: "string", value: "NUMBER", help: "Reads a second of a RUN from disk" },
  { name: "io-write-iops", type: "string", value: "NUMBER", help: "Writes a second of a RUN to disk" },
  {
    name: "ulimit",
    type: "string",
    multiple: true,
    value: "NAME=SOFT[:HARD]",
    help: "Limit of each process of a RUN: nofile=1024:4096; -1 for none",
  },
  { name: "shm-size", type: "string", value: "BYTES", help: "Size of /dev/shm of a RUN (default: 64m)" },
  {
    name: "disk-quota",
    type: "string",
    value: "BYTES",
    help: "What a RUN may write to its root and its caches: 2g",
  },
  { name: "timeout", type: "string", value: "DURATION", help: "Time of a RUN: 30s, 5m, 1h30m, or seconds" },
  {
    name: "net-bps",
    type: "string",
    value: "BYTES",
    help: "Bytes in a second of the network of a RUN, each way: 10m",
  },
]);

/** Limits of all RUNs of a build that run at the same time. */
export const BUILD_LIMIT_FLAG: Flag = {
  name: "build-limit",
  type: "string",
  multiple: true,
  value: "NAME=VALUE,...",
  section: SECTION,
  help: "Of all RUNs at once: memory=8g,cpus=2,pids=500, io-write-bps=…",
};
