import type { CallOptions } from "../../registry-client/index.ts";
import { diskUsageOf, RuntimeError, type TreeUsage } from "../../runtime-core/index.ts";
import { allOrAbort } from "../all-or-abort.ts";
import type { Store } from "../store.ts";
import type { TreeSizes } from "./space.ts";
import type { StoredThing } from "./stored-thing.ts";

/** What the directories of `things` take. One that is gone meanwhile is left out. */
export async function measureTrees(
  things: readonly StoredThing[],
  store: Store,
  options: CallOptions,
): Promise<TreeSizes> {
  const paths = things.flatMap(({ trees }) => trees);
  const sizes = await allOrAbort<readonly (readonly [string, TreeUsage] | undefined)[]>(
    options.signal,
    paths.map((path) => (signal) => store.heavyWork.run(signal, () => measure(path, signal))),
  );
  return new Map(sizes.filter((size) => size !== undefined));
}

async function measure(path: string, signal: AbortSignal): Promise<readonly [string, TreeUsage] | undefined> {
  try {
    return [path, await diskUsageOf(path, { signal })];
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
