import type { Snapshot, Store } from "../../layers/index.ts";
import type { CallOptions } from "../../registry-client/index.ts";
import { exportTree } from "../../runtime-core/index.ts";
import type { Output } from "../options.ts";
import type { WrittenImage } from "./image.ts";
import { exportOci } from "./oci.ts";

export interface OutputContext extends CallOptions {
  readonly store: Store;
  readonly image: WrittenImage;
  readonly snapshot: Snapshot;
  readonly imageNames: readonly string[];
  readonly sourceDateEpoch: number;
}

/** One `--output`. */
export async function writeOutput(output: Output, context: OutputContext): Promise<void> {
  switch (output.type) {
    case "oci":
      return await exportOci(output.dest, output.tar, context);
    case "local":
      return await exportTree(context.store.snapshotter.view(context.snapshot), output.dest, context);
  }
}
