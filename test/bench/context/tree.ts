import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The shape of a large node_modules, as one was measured: 47,592 entries, 669 MB. */
const PACKAGES = 1_120;
const FILES_PER_DIRECTORY = 13;
const DIRECTORIES_PER_PACKAGE = 3;
/** A few kinds of file, small ones above all: bytes of each, and how many of a directory's files are of it. */
const KINDS = [
  { bytes: 700, files: 6 },
  { bytes: 6_000, files: 4 },
  { bytes: 24_000, files: 2 },
  { bytes: 110_000, files: 1 },
] as const;

/** Writes a tree of 43,680 files in 4,481 directories into `root`, which is there already. Always the same bytes. */
export function writeModulesTree(root: string): void {
  const sizes = KINDS.flatMap(({ bytes, files }) => Array<number>(files).fill(bytes));
  const text = Buffer.alloc(sizes.reduce((most, size) => Math.max(most, size), 0) + PACKAGES, "module.exports = {};\n");
  for (let index = 0; index < PACKAGES; index++) {
    for (const part of ["lib", "dist", "types"].slice(0, DIRECTORIES_PER_PACKAGE)) {
      const directory = join(root, `package-${index}`, part);
      mkdirSync(directory, { recursive: true });
      for (let file = 0; file < FILES_PER_DIRECTORY; file++) {
        const size = sizes[file] ?? 0;
        writeFileSync(join(directory, `file-${file}.js`), text.subarray(index, index + size + file));
      }
    }
  }
}
