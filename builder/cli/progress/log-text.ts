/**
 * Output of a step for a terminal. Colours (SGR of ECMA-48) and carriage returns stay: they change nothing but the step's own
 * line. What moves the cursor, clears the screen, sets titles, reads the clipboard or reorders text is taken out.
 */
export function logText(text: string): string {
  return CONTROL.test(text) ? text.replace(SEQUENCE, (found) => (COLOUR.test(found) ? found : "")) : text;
}

const CONTROL = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/u;

const COLOUR = /^.\[[\d;:]*m$/u;

/** ECMA-48: control strings to their end, control sequences, other escapes; then control characters alone. */
const SEQUENCE = new RegExp(
  [
    "(?:\u001b[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\\\|\u009c)?",
    "(?:\u001b\\[|\u009b)[0-?]*[ -/]*[@-~]?",
    "\u001b[ -/]*[0-~]?",
    "[^\\P{Cc}\\t\\n\\r]",
    "[\u202a-\u202e\u2066-\u2069]",
  ].join("|"),
  "gu",
);
