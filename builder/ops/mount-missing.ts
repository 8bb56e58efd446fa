import { BuildError } from "../errors.ts";
import type { MountWork } from "./mounts.ts";
import { placeOf } from "./place.ts";

/** A secret or an agent that a step needs and the build has not been given. `word` is its place among the vertex's words. */
export function missing(
  message: string,
  word: string,
  hint: string,
  { vertex, context }: Pick<MountWork, "vertex" | "context">,
): BuildError {
  return new BuildError("MOUNT_NOT_GIVEN", message, { hint, ...placeOf(vertex, context, word) });
}
