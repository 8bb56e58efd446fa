import type { Token } from "./logical-line.ts";

const STRING = /"(?:[^"\\]|\\.)*"/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** What a JSON array of an exec form holds. `invalid`: an array, but not of strings only, which is an error in every instruction. */
export type JsonForm =
  | { readonly kind: "strings"; readonly tokens: readonly Token[] }
  | { readonly kind: "invalid"; readonly tokens: readonly Token[] };

/** The exec form of `line[start, end)`. undefined: not a JSON array, so it is the shell form. A token includes its quotes' places. */
export function parseJsonForm(line: string, start: number, end: number): JsonForm | undefined {
  if (line[start] !== "[") return undefined;
  const text = line.slice(start, end);
  const values = parseArray(text);
  if (values === undefined) return undefined;
  if (!values.every((value) => typeof value === "string")) return { kind: "invalid", tokens: [{ text, start, end }] };
  const tokens: Token[] = [];
  for (const match of text.matchAll(STRING)) {
    const value = String(values[tokens.length]).replace(LONE_SURROGATE, "\ufffd");
    tokens.push({ text: value, start: start + match.index, end: start + match.index + match[0].length });
  }
  return { kind: "strings", tokens };
}

function parseArray(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
