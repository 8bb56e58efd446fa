import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { IgnoreMatcher, parseDockerignore } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";
import type { ConformanceTable } from "./table.ts";

interface IgnoreCase {
  readonly n: number;
  readonly title: string;
  readonly file: string;
  readonly path: string;
  /** Whether the walk leaves the path out. */
  readonly walk: boolean | "ERR";
  /** What the other matcher says, which is the lint's. */
  readonly orParent: boolean | "ERR";
}

/** .dockerignore files, each with a path. */
export function dockerignoreTable(folder: string): ConformanceTable {
  const rows: readonly IgnoreCase[] = JSON.parse(readFileSync(join(folder, "dockerignore.json"), "utf8"));
  const cases = rows.map((row) => ({ name: `${row.n}: ${row.title}: ${row.path}`, check: () => checkIgnored(row) }));
  return { name: "dockerignore", cases, leftOut: [] };
}

function checkIgnored({ file, path, walk, orParent }: IgnoreCase): void {
  if (walk === "ERR") {
    assert.throws(
      () => parseDockerignore(file),
      (error: unknown) => error instanceof BuildError,
    );
    return;
  }
  const matcher = new IgnoreMatcher(parseDockerignore(file));
  assert.is(matcher.isIgnored(path), walk);
  assert.is(matcher.isIgnoredByAnyParent(path), orParent);
}
