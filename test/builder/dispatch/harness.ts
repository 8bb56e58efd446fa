import type { DispatchOptions, DispatchResult, ResolvedImage } from "../../../builder/dispatch/index.ts";
import { dispatch } from "../../../builder/dispatch/index.ts";
import { parseDockerfile } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { type Op, topologicalOrder, type Vertex } from "../../../builder/llb/index.ts";
import { type ContainerConfig, digestBytes, type ImageConfig, Reference } from "../../../registry-client/index.ts";
import { failureOf as failure } from "../../helpers/failure.ts";

export const AMD64 = { os: "linux", architecture: "amd64" } as const;

/** An image as a resolver returns it: the manifest is named after the reference. */
export function image(reference: string, config: ContainerConfig = {}, rest: Partial<ImageConfig> = {}): ResolvedImage {
  const digest = digestBytes(Buffer.from(reference));
  return {
    reference: Reference.parse(reference).toString(),
    manifest: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: reference.length },
    source: { type: "registry" },
    config: { ...AMD64, rootfs: { type: "layers", diff_ids: [digest] }, config, ...rest },
  };
}

/** Options in which every reference resolves to an image with a PATH, but those that begin with `missing`. */
export function options(overrides: Partial<DispatchOptions> = {}): DispatchOptions {
  return {
    buildArgs: {},
    labels: {},
    buildPlatform: AMD64,
    targetPlatform: AMD64,
    noCache: false,
    context: { path: "/context", ignore: [] },
    namedContexts: {},
    resolveImage: async (reference) => {
      if (!reference.startsWith("missing")) return image(reference, { Env: ["PATH=/usr/bin:/bin"] });
      throw new BuildError("BASE_IMAGE_NOT_FOUND", `cannot resolve ${reference}`, { hint: "check the name" });
    },
    ...overrides,
  };
}

/** Dispatches the lines of a Dockerfile. */
export async function run(text: string, overrides: Partial<DispatchOptions> = {}): Promise<DispatchResult> {
  return await dispatch(parseDockerfile(text), options(overrides));
}

export async function config(text: string, overrides: Partial<DispatchOptions> = {}): Promise<ContainerConfig> {
  return (await run(text, overrides)).image.config;
}

/** The history rows that the Dockerfile adds. */
export async function history(text: string, overrides: Partial<DispatchOptions> = {}): Promise<readonly string[]> {
  const { image } = await run(text, overrides);
  return image.history.slice(image.baseHistory).map((row) => row.created_by ?? "");
}

/** Every vertex of the target, inputs first. */
export async function vertices(text: string, overrides: Partial<DispatchOptions> = {}): Promise<readonly Vertex[]> {
  return topologicalOrder((await run(text, overrides)).target.vertex);
}

/** The ops of one type, inputs first. */
export async function ops<T extends Op["type"]>(
  type: T,
  text: string,
  overrides: Partial<DispatchOptions> = {},
): Promise<readonly Extract<Op, { type: T }>[]> {
  const all = (await vertices(text, overrides)).map((vertex) => vertex.op);
  return all.filter((op): op is Extract<Op, { type: T }> => op.type === type);
}

/** The BuildError that a Dockerfile gives. */
export function failureOf(text: string, overrides: Partial<DispatchOptions> = {}): Promise<BuildError> {
  return failure(BuildError, run(text, overrides));
}

/** The text that a range of a one-line place covers. */
export function textAt(error: BuildError): string {
  const { range, source } = error;
  const line = source?.text.split("\n")[(range?.start.line ?? 0) - 1] ?? "";
  return line.slice((range?.start.column ?? 1) - 1, (range?.end.column ?? 1) - 1);
}
