// Times `true` of one root file system as a step of tsbuild, by runc, crun and bwrap, and alone, in turn, 200 runs each:
// npm run bench:sandbox -- [--runs 200] [--only tsbuild,runc,crun,bwrap] [--json FILE] [--no-shield]. Needs root, and gcc.
import { chmodSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeTempDir } from "../../helpers/temp.ts";
import { alone } from "./alone.ts";
import { bubblewrap } from "./bubblewrap.ts";
import type { Contender, MissingContender, Subject } from "./contender.ts";
import { eventLoopBlocked } from "./event-loop.ts";
import { busyWarning, describeMachine } from "./machine.ts";
import { busyFor } from "./pause.ts";
import { blockedLines, type Timed, timesTable, type Verdict, verdicts } from "./report.ts";
import { runtimes } from "./runtimes.ts";
import { shielded, shieldWords } from "./shield.ts";
import { makeSubject } from "./subject.ts";
import { tsbuildStep } from "./tsbuild-step.ts";

const WARM_UP_RUNS = 3;
const PAUSE_MS = 10;
const HEAP_MIB = 300;

const PEERS: Readonly<Record<string, (subject: Subject) => Promise<(Contender | MissingContender)[]>>> = {
  alone: async (subject) => [await alone(subject)],
  tsbuild: async (subject) => [await tsbuildStep(true, subject), await tsbuildStep(false, subject)],
  bwrap: bubblewrap,
  crun: (subject) => runtimes("crun", subject),
  runc: (subject) => runtimes("runc", subject),
};

const { values } = parseArgs({
  allowNegative: true,
  options: {
    runs: { type: "string", default: "200" },
    only: { type: "string", default: Object.keys(PEERS).join() },
    json: { type: "string" },
    shield: { type: "boolean", default: true },
  },
});

const exitCode = values.shield ? shielded() : undefined;
process.exitCode = exitCode ?? (await bench(Number(values.runs), values.only.split(",")));

/** Returns the exit code: 1 when a figure that is wanted of a step prepared ahead is missed. */
async function bench(runs: number, peers: readonly string[]): Promise<number> {
  const work = makeTempDir("bench-sandbox");
  // A container of other ids has to find its root.
  chmodSync(work, 0o755);
  const subject = await makeSubject(work);
  const machine = await describeMachine();
  for (const [name, value] of Object.entries(machine)) console.log(`${name.padEnd(6)}  ${value}`);
  console.log(`runs    ${runs} of each in turn, a static true, ${shieldWords()}\n`);
  const contenders: Contender[] = [];
  try {
    for (const peer of peers) contenders.push(...(await prepare(peer, subject)));
    const timed = await measure(contenders, runs);
    const blocked = peers.includes("tsbuild") ? await eventLoopBlocked(Math.min(runs, 100), HEAP_MIB, subject) : [];
    const { ahead, anew } = verdicts(timed);
    const lines = (title: string, all: readonly Verdict[]) => [title, ...all.map(({ text }) => text)].join("\n");
    const judged = [lines("a step prepared ahead, as a build runs it:", ahead), lines("a step started anew:", anew)];
    console.log([timesTable(timed), ...judged, blockedLines(blocked)].join("\n\n"));
    const warning = busyWarning();
    if (warning !== undefined) console.log(`\n${warning}`);
    if (values.json !== undefined) writeJson(values.json, { runs, machine, timed, blocked });
    return ahead.every(({ isMet }) => isMet) ? 0 : 1;
  } finally {
    for (const contender of contenders) await contender.close();
  }
}

async function prepare(peer: string, subject: Subject): Promise<Contender[]> {
  const made = await PEERS[peer]?.(subject);
  if (made === undefined) throw new Error(`no such peer: ${peer}; there are ${Object.keys(PEERS).join(", ")}`);
  for (const one of made) if ("missing" in one) console.log(`${one.name} is left out: ${one.missing}`);
  return made.filter((one) => "run" in one);
}

/** In turn, so that a change of the machine's mood hits all of them. */
async function measure(contenders: readonly Contender[], runs: number): Promise<Timed[]> {
  const timed = contenders.map((contender) => ({ contender, ms: [] as number[] }));
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    for (const { contender, ms } of timed) {
      busyFor(PAUSE_MS);
      const took = await contender.run();
      if (run >= 0) ms.push(took);
    }
  }
  return timed;
}

function writeJson(
  path: string,
  { timed, ...rest }: { readonly timed: readonly Timed[]; readonly [name: string]: unknown },
): void {
  const contenders = timed.map(({ contender, ms }) => ({ name: contender.name, ms }));
  writeFileSync(path, `${JSON.stringify({ ...rest, contenders }, null, 2)}\n`);
}
