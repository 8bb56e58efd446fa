// Digests a context of 48,000 entries, 0.6 GB, as the key of `COPY . .` has it: without an index, with an empty one, with its own,
// and after one edit. npm run bench:context -- [--runs 5]
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { digestSelection, openStatIndex, type StatIndex, saveStatIndex } from "../../../runtime-core/index.ts";
import { makeTempDir } from "../../helpers/temp.ts";
import { median } from "../measure.ts";
import { writeModulesTree } from "./tree.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
const RUNS = Number(values.runs);
/** Longer than what has just changed is mistrusted. */
const SETTLED_MS = 500;

const work = makeTempDir("bench");
const root = join(work, "context");
mkdirSync(root);
writeModulesTree(root);
const edited = join(root, "package-7/lib/file-3.js");
const text = readFileSync(edited);
await settle();

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const plain = await digest();
const rows: Readonly<Record<string, () => Promise<Cost>>> = {
  "no index": () => cost(() => expectPlain()),
  "empty index, saved": () => cost(() => expectPlain(join(work, `index-${performance.now()}`))),
  "its own index": () => cost(() => expectPlain(join(work, "index"))),
  "after one edit, saved": async () => {
    writeFileSync(edited, `${performance.now()}`);
    await settle();
    return await cost(() => withIndex(join(work, "edited")));
  },
};

await withIndex(join(work, "index"));
await withIndex(join(work, "edited"));
const costs = new Map(Object.keys(rows).map((name) => [name, [] as Cost[]]));
for (let run = 0; run < RUNS; run++) {
  // The edit is last, and taken back before the next run.
  for (const [name, row] of Object.entries(rows)) costs.get(name)?.push(await row());
  writeFileSync(edited, text);
  await settle();
  await withIndex(join(work, "index"));
}

console.log(`${RUNS} runs, ${cpus().length} cores, warm page cache: median wall (least) and CPU, ms`);
for (const [name, all] of costs) {
  const wall = all.map(({ wallMs }) => wallMs);
  const figures = [median(wall), Math.min(...wall), median(all.map(({ cpuMs }) => cpuMs))].map((ms) => ms.toFixed(0));
  console.log(`${name.padEnd(24)} ${figures[0]?.padStart(6)} (${figures[1]}) ${figures[2]?.padStart(8)}`);
}
console.log(`the index is ${(statSync(join(work, "index")).size / 1e6).toFixed(1)} MB`);

async function expectPlain(path?: string): Promise<void> {
  const found = path === undefined ? await digest() : await withIndex(path);
  if (found !== plain) throw new Error(`an index changed the digest: ${found}`);
}

async function withIndex(path: string): Promise<string> {
  const index = openStatIndex(path);
  const found = await digest(index);
  await saveStatIndex(index, `${path}.tmp`);
  return found;
}

async function digest(index?: StatIndex): Promise<string> {
  const selection = {
    source: { rootfs: { lowers: [root] }, isContext: true },
    paths: ["/"],
    wildcards: false,
  };
  return (await digestSelection(selection, index === undefined ? {} : { index })).digest;
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - began, cpuMs: (user + system) / 1000 };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
}
