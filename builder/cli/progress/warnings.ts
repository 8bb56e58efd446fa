import type { WarningEvent } from "../../events.ts";
import { printable } from "../printable.ts";

/** All warnings of a build, at its end, a line each as docker lists them. "" when there are none. */
export function renderWarnings(warnings: readonly WarningEvent[]): string {
  if (warnings.length === 0) return "";
  const count = warnings.length === 1 ? "1 warning found" : `${warnings.length} warnings found`;
  const more = warnings.some(({ source }) => source !== undefined) ? " (--check shows the lines)" : "";
  const lines = warnings.map((warning) => ` - ${printable(shortWarning(warning))}\n`);
  return `\n ${count}${more}:\n${lines.join("")}`;
}

/** `UndefinedVar: Usage of undefined variable '$x' (line 3)`: what BuildKit calls a warning's short form. */
export function shortWarning({ code, message, range }: WarningEvent): string {
  return `${code}: ${message}${range === undefined ? "" : ` (line ${range.start.line})`}`;
}
