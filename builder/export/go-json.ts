/**
 * JSON as Go's encoding/json writes it: no spaces, and `<`, `>`, `&`, U+2028 and U+2029 escaped, so that the same image
 * has the same bytes whichever tool re-encodes it. Key order is the object's own: callers build objects in the spec's order.
 */
export function goJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
  return Buffer.from(text, "utf8");
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
