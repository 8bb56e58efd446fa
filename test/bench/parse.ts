// Reads large Dockerfiles and prints time and peak memory of each: npm run bench:parse -- [--dist dist]. `parse` is text to
// instructions; `plan` is parse, checks and the build graph; dockerfile-ast alone stands beside them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commandOutput } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { PARSE_FILES, type ParseFile } from "./parse-files.ts";
import { columns } from "./report.ts";

const MODES = ["parse", "plan", "dockerfile-ast"] as const;
const CHILD = fileURLToPath(new URL("./parse-child.mjs", import.meta.url));

interface Cost {
  readonly seconds: number;
  readonly peakMiB: number;
}

const { values } = parseArgs({
  options: { dist: { type: "string", default: fileURLToPath(new URL("../../dist", import.meta.url)) } },
});

const work = makeTempDir("bench-parse");
const rows = [["", "size", ...MODES.flatMap((mode) => [mode, "peak"])]];
for (const [index, file] of PARSE_FILES.entries()) rows.push(await measure(file, join(work, String(index))));
console.log(columns(rows));

async function measure({ name, text }: ParseFile, folder: string): Promise<string[]> {
  mkdirSync(folder);
  writeFileSync(join(folder, "Dockerfile"), text);
  const row = [name, `${(Buffer.byteLength(text) / 1e6).toFixed(2)} MB`];
  for (const mode of MODES) {
    const { seconds, peakMiB } = await cost(mode, join(folder, "Dockerfile"));
    row.push(`${seconds.toFixed(3)} s`, `${peakMiB.toFixed(0)} MiB`);
  }
  return row;
}

async function cost(mode: string, file: string): Promise<Cost> {
  return JSON.parse(await commandOutput([process.execPath, CHILD, mode, file, values.dist]));
}
