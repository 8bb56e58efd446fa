import { columns } from "../report.ts";
import type { Contender } from "./contender.ts";
import type { Blocked } from "./event-loop.ts";
import { p50, p95 } from "./statistics.ts";

/** A contender and its runs, in milliseconds. */
export interface Timed {
  readonly contender: Contender;
  readonly ms: readonly number[];
}

/** A row a contender: its figures, and how many times as long as a step of tsbuild it takes, started anew and prepared ahead. */
export function timesTable(timed: readonly Timed[]): string {
  const anew = fastest(timed, "tsbuild");
  const ahead = fastest(timed, "tsbuild, prepared ahead");
  const rows = timed.map(({ contender, ms }) => [
    contender.name,
    ...[p50(ms), p95(ms), Math.min(...ms)].map((value) => value.toFixed(2)),
    ratio(p50(ms), anew),
    ratio(p50(ms), ahead),
  ]);
  return columns([["ms", "p50", "p95", "min", "/ anew", "/ ahead"], ...rows]);
}

/** What is wanted, and what was measured: of the forms of a peer that have what a step has, the fastest counts. */
export function verdicts(timed: readonly Timed[]): { readonly text: string; readonly isMet: boolean }[] {
  const own = fastest(timed, "tsbuild");
  const times = Object.entries({ crun: 5, runc: 10, bwrap: 2 }).map(([peer, wanted]) => {
    const measured = fastest(timed, peer) / own;
    return verdict(
      `${peer} takes ${measured.toFixed(1)} times as long, wanted ${wanted}`,
      measured >= wanted,
      measured,
    );
  });
  const above = fastest(timed, "tsbuild, prepared ahead") - fastest(timed, "alone");
  const text = `prepared ahead: ${above.toFixed(2)} ms above the program alone, wanted at most 3`;
  return [...times, verdict(text, above <= 3, above)];
}

function verdict(text: string, isMet: boolean, measured: number) {
  const mark = Number.isNaN(measured) ? "not measured" : isMet ? "met" : "NOT MET";
  return { text: `${mark.padEnd(12)}  ${text}`, isMet: isMet || Number.isNaN(measured) };
}

/** How long the event loop stood still. */
export function blockedLines(measured: readonly Blocked[]): string {
  return measured
    .map(({ heapMiB, longestMs: ms }) => {
      const [middle, most] = [p50(ms), p95(ms)].map((value) => value.toFixed(2));
      return `event loop blocked by a step, heap ${heapMiB} MiB: p50 ${middle} ms, p95 ${most} ms, wanted under 2`;
    })
    .join("\n");
}

/** The p50 of the fastest form; NaN when it was not timed. */
function fastest(timed: readonly Timed[], peer: string): number {
  const middles = timed.filter(({ contender }) => contender.peer === peer).map(({ ms }) => p50(ms));
  return middles.length === 0 ? Number.NaN : Math.min(...middles);
}

function ratio(value: number, of: number): string {
  return Number.isNaN(of) ? "" : `${(value / of).toFixed(1)}x`;
}
