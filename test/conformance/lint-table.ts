import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { dispatch } from "../../builder/dispatch/index.ts";
import { BuildError } from "../../builder/errors.ts";
import { openLinter, parseAndCheck } from "../../builder/lint/index.ts";
import type { ImageConfig } from "../../registry-client/index.ts";
import { AMD64, image, options } from "../builder/dispatch/harness.ts";
import type { ConformanceTable } from "./table.ts";

interface LintedDockerfile {
  readonly n: number;
  readonly title: string;
  readonly doc: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  readonly img?: Pick<ImageConfig, "config">;
  /** `Rule@line: message`, in the order they are found. */
  readonly lints?: readonly string[] | null;
}

/** The Dockerfiles with a catch again: what the checks say of them. */
export function lintTable(folder: string): ConformanceTable {
  const rows: readonly LintedDockerfile[] = JSON.parse(readFileSync(join(folder, "dockerfile-traps.json"), "utf8"));
  const cases = rows.map((row) => ({ name: `${row.n}: ${row.title}`, check: () => checkLints(row) }));
  return { name: "dockerfile-traps, lints", cases, leftOut: [] };
}

async function checkLints(row: LintedDockerfile): Promise<void> {
  assert.equal(await lintsOf(row), row.lints ?? []);
}

async function lintsOf({ doc, args = {}, target, platform, img }: LintedDockerfile): Promise<readonly string[]> {
  const source = { file: "Dockerfile", text: doc };
  const linter = openLinter(source, args);
  try {
    await dispatch(
      parseAndCheck(source, linter),
      options({
        ...(target === undefined ? { allStages: true } : { target }),
        buildArgs: args,
        buildPlatform: platform === undefined ? AMD64 : { os: "linux", architecture: "arm64" },
        resolveImage: async (name, asked) =>
          image(name, img?.config ?? { Env: ["PATH=/usr/bin:/bin"] }, asked.platform),
        linter,
      }),
    );
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
  }
  return linter.warnings.map(({ rule, range, message }) => `${rule}@${range.start.line}: ${message}`);
}
