const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `1h30m`, `1.5m`, `500ms` as milliseconds, as Go writes durations. undefined for anything else, and for none at all. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ""] ?? 0), 0);
  return ms > 0 && Number.isFinite(ms) ? Math.max(1, Math.round(ms)) : undefined;
}

/** `30 s`, `0.5 s`, `5 min`, `1 h 30 min`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120 || seconds % 1 !== 0) return `${seconds} s`;
  const parts = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  return parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count} ${unit}`])).join(" ");
}
