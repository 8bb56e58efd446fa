/** Text of a Dockerfile for a terminal: control characters and those that reorder text are shown, never sent. Tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}
