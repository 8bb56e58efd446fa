import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import type { BuildResult } from "../options.ts";
import { checkFilePlace, isReplaceable } from "../output-place.ts";

/** The files that tell other programs of a build. */
export interface ResultFiles {
  readonly iidFile?: string;
  readonly metadataFile?: string;
}

/**
 * Makes the files ready before the build: what an earlier one wrote is removed, so that after a failure nothing there looks
 * like its result. Throws BuildError OUTPUT_UNWRITABLE.
 */
export async function prepareResultFiles({ iidFile, metadataFile }: ResultFiles): Promise<void> {
  if (iidFile !== undefined) await checkFilePlace(`--iidfile ${iidFile}`, iidFile);
  if (metadataFile !== undefined) await checkFilePlace(`--metadata-file ${metadataFile}`, metadataFile);
  for (const path of [iidFile, metadataFile]) {
    if (path !== undefined && (await isReplaceable(path))) await rm(path, { force: true });
  }
}

/** Writes them. */
export async function writeResultFiles({ iidFile, metadataFile }: ResultFiles, result: BuildResult): Promise<void> {
  if (iidFile !== undefined) await writeWhole(iidFile, result.descriptor.digest);
  if (metadataFile !== undefined) await writeWhole(metadataFile, `${JSON.stringify(metadataOf(result), null, 2)}\n`);
}

/** `--metadata-file`: the keys that buildx writes, and what became of every RUN as `tsbuild.steps`. */
function metadataOf({ descriptor, configDigest, imageNames, isolation, steps }: BuildResult): object {
  return {
    "containerimage.config.digest": configDigest,
    "containerimage.descriptor": descriptor,
    "containerimage.digest": descriptor.digest,
    ...(imageNames.length === 0 ? {} : { "image.name": imageNames.join(",") }),
    "tsbuild.isolation": isolation,
    "tsbuild.steps": steps,
  };
}

/** A file appears whole or not at all: written beside its place, then renamed. A pipe or a device is written as it is. */
async function writeWhole(path: string, text: string): Promise<void> {
  if (!(await isReplaceable(path))) return await writeFile(path, text);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
