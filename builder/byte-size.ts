const UNITS = "kmgtp";

/** `64m`, `1.5GiB`, `1024` as bytes: docker's units.RAMInBytes. undefined for what it refuses. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, unit] = match;
  const bytes = Math.trunc(Number(number) * 1024 ** (unit === undefined ? 0 : UNITS.indexOf(unit.toLowerCase()) + 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const BINARY = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** `256 MiB`, `1.5 GiB`, `1 byte`: in the units that limits are given in. */
export function formatByteSize(bytes: number): string {
  if (bytes === 1) return "1 byte";
  const power = Math.min(BINARY.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.round((bytes / 1024 ** power) * 100) / 100} ${BINARY[power]}`;
}
