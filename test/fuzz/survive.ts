import { dispatch, type ResolvedImage } from "../../builder/dispatch/index.ts";
import type { SourceFile, SourceRange } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";
import { openLinter, parseAndCheck } from "../../builder/lint/index.ts";
import { renderSourceFrame } from "../../builder/source-frame.ts";
import { image, options } from "../builder/dispatch/harness.ts";

/**
 * Parses, checks and dispatches a Dockerfile: it becomes a graph, or there is a BuildError that can be shown. Throws Error
 * saying what else happened.
 */
export async function survive(text: string): Promise<void> {
  const source = { file: "Dockerfile", text };
  try {
    const linter = openLinter(source, {});
    await dispatch(parseAndCheck(source, linter), options({ linter, resolveImage: (name) => resolve(name, text) }));
    for (const { range } of linter.warnings) checkRange(range, withoutMark(source));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    checkError(error);
  }
}

/** The base image `onbuild` has the lines of the Dockerfile itself as triggers. */
async function resolve(name: string, text: string): Promise<ResolvedImage> {
  if (name.startsWith("missing")) throw new BuildError("BASE_IMAGE_NOT_FOUND", `cannot resolve ${name}`);
  const triggers = name === "onbuild" ? text.split("\n", 12).slice(1).map(withoutOnbuild) : [];
  return image("onbuild", { Env: ["PATH=/bin", "A"], WorkingDir: "x", User: "app", OnBuild: triggers });
}

function withoutOnbuild(line: string): string {
  return line.replace(/^ONBUILD\s+/i, "");
}

function checkError({ code, message, range, source }: BuildError): void {
  if (!/^[A-Z][A-Z_]+$/.test(code)) throw new Error(`the code ${code} of: ${message}`);
  if (message.trim() === "") throw new Error(`${code} has no message`);
  if (range === undefined || source === undefined) throw new Error(`no place: ${code}: ${message}`);
  checkRange(range, source);
}

/** A range is inside of the text, and can be shown. */
function checkRange({ start, end, file }: SourceRange, source: SourceFile): void {
  const lines = source.text.split("\n");
  const at = `${start.line}:${start.column}-${end.line}:${end.column}`;
  const isOrdered = start.line < end.line || (start.line === end.line && start.column <= end.column);
  const isInside = [start, end].every(
    ({ line, column }) => column >= 1 && column <= (lines[line - 1]?.length ?? -1) + 1,
  );
  if (!isOrdered || !isInside) throw new Error(`a range that is not in the text: ${at}`);
  const frame = renderSourceFrame(source, { file, start, end });
  if (frame.includes("\u001b") || !/\^|>/.test(frame)) throw new Error(`a frame without carets: ${frame}`);
}

function withoutMark({ file, text }: SourceFile): SourceFile {
  return { file, text: text.startsWith("\ufeff") ? text.slice(1) : text };
}
