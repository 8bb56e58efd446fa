import type { ParityCase } from "./case.ts";

/** What neither builder knows. */
export const WRITTEN_CASES: readonly ParityCase[] = [];
