/** What the helper told of a step on its status pipe. The records are those of `init/src/wire.rs`. */
export interface StepEnd {
  /** wait(2)'s status of the command; absent when it was never started, or all was killed at once. */
  readonly waitStatus?: number;
  readonly failure?: StepFailure;
  /** Whether the step's ids were mapped to others of the host. */
  readonly idmapped: boolean;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  readonly ioReadBytes: number;
  readonly ioWrittenBytes: number;
  /** What the kernel said to a private network that was asked for. */
  readonly networkErrno?: number;
}

/** The set-up step that the kernel refused. */
export interface StepFailure {
  readonly step: string;
  readonly errno: number;
  /** A path, or the kernel's own words; may be empty. */
  readonly subject: string;
}

const HEADER_BYTES = 16;
/** getrusage(2): what Linux counts input and output in. */
const BLOCK_BYTES = 512;
const EXITED = 1;
const FAILED = 2;
const USAGE = 3;
const IDS = 4;
const NETWORK = 5;

/** Parses whole records; the first failure counts, since later ones follow from it. */
export function parseStatus(bytes: Buffer): StepEnd {
  let end: StepEnd = { idmapped: false, cpuUserMs: 0, cpuSystemMs: 0, ioReadBytes: 0, ioWrittenBytes: 0 };
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const body = offset + HEADER_BYTES;
    const next = body + bytes.readUInt32LE(offset + 8);
    end = {
      ...end,
      ...record(bytes.readUInt32LE(offset), bytes.readInt32LE(offset + 4), bytes.subarray(body, next), end),
    };
    offset = next;
  }
  return end;
}

function record(kind: number, value: number, body: Buffer, sofar: StepEnd): Partial<StepEnd> {
  switch (kind) {
    case EXITED:
      return { waitStatus: value };
    case FAILED:
      return { failure: sofar.failure ?? failure(value, body) };
    case USAGE:
      return {
        cpuUserMs: word(body, 0) / 1000,
        cpuSystemMs: word(body, 1) / 1000,
        ioReadBytes: word(body, 3) * BLOCK_BYTES,
        ioWrittenBytes: word(body, 4) * BLOCK_BYTES,
      };
    case IDS:
      return { idmapped: value === 1 };
    case NETWORK:
      return value === 0 ? {} : { networkErrno: value };
    default:
      return {};
  }
}

function failure(errno: number, body: Buffer): StepFailure {
  const [step = "", subject = ""] = body.toString().split("\0");
  return { step, errno, subject };
}

function word(body: Buffer, index: number): number {
  return Number(body.readBigUInt64LE(index * 8));
}
