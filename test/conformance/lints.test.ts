import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { dispatch } from "../../builder/dispatch/index.ts";
import { BuildError } from "../../builder/errors.ts";
import { openLinter, parseAndCheck } from "../../builder/lint/index.ts";
import type { ImageConfig } from "../../registry-client/index.ts";
import { AMD64, image, options } from "../builder/dispatch/harness.ts";

interface Trap {
  readonly n: number;
  readonly title: string;
  readonly doc: string;
  readonly args?: Record<string, string>;
  readonly target?: string;
  readonly platform?: string;
  readonly img?: Pick<ImageConfig, "config">;
  /** `Rule@line: message`. */
  readonly lints?: readonly string[] | null;
}

const suite = createSuite("conformance: what BuildKit's checks say of Dockerfiles with a catch");
const file = join(import.meta.dirname, "fixtures/dockerfile-traps.json");

for (const trap of JSON.parse(readFileSync(file, "utf8")) as readonly Trap[]) {
  suite(`${trap.n}: ${trap.title}`, async () => assert.equal(await lints(trap), trap.lints ?? []));
}

async function lints({ doc, args = {}, target, platform, img }: Trap): Promise<readonly string[]> {
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

suite.run();
