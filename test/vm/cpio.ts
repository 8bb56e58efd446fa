/** What lies in an archive, parents before what is in them. */
export type CpioEntry =
  | { readonly path: string; readonly type: "directory" }
  | { readonly path: string; readonly type: "file"; readonly content: Uint8Array; readonly executable?: boolean };

/**
 * An archive in the format "newc", which the kernel unpacks as its first filesystem.
 * Reference: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const trailer = member("TRAILER!!!", 0, 0, Buffer.alloc(0));
  return Buffer.concat([...entries.flatMap(entryBytes), ...trailer]);
}

const DIRECTORY = 0o040755;
const FILE = 0o100644;

function entryBytes(entry: CpioEntry, index: number): Buffer[] {
  if (entry.type === "directory") return member(entry.path, index + 1, DIRECTORY, Buffer.alloc(0));
  return member(entry.path, index + 1, FILE | (entry.executable === true ? 0o111 : 0), Buffer.from(entry.content));
}

/** A header of 13 numbers as 8 hexadecimal digits each, the name and the content, the latter two filled up to 4 bytes. */
function member(path: string, inode: number, mode: number, content: Buffer): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const links = mode === DIRECTORY ? 2 : 1;
  const [uid, gid, time, device] = [0, 0, 0, [0, 0, 0, 0]];
  const fields = [inode, mode, uid, gid, links, time, content.length, ...device, name.length, 0];
  const header = Buffer.from(`070701${fields.map((n) => n.toString(16).padStart(8, "0")).join("")}`);
  return [padded(Buffer.concat([header, name])), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
