// Builds a Dockerfile with 20 trivial RUN steps, cold and fully cached, side by side with buildah and Docker's BuildKit:
// npm run bench -- [--runs 5] [--json FILE] [--only tsbuild,buildah,buildkit]. Needs root, and what `scripts/test` sets up.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { baseImage } from "../helpers/base-images.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { prepareBuildah } from "./buildah.ts";
import { BASE_NAME, type BenchBuilder, type PrepareBuilder } from "./builder.ts";
import { prepareBuildKit } from "./buildkit.ts";
import { measure } from "./measure.ts";
import { table } from "./report.ts";
import { prepareTsbuild } from "./tsbuild.ts";

const STEPS = 20;
const PREPARE: Readonly<Record<string, PrepareBuilder>> = {
  tsbuild: prepareTsbuild,
  buildah: prepareBuildah,
  buildkit: prepareBuildKit,
};

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    json: { type: "string" },
    only: { type: "string", default: Object.keys(PREPARE).join() },
  },
});

const work = makeTempDir("bench");
const context = join(work, "context");
const base = await baseImage("busybox");
mkdirSync(context);
const steps = Array.from({ length: STEPS }, (_, index) => `RUN echo ${index} > /step-${index}`);
writeFileSync(join(context, "Dockerfile"), [`FROM ${BASE_NAME}`, ...steps, ""].join("\n"));

const builders: BenchBuilder[] = [];
try {
  for (const name of values.only.split(",")) await prepare(name);
  const timings = await measure(builders, context, Number(values.runs));
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  console.log(`${STEPS} RUN steps, ${values.runs} runs, ${machine.cores} cores, wall time: median [least-most]\n`);
  console.log(table(timings));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ steps: STEPS, machine, timings }, null, 2)}\n`);
} finally {
  for (const builder of builders) await builder.close();
}

async function prepare(name: string): Promise<void> {
  const folder = join(work, name);
  mkdirSync(folder);
  const builder = await PREPARE[name]?.(folder, base);
  if (builder === undefined) throw new Error(`no such builder: ${name}`);
  if ("missing" in builder) console.log(`${builder.name} is left out: ${builder.missing}`);
  else builders.push(builder);
}
