import { suggest } from "../suggest.ts";

/** Past so many names none is suggested: a long file of undefined variables would take for ever. */
const MAX_CANDIDATES = 1000;

/** The name that was perhaps meant; "" for none. */
export function suggestName(name: string, known: { readonly size: number; keys(): Iterable<string> }): string {
  return known.size > MAX_CANDIDATES ? "" : (suggest(name, known.keys()) ?? "");
}
