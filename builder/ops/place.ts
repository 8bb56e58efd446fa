import type { BuildErrorOptions } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import type { OpContext } from "./context.ts";

/** Where an error of a vertex is shown: at one of its `wordRanges`, else at its whole instruction. */
export function placeOf(
  { wordRanges, range }: Vertex,
  { source }: Pick<OpContext, "source">,
  word?: string,
): Pick<BuildErrorOptions, "range" | "source"> {
  const found = word === undefined ? undefined : wordRanges?.get(word);
  return { range: found ?? range, source };
}
