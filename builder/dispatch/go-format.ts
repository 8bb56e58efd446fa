import { quote } from "../dockerfile/index.ts";

/** `[a b]`: Go's %v of a string slice, as BuildKit writes lists into the history. */
export function formatList(items: readonly string[]): string {
  return `[${items.join(" ")}]`;
}

/** `["a" "b"]`: Go's %q of a string slice. */
export function formatQuotedList(items: readonly string[]): string {
  return `[${items.map(quote).join(" ")}]`;
}

/** Go's Duration.String of whole nanoseconds: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const totalSeconds = Math.floor(nanoseconds / 1e9);
  const hours = Math.floor(totalSeconds / 3600);
  const minutes = Math.floor(totalSeconds / 60) % 60;
  const seconds = `${(totalSeconds % 60) + (nanoseconds % 1e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
