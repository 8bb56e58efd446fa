import { readdir } from "node:fs/promises";

/** Names in a directory, for suggestions: a directory that cannot be read has none. */
export async function readdirOrEmpty(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch {
    // Only a suggestion depends on it; the error that is being made says what matters.
    return [];
  }
}
