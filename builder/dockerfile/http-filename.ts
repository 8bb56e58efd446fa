import { posix } from "node:path";

/** The name of the file at an HTTP address: the last part of its path, `__unnamed__` where that is no name. */
export function httpFilename(text: string): string {
  const path = URL.canParse(text) ? decoded(new URL(text).pathname) : "/";
  const name = posix.basename(path);
  const isName = !["", ".", ".."].includes(name) && !name.includes("\0") && Buffer.byteLength(name) <= 255;
  return isName ? name : "__unnamed__";
}

/** As it is where it is no percent-encoding. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
