/** Rows as columns, each as wide as its widest cell and `padding`; the last is as wide as it is. Every row ends in a newline. */
export function formatTable(rows: readonly (readonly string[])[], padding: number): string {
  const widths = (rows[0] ?? []).map(
    (_, column) => Math.max(...rows.map((row) => length(row[column] ?? ""))) + padding,
  );
  const pad = (cell: string, column: number): string => cell + " ".repeat((widths[column] ?? 0) - length(cell));
  return rows
    .map((row) => `${row.map((cell, column) => (column < row.length - 1 ? pad(cell, column) : cell)).join("")}\n`)
    .join("");
}

/** In characters, as Go's text/tabwriter counts them. */
function length(text: string): number {
  return [...text].length;
}
