/** One row of a table: what must hold, as a function that throws when it does not. */
export interface ConformanceCase {
  readonly name: string;
  readonly check: () => void | Promise<void>;
}

/** A table of cases of BuildKit's own. */
export interface ConformanceTable {
  /** As the report shows it. */
  readonly name: string;
  readonly cases: readonly ConformanceCase[];
  /** Rows that are not run, on purpose. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}
