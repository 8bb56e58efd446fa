const PLAIN_NAME = /^\w+$/;

/**
 * JSON in one spelling: keys sorted by code unit, no white space, undefined members left out.
 * Equal data gives equal text, whatever order it was built in.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  return Array.isArray(value) ? arrayJson(value) : objectJson(value as Readonly<Record<string, unknown>>);
}

// A vertex is digested for every instruction: texts put together as they come take a third of the time of a replacer.
function arrayJson(items: readonly unknown[]): string {
  let text = "";
  for (const item of items) text += `${text === "" ? "" : ","}${canonicalJson(item)}`;
  return `[${text}]`;
}

function objectJson(object: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const name of Object.keys(object).sort()) {
    const value = object[name];
    if (value === undefined) continue;
    const key = PLAIN_NAME.test(name) ? `"${name}"` : JSON.stringify(name);
    text += `${text === "" ? "" : ","}${key}:${canonicalJson(value)}`;
  }
  return `{${text}}`;
}
