import { resolve } from "node:path";
import { type Descriptor, isDigest, isTag, type OciLayout } from "../registry-client/index.ts";

export interface LayoutAddress {
  /** Absolute. */
  readonly path: string;
  /** A tag or digest. undefined: the layout's only image, else its `latest`. */
  readonly reference?: string;
}

/** `PATH[:tag][@digest]`, as in `--build-context NAME=oci-layout://PATH:tag`. With both, the digest counts. */
export function parseLayoutAddress(address: string): LayoutAddress {
  const at = address.lastIndexOf("@");
  const digest = at > 0 ? address.slice(at + 1) : "";
  if (isDigest(digest)) return { path: parseLayoutAddress(address.slice(0, at)).path, reference: digest };
  const colon = address.lastIndexOf(":");
  const tag = address.slice(colon + 1);
  if (colon > 0 && isTag(tag)) return { path: resolve(address.slice(0, colon)), reference: tag };
  return { path: resolve(address) };
}

/** The image an address means: without a reference the only one, else `latest`. Throws RegistryError NOT_FOUND. */
export async function findInLayout(layout: OciLayout, reference: string | undefined): Promise<Descriptor> {
  if (reference !== undefined) return await layout.resolve(reference);
  const digests = new Set((await layout.index()).manifests.map(({ digest }) => digest));
  return await layout.resolve(digests.size === 1 ? "" : "latest");
}
