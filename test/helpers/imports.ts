import { readFileSync } from "node:fs";

/** `from "x"`, `import "x"`, `import("x")`; comments and strings in code do not look like these. */
const IMPORT = /(?:^|[\s;}])(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g;

/** What a TypeScript file imports or re-exports, as written, types included. */
export function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? "");
}
