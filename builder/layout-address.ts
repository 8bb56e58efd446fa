import { resolve } from "node:path";
import { type Descriptor, isDigest, isTag, type OciLayout, RegistryError } from "../registry-client/index.ts";

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

/** The image an address means. Throws RegistryError NOT_FOUND, naming what the layout has. */
export async function findInLayout(layout: OciLayout, reference: string | undefined): Promise<Descriptor> {
  if (reference !== undefined) return await layout.resolve(reference);
  const { manifests } = await layout.index();
  const [only] = manifests;
  const isOnly = only !== undefined && manifests.every(({ digest }) => digest === only.digest);
  if (isOnly) return only;
  if (only === undefined) throw new RegistryError("NOT_FOUND", `the layout ${layout.root} is empty`);
  return await layout.resolve("latest");
}
