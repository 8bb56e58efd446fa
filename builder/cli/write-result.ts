import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import type { BuildResult } from "../options.ts";

/** `--metadata-file`: the keys that buildx writes, and what became of every RUN as `tsbuild.steps`. */
export function metadataOf({ descriptor, configDigest, imageNames, isolation, steps }: BuildResult): object {
  return {
    "containerimage.config.digest": configDigest,
    "containerimage.descriptor": descriptor,
    "containerimage.digest": descriptor.digest,
    ...(imageNames.length === 0 ? {} : { "image.name": imageNames.join(",") }),
    "tsbuild.isolation": isolation,
    "tsbuild.steps": steps,
  };
}

/** Appears whole or not at all: written beside its place, then renamed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
