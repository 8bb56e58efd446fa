import type { WarningEvent } from "../../events.ts";

/** All warnings of a build, at its end, as BuildKit lists them. "" when there are none. */
export function renderWarnings(warnings: readonly WarningEvent[]): string {
  if (warnings.length === 0) return "";
  const title = warnings.length === 1 ? "1 warning found:" : `${warnings.length} warnings found:`;
  const rows = warnings.map(({ code, message, range }) => {
    const place = range === undefined ? "" : ` (line ${range.start.line})`;
    return ` - ${code}: ${message}${place}\n`;
  });
  return `\n ${title}\n${rows.join("")}`;
}
