const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** `3.41MB`: decimal units, as docker shows sizes. */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(2)}${UNITS[power]}`;
}
