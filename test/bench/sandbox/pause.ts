/**
 * Keeps this thread busy: a core that has slept is slow for its first milliseconds, most of a short run's time and little of a
 * long one's.
 */
export function busyFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
