import { type RootfsMount, RuntimeError, readFile } from "../../runtime-core/index.ts";
import { suggest } from "../suggest.ts";

const FILES = { USER_NOT_FOUND: "/etc/passwd", GROUP_NOT_FOUND: "/etc/group" } as const;
/** The files are small; what is larger is not one. */
const MAX_BYTES = 10 * 1024 * 1024;

/** What to do about a name that the stage does not know: the one that was meant, or where names come from. */
export async function accountHint(
  code: keyof typeof FILES,
  name: string,
  root: RootfsMount | undefined,
): Promise<string> {
  const near = root === undefined ? undefined : suggest(name, await namesIn(root, FILES[code]));
  if (near !== undefined) return `did you mean ${near}?`;
  return "names come from the image's own /etc/passwd and /etc/group; a number always works";
}

/** passwd(5), group(5): the first field of each line. None when the file cannot be read: this is but a hint. */
async function namesIn(root: RootfsMount, path: string): Promise<readonly string[]> {
  try {
    const text = Buffer.from(await readFile(root, path, MAX_BYTES)).toString("utf8");
    return text.split("\n").flatMap((line) => line.split(":", 1).filter((name) => name !== ""));
  } catch (error) {
    if (error instanceof RuntimeError) return [];
    throw error;
  }
}
