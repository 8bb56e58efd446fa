import { mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeLayoutArchive } from "../../layers/index.ts";
import { copyGraph, OciLayout } from "../../registry-client/index.ts";
import type { OutputContext } from "./outputs.ts";

/** `type=oci`: an OCI image layout, as a directory or a tar. A directory that is a layout already gains the image. */
export async function exportOci(dest: string, tar: boolean, context: OutputContext): Promise<void> {
  if (!tar) return await writeLayout(dest, context);
  const staging = await mkdtemp(join(dirname(dest), `.${basename(dest)}.`));
  try {
    const layout = join(staging, "layout");
    await writeLayout(layout, context);
    const archive = join(staging, "archive.tar");
    await writeLayoutArchive(layout, archive, context);
    await rename(archive, dest);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function writeLayout(path: string, context: OutputContext): Promise<void> {
  const layout = await OciLayout.open(path, { create: true });
  const { descriptor } = context.image;
  await copyGraph(context.store.layout, layout, descriptor, context);
  for (const name of context.imageNames.length === 0 ? [undefined] : context.imageNames) {
    await layout.tag(descriptor, name ?? descriptor.digest, context);
  }
}
