/** A field, and where it stands in its line. */
export interface CsvField {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The fields of one line of CSV (RFC 4180), as Go's encoding/csv reads the flags of docker and of instructions. Throws Error on a
 * stray quote, and for no line.
 */
export function parseCsvFields(text: string): readonly CsvField[] {
  if (text === "") throw new Error("EOF");
  const fields: CsvField[] = [];
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? readQuoted(text, at) : readBare(text, at);
    fields.push({ ...field, start: at });
    if (field.end >= text.length) return fields;
    at = field.end + 1;
  }
}

function readBare(text: string, start: number): { value: string; end: number } {
  const comma = text.indexOf(",", start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  if (value.includes('"')) throw new Error('bare " in non-quoted-field');
  return { value, end };
}

function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = "";
  let at = start + 1;
  for (;;) {
    const mark = text.indexOf('"', at);
    if (mark < 0) throw new Error('extraneous or missing " in quoted-field');
    value += text.slice(at, mark);
    if (text[mark + 1] !== '"') return endQuoted(text, value, mark + 1);
    value += '"';
    at = mark + 2;
  }
}

function endQuoted(text: string, value: string, end: number): { value: string; end: number } {
  if (end < text.length && text[end] !== ",") throw new Error('extraneous or missing " in quoted-field');
  return { value, end };
}
