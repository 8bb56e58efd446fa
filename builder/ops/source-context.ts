import { BuildError } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import type { SourceContext } from "../sources/index.ts";
import type { OpContext } from "./context.ts";

/** What fetching works with, of what ops work with. */
export function sourceContext({ store, sourceDateEpoch }: OpContext): SourceContext {
  return { store, sourceDateEpoch };
}

/** Runs what fetches for a vertex: its failure points at the address that was fetched from. */
export async function atSource<T>(vertex: Vertex, { source }: OpContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BuildError) || error.range !== undefined) throw error;
    const { code, message, hint, cause } = error;
    throw new BuildError(code, message, { hint, cause, range: vertex.range, source });
  }
}
