import { median, type Timings } from "./measure.ts";

/** A table of medians, spans and how many times as long as the first builder each one takes. */
export function table(timings: readonly Timings[]): string {
  const rows = [["", "cold", "ratio", "cached", "ratio"], ...timings.map((row) => tableRow(row, timings[0]))];
  return columns(rows);
}

/** Rows as columns, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function tableRow(row: Timings, first: Timings | undefined): string[] {
  const ratio = (kind: "cold" | "cached") => `${(median(row[kind]) / median(first?.[kind] ?? [])).toFixed(2)}x`;
  return [row.name, span(row.cold), ratio("cold"), span(row.cached), ratio("cached")];
}

function span(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(3));
  return `${median(values).toFixed(3)} s [${least}-${most}]`;
}
