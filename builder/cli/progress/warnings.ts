import type { WarningEvent } from "../../events.ts";
import { renderLineFrame } from "../line-frame.ts";
import { printable } from "../printable.ts";

/** All warnings of a build, at its end, as BuildKit lists them, each with its lines. "" when there are none. */
export function renderWarnings(warnings: readonly WarningEvent[]): string {
  if (warnings.length === 0) return "";
  const title = warnings.length === 1 ? "1 warning found:" : `${warnings.length} warnings found:`;
  return `\n ${title}\n${warnings.map(renderWarning).join("")}`;
}

/** `UndefinedVar: Usage of undefined variable '$x' (line 3)`: what BuildKit calls a warning's short form. */
export function shortWarning({ code, message, range }: WarningEvent): string {
  return `${code}: ${message}${range === undefined ? "" : ` (line ${range.start.line})`}`;
}

function renderWarning(warning: WarningEvent): string {
  const { url, range, source } = warning;
  const more = url === undefined ? "" : `More info: ${url}\n`;
  const frame = range === undefined || source === undefined ? "" : renderLineFrame(source, range);
  return ` - ${printable(shortWarning(warning))}\n${more}${frame}${more === "" && frame === "" ? "" : "\n"}`;
}
