import { existsSync } from "node:fs";
import { join } from "node:path";

/** The copy of the tables that came with the sources; ORIGIN.md in it says where they are from. */
export const FIXTURES: string = join(import.meta.dirname, "fixtures");

/** The tables beside the sources, which may be newer than the copy. */
const SHARED = join(import.meta.dirname, "../../../shared/conformance");

/** Where `npm run conformance` takes the tables from, and what to say about it. */
export function tableFolder(): { readonly path: string; readonly note: string } {
  if (existsSync(SHARED)) return { path: SHARED, note: "the tables of ../shared/conformance" };
  return {
    path: FIXTURES,
    note: "../shared/conformance is absent: the tables are the copy in test/conformance/fixtures",
  };
}
