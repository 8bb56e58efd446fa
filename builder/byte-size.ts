const UNITS = "kmgtp";

/** `64m`, `1.5GiB`, `1024` as bytes: docker's units.RAMInBytes. undefined for what it refuses. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, unit] = match;
  const bytes = Math.trunc(Number(number) * 1024 ** (unit === undefined ? 0 : UNITS.indexOf(unit.toLowerCase()) + 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
