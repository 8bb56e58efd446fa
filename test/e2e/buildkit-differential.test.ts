import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { makeTempDir } from "../helpers/temp.ts";
import {
  type BuiltImage,
  dockerBuild,
  listFiles,
  makeCaseContext,
  ourBuild,
  readDockerImage,
  readOurImage,
} from "./differential/builders.ts";
import type { DifferentialCase } from "./differential/case.ts";
import { COPY_CASES } from "./differential/copy-cases.ts";
import { REFUSED_CASES } from "./differential/refused-cases.ts";
import { RUN_CASES } from "./differential/run-cases.ts";

// Every Dockerfile of the tables is built by Docker's BuildKit and by tsbuild: same config, history, layers and files.

const AT_ONCE = 4;
const BUILT = [...COPY_CASES, ...RUN_CASES];
const CASES = [...BUILT, ...REFUSED_CASES];

interface Attempts {
  readonly theirs: BuiltImage | { readonly stderr: string };
  readonly ours: BuiltImage | { readonly error: unknown };
  /** `listFiles` of type=local. */
  readonly local: readonly string[];
}

const differential = suite("e2e: the same as BuildKit");
const root = makeTempDir("differential");
const store = makeTempDir("store");
const attempts = new Map<DifferentialCase, Attempts>();
let dockerd: Dockerd;

differential.before(async () => {
  const started = await startDockerd(root);
  if ("missing" in started) throw new Error(started.missing);
  dockerd = started;
  await dockerd.load(await baseImage("busybox"), "busybox");
  const waiting = [...CASES.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      attempts.set(next[1], await attempt(`case${next[0]}`, next[1]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});
differential.after(() => dockerd?.close());

async function attempt(name: string, one: DifferentialCase): Promise<Attempts> {
  const work = join(root, name);
  mkdirSync(work);
  const context = await makeCaseContext(work, one);
  const [docker, ours] = await Promise.all([
    dockerBuild(dockerd, name, context, one),
    ourBuild(work, store, context, one).then(
      () => readOurImage(work),
      (error: unknown) => ({ error }),
    ),
  ]);
  const theirs = docker.code === 0 ? await readDockerImage(dockerd, name, work) : { stderr: docker.stderr };
  return { theirs, ours, local: "error" in ours ? [] : await listFiles(join(work, "local")) };
}

for (const one of BUILT) {
  differential(`${one.name}: the same image`, () => {
    const { theirs, ours, local } = attemptsOf(one);
    if ("error" in ours) throw ours.error;
    if ("stderr" in theirs) throw new Error(theirs.stderr);
    assertSame(ours, theirs);
    assert.equal(local, ours.tree, "type=local has the files of the image");
  });
}

for (const one of REFUSED_CASES) {
  differential(`${one.name}: refused by both`, () => {
    const { theirs, ours } = attemptsOf(one);
    assert.ok("stderr" in theirs, "BuildKit builds it");
    assert.ok("error" in ours, "tsbuild builds it");
    assert.instance((ours as { error: unknown }).error, BuildError);
  });
}

function attemptsOf(one: DifferentialCase): Attempts {
  const found = attempts.get(one);
  if (found === undefined) throw new Error("not built");
  return found;
}

/** A step that changed nothing has a layer in Docker 20.10, for the mount points it leaves, and none here. */
function assertSame(ours: BuiltImage, theirs: BuiltImage): void {
  assert.is(ours.image.author, theirs.image.author);
  assert.is(ours.image.platform, theirs.image.platform);
  assert.equal(ours.image.config, theirs.image.config);
  assert.equal(ours.image.history, theirs.image.history);
  assert.not.ok(ours.image.hasLayer.some((has, row) => has && !theirs.image.hasLayer[row]));
  assert.is(ours.image.layers, ours.image.hasLayer.filter(Boolean).length);
  assert.equal(ours.tree, theirs.tree);
}

differential.run();
