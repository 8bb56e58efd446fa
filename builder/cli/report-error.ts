import { BuildError } from "../errors.ts";
import { renderSourceFrame } from "../source-frame.ts";
import { printable } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

export interface ReportOptions {
  readonly color: boolean;
  /** GITHUB_ACTIONS: also an annotation that the runner shows beside the line. */
  readonly annotate: boolean;
}

/** What a person reads of an error: the message and its code, the place, the causes, the way out. Ends in a newline. */
export function reportError(error: unknown, options: ReportOptions): string {
  const told = describe(error);
  const lines = [
    `${paint("error:", "1;31", options)} ${told.message}${told.code === undefined ? "" : `  [${told.code}]`}`,
  ];
  if (error instanceof BuildError && error.range !== undefined && error.source !== undefined) {
    lines.push(renderSourceFrame(error.source, error.range, { color: options.color }));
  }
  lines.push(...told.causes.map((cause) => `cause: ${cause}`));
  if (told.hint !== undefined) lines.push(`${paint("hint:", "1;36", options)} ${told.hint}`);
  if (options.annotate) lines.push(annotation(error, told.message));
  return `${lines.join("\n")}\n`;
}

/** The exit code an error ends the process with: that of a failed RUN, 2 for usage, else 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  const code = error instanceof BuildError ? error.exitCode : undefined;
  return code !== undefined && code > 0 && code < 256 ? code : 1;
}

interface Description {
  readonly message: string;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  readonly causes: readonly string[];
}

/** Errors of every module have `code` and perhaps `hint`; one that has neither is a bug, and its stack is shown. */
function describe(error: unknown): Description {
  if (!(error instanceof Error)) return { message: printable(String(error)), causes: [] };
  const code = textOf(error, "code");
  if (code === undefined) {
    const hint = "this is a bug in tsbuild: please report it with the lines above";
    return { message: printable(error.stack ?? error.message), hint, causes: [] };
  }
  const message = printable(error.message);
  const hint = textOf(error, "hint");
  return { message, code, hint: hint === undefined ? undefined : printable(hint), causes: causesOf(error, message) };
}

/** Causes that the message does not already tell. */
function causesOf(error: Error, message: string): readonly string[] {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    const text = printable(cause.message);
    if (text !== "" && ![message, ...causes].some((told) => told.includes(text))) causes.push(text);
  }
  return causes;
}

function textOf(error: Error, key: "code" | "hint"): string | undefined {
  const value: unknown = (error as { readonly [key in "code" | "hint"]?: unknown })[key];
  return typeof value === "string" ? value : undefined;
}

/** https://docs.github.com/actions, "Setting an error message". */
function annotation(error: unknown, message: string): string {
  const data = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (text: string | number) => data(String(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const range = error instanceof BuildError ? error.range : undefined;
  const place =
    range === undefined
      ? ""
      : ` file=${property(range.file)},line=${range.start.line},endLine=${range.end.line},col=${range.start.column}`;
  return `::error${place}::${data(message)}`;
}

function paint(text: string, style: string, { color }: ReportOptions): string {
  return color ? `\u001b[${style}m${text}\u001b[0m` : text;
}
