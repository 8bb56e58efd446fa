import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = new Set<string>();

/** A fresh directory under the system's temp directory. It is removed when the test process ends, however it ends by itself. */
export function makeTempDir(label = "test"): string {
  const path = mkdtempSync(join(tmpdir(), `tsbuild-${label}-`));
  made.add(path);
  return path;
}

/** Removes a directory of `makeTempDir` before the process ends. */
export function removeTempDir(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  made.delete(path);
}

/** Whether a path is in a directory of `makeTempDir` of this process. */
export function isOwnTempPath(path: string): boolean {
  return [...made].some((directory) => path === directory || path.startsWith(`${directory}/`));
}

process.once("exit", () => {
  for (const path of made) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
});
