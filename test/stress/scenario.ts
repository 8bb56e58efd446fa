import type { Random } from "./random.ts";

/** How a scenario is run. */
export interface Conditions {
  readonly random: Random;
  /** 1 is the full length: a thousand steps, some dozens of builds. */
  readonly scale: number;
  /** Builds are an ordinary user's. */
  readonly asUser: boolean;
}

/** Throws with what was left behind; returns what it did, in words and figures. */
export type Scenario = (conditions: Conditions) => Promise<string>;

/** `full` times the scale, and at least one. */
export function times(full: number, { scale }: Conditions): number {
  return Math.max(1, Math.round(full * scale));
}
