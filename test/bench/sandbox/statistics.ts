/** The value that `share` of the values are not above (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Half of the values are not above it. */
export const p50 = (values: readonly number[]): number => percentile(values, 0.5);

/** 19 of 20 values are not above it. */
export const p95 = (values: readonly number[]): number => percentile(values, 0.95);
