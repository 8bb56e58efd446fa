import { BuildError } from "../errors.ts";
import { expandWords } from "./expand.ts";
import type { Heredoc } from "./instructions.ts";
import type { LogicalLine } from "./logical-line.ts";

const MARKER = /^(\d*)<<(-?)[\t\n\f\r ]*([^<]*)$/;
const NO_ENVIRONMENT: ReadonlyMap<string, string> = new Map();

/** `<<EOF`, and where it stands in the logical line. */
export interface HeredocMarker {
  readonly name: string;
  readonly quoted: boolean;
  readonly chomp: boolean;
  readonly fileDescriptor?: number;
  readonly start: number;
  readonly end: number;
}

/** The heredocs that an instruction announces, in order. Whatever the file's escape token, theirs is `\`. */
export function findHeredocs(line: LogicalLine): readonly HeredocMarker[] {
  if (!line.text.includes("<<")) return [];
  const markers: HeredocMarker[] = [];
  let from = 0;
  for (const word of shellWords(line.text)) {
    const marker = parseHeredocMarker(word);
    if (marker === undefined) continue;
    const start = Math.max(from, line.text.indexOf(word, from));
    from = start + word.length;
    markers.push({ ...marker, start, end: from });
  }
  return markers;
}

/** A word of the form `<<NAME`, `<<-NAME`, `3<<"NAME"`; anything else is undefined. Offsets are the word's own. */
export function parseHeredocMarker(word: string): HeredocMarker | undefined {
  const match = MARKER.exec(word);
  const written = match?.[3] ?? "";
  if (match === null || written === "") return undefined;
  const name = soleWord(written, false);
  const raw = soleWord(written, true);
  if (name === undefined || raw === undefined) return undefined;
  return {
    name,
    // Quotes that one reading removes and the other keeps were quotes, not text.
    quoted: countQuotes(name) !== countQuotes(raw),
    chomp: match[2] === "-",
    ...(match[1] ? { fileDescriptor: Number(match[1]) } : {}),
    start: 0,
    end: word.length,
  };
}

/** The body as a file gets it: for `<<-`, without the leading tabs of its lines. */
export function heredocContent(heredoc: Pick<Heredoc, "content" | "chomp">): string {
  return heredoc.chomp ? heredoc.content.replace(/^\t+/gm, "") : heredoc.content;
}

/** A line whose quotes do not match has no heredocs. */
function shellWords(text: string): readonly string[] {
  try {
    return expandWords(text, NO_ENVIRONMENT, { rawQuotes: true, rawEscapes: true, skipUnsetEnv: true }).words;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return [];
  }
}

function soleWord(text: string, rawQuotes: boolean): string | undefined {
  try {
    const { words } = expandWords(text, NO_ENVIRONMENT, { skipUnsetEnv: true, rawQuotes });
    return words.length === 1 ? words[0] : undefined;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return undefined;
  }
}

function countQuotes(text: string): number {
  return text.replace(/[^'"]/g, "").length;
}
