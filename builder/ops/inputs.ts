import type { Snapshot } from "../../layers/index.ts";
import type { TreeSource } from "../../runtime-core/index.ts";
import type { OpResult } from "../solver/index.ts";
import type { OpContext } from "./context.ts";

/** The root an op changes: always its first input. */
export function baseSnapshot(inputs: readonly OpResult[]): Snapshot {
  const base = inputs[0];
  if (base?.type !== "snapshot") throw new Error("the first input of an op must be a filesystem state");
  return base.snapshot;
}

/** An input as files to read. */
export function treeSource(input: OpResult | undefined, context: OpContext): TreeSource {
  if (input === undefined) throw new Error("a copy reads an input that its op does not have");
  return input.type === "local" ? input.source : { rootfs: context.store.snapshotter.view(input.snapshot) };
}
