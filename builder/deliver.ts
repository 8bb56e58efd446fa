import type { Snapshot } from "../layers/index.ts";
import { callOptions } from "./call-options.ts";
import { pushImage, type WrittenImage, writeOutput } from "./export/index.ts";
import type { BuildOptions } from "./options.ts";
import { reportVertex } from "./report-vertex.ts";
import type { Session } from "./session.ts";

/** Hands the finished image out: outputs first, then the registries, then the store's tags. */
export async function deliver(
  image: WrittenImage,
  snapshot: Snapshot,
  imageNames: readonly string[],
  options: BuildOptions,
  { ops }: Session,
): Promise<void> {
  const signal = callOptions(options);
  const { store, registry, sourceDateEpoch } = ops;
  for (const output of options.outputs ?? []) {
    await reportVertex(`exporting to ${output.type} ${output.dest}`, ops, () =>
      writeOutput(output, { ...signal, store, image, snapshot, imageNames, sourceDateEpoch }),
    );
  }
  for (const name of options.push === true ? imageNames : []) {
    await reportVertex(`pushing ${name}`, ops, (report) =>
      pushImage(name, { ...signal, store, registry, image, onProgress: report }),
    );
  }
  for (const name of imageNames) await store.layout.tag(image.descriptor, name, signal);
}
