import { Buffer } from "node:buffer";

/** One member as raw bytes: what no honest tar program would write. */
export interface RawMember {
  readonly name: string | Uint8Array;
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number | Uint8Array;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly data?: string | Uint8Array;
  /** The size field, when it is not the data's. */
  readonly size?: number | Uint8Array;
  readonly device?: readonly [number, number];
  readonly magic?: string;
  readonly prefix?: string;
  /** Bytes laid over the header before its checksum. */
  readonly overlay?: readonly [number, Uint8Array];
  readonly checksum?: string;
}

/** The members and two blocks of zeros. */
export function tar(...members: readonly (RawMember | Uint8Array)[]): Buffer {
  return Buffer.concat([
    ...members.map((item) => (item instanceof Uint8Array ? item : member(item))),
    Buffer.alloc(1024),
  ]);
}

export function member(options: RawMember): Buffer {
  const data = Buffer.from(options.data ?? "");
  const header = Buffer.alloc(512);
  Buffer.from(options.name).copy(header, 0, 0, 100);
  header.write(octal(options.mode ?? 0o644, 7), 100);
  put(header, 108, options.uid ?? 0, 7);
  put(header, 116, options.gid ?? 0, 7);
  put(header, 124, options.size ?? data.length, 11);
  header.write(octal(options.mtime ?? 1000, 11), 136);
  header.write(options.type ?? "0", 156, "latin1");
  header.write(options.link ?? "", 157, 100);
  header.write(options.magic ?? "ustar\x0000", 257, "latin1");
  const [major, minor] = options.device ?? [0, 0];
  header.write(octal(major, 7), 329);
  header.write(octal(minor, 7), 337);
  header.write(options.prefix ?? "", 345, 155);
  if (options.overlay !== undefined) header.set(options.overlay[1], options.overlay[0]);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(options.checksum ?? `${octal(sum, 6)}\0 `, 148);
  return Buffer.concat([header, padded(data)]);
}

/** A pax extended header (`x`, or `g` for all that follow). */
export function pax(records: Readonly<Record<string, string | Uint8Array>>, type = "x"): Buffer {
  const data = Object.entries(records).map(([key, value]) => paxRecord(key, Buffer.from(value)));
  return member({ name: "PaxHeader", type, data: Buffer.concat(data) });
}

/** GNU's long name (`L`) or link (`K`). */
export function gnuLong(type: "L" | "K", text: string): Buffer {
  return member({ name: "././@LongLink", type, data: `${text}\0`, magic: "ustar  \0" });
}

/** GNU's base-256 form of a number in a field of `width` bytes. */
export function base256(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(width);
  for (let at = width - 1, rest = value; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + 1;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function put(header: Buffer, at: number, value: number | Uint8Array, digits: number): void {
  if (typeof value === "number") header.write(octal(value, digits), at);
  else header.set(value, at);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
