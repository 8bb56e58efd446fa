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

export interface Verdict {
  readonly text: string;
  readonly isMet: boolean;
}

const WANTED: Readonly<Record<string, number>> = { crun: 5, runc: 10, bwrap: 2 };

/**
 * What is wanted, and what was measured: of the forms of a peer that have what a step has, the fastest counts. A build prepares the
 * sandbox of each step while the one before it runs; only its first step may have to start anew, which is judged apart.
 */
export function verdicts(timed: readonly Timed[]): {
  readonly ahead: readonly Verdict[];
  readonly anew: readonly Verdict[];
} {
  const above = fastest(timed, "tsbuild, prepared ahead") - fastest(timed, "alone");
  const start = verdict(`${above.toFixed(2)} ms above the program alone, wanted at most 3`, above <= 3, above);
  return {
    ahead: [...ratioVerdicts(timed, "tsbuild, prepared ahead"), start],
    anew: ratioVerdicts(timed, "tsbuild"),
  };
}

function ratioVerdicts(timed: readonly Timed[], own: string): Verdict[] {
  return Object.entries(WANTED).map(([peer, wanted]) => {
    const measured = fastest(timed, peer) / fastest(timed, own);
    return verdict(
      `${peer} takes ${measured.toFixed(1)} times as long, wanted ${wanted}`,
      measured >= wanted,
      measured,
    );
  });
}

function verdict(text: string, isMet: boolean, measured: number): Verdict {
  if (Number.isNaN(measured)) return { text: "  not measured", isMet: true };
  return { text: `  ${(isMet ? "met" : "NOT MET").padEnd(8)} ${text}`, isMet };
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
