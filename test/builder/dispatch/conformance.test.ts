import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dispatch } from "../../../builder/dispatch/index.ts";
import { parseDockerfile } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { canonicalJson, topologicalOrder } from "../../../builder/llb/index.ts";
import type { ImageConfig } from "../../../registry-client/index.ts";
import { AMD64, image, options } from "./harness.ts";

/** A Dockerfile and what BuildKit made of it. */
interface Trap {
  readonly n: number;
  readonly title: string;
  readonly doc: string;
  readonly args?: Record<string, string>;
  readonly target?: string;
  readonly platform?: string;
  readonly img?: Pick<ImageConfig, "config">;
  readonly buildError?: string;
  readonly config?: object;
  readonly history?: readonly string[] | null;
  readonly ops?: readonly Record<string, unknown>[];
}

/** What is refused by name for now. */
const UNSUPPORTED: ReadonlySet<number> = new Set([53, 59, 61, 199, 201, 203, 205, 219]);
/** Where BuildKit is wrong and we are not: bytes of a flag read as Latin-1; text before ${x-y} lost in EXPOSE. */
const BUILDKIT_BUGS: ReadonlySet<number> = new Set([65, 141]);

const test = suite("dispatch conformance");
const file = new URL("../../conformance/fixtures/dockerfile-traps.json", import.meta.url);
const traps = (JSON.parse(readFileSync(file, "utf8")) as Trap[]).filter(
  (trap) => (trap.config ?? trap.buildError) !== undefined,
);

for (const trap of traps) {
  if (BUILDKIT_BUGS.has(trap.n)) continue;
  test(`${trap.n}: ${trap.title}`, async () => {
    const outcome = await build(trap);
    if (UNSUPPORTED.has(trap.n)) {
      assert.match(outcome.code ?? "", /^UNSUPPORTED_/);
      assert.ok(outcome.hint);
    } else if (trap.buildError !== undefined) {
      assert.ok([outcome.error, `${outcome.error} (${outcome.hint})`].includes(trap.buildError), outcome.error);
    } else {
      assert.is(outcome.error, undefined);
      assert.is(canonicalJson(outcome.config), canonicalJson(trap.config));
      assert.equal(outcome.history, trap.history ?? []);
      assert.equal(outcome.execs, execsOf(trap));
    }
  });
}

async function build(trap: Trap) {
  const buildPlatform = trap.platform === undefined ? AMD64 : { os: "linux", architecture: "arm64" };
  try {
    const result = await dispatch(
      parseDockerfile(trap.doc),
      options({
        ...(trap.target === undefined ? {} : { target: trap.target }),
        buildArgs: trap.args ?? {},
        buildPlatform,
        resolveImage: async (name) => image(name, trap.img?.config ?? { Env: ["PATH=/usr/bin:/bin"] }),
      }),
    );
    const rows = result.image.history.slice(result.image.baseHistory);
    const execs = topologicalOrder(result.target.vertex).flatMap(({ op }) =>
      op.type === "exec" ? [{ exec: op.argv, cwd: op.cwd, env: op.env, user: op.user }] : [],
    );
    return { config: result.image.config, history: rows.map((row) => row.created_by), execs };
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return { error: error.message, code: error.code, hint: error.hint };
  }
}

function execsOf(trap: Trap): readonly object[] {
  return (trap.ops ?? []).flatMap(({ exec, cwd, env, user }) => (exec === undefined ? [] : [{ exec, cwd, env, user }]));
}

test.run();
