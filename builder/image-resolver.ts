import type { Store } from "../layers/index.ts";
import {
  type Descriptor,
  fetchImageConfig,
  fetchManifest,
  formatPlatform,
  isDigest,
  isNotFound,
  normalizePlatform,
  OciLayout,
  type ReadonlyTarget,
  Reference,
  type RegistryClient,
  RegistryError,
  selectPlatform,
} from "../registry-client/index.ts";
import type { ResolvedImage, ResolveImageOptions } from "./dispatch/index.ts";
import { BuildError } from "./errors.ts";
import { findInLayout, parseLayoutAddress } from "./layout-address.ts";

export interface ImageResolverOptions {
  readonly store: Store;
  readonly registry: RegistryClient;
  /** Ask the registry even when the store knows the tag. */
  readonly pull: boolean;
}

/** Reference → manifest and config, for FROM and COPY --from. Nothing is pulled yet but these two. */
export class ImageResolver {
  readonly #options: ImageResolverOptions;

  constructor(options: ImageResolverOptions) {
    this.#options = options;
  }

  /**
   * An image of the store or a registry. The store is asked first, as docker does, unless `pull`.
   * Throws BuildError: BASE_IMAGE_NOT_FOUND, INVALID_REFERENCE, and the codes of RegistryError for what the registry says.
   */
  async resolve(name: string, options: ResolveImageOptions): Promise<ResolvedImage> {
    const reference = parseImageName(name);
    try {
      const known = this.#options.pull ? undefined : await this.#fromStore(reference, options);
      return known ?? (await this.#fromRegistry(reference, options));
    } catch (error) {
      throw imageError(reference.familiar(), error);
    }
  }

  /** An image of the store, by name or by the digest of its manifest, whatever the registry has. Throws BASE_IMAGE_NOT_FOUND. */
  async resolveStored(name: string, options: ResolveImageOptions): Promise<ResolvedImage> {
    const { layout } = this.#options.store;
    const reference = isDigest(name) ? name : parseImageName(name).toString();
    try {
      return await describe(layout, await layout.resolve(reference), reference, { type: "store" }, options);
    } catch (error) {
      throw imageError(name, error);
    }
  }

  /** An image of an OCI layout on disk: `PATH[:tag][@digest]`. Throws BASE_IMAGE_NOT_FOUND. */
  async resolveLayout(address: string, options: ResolveImageOptions): Promise<ResolvedImage> {
    const { path, reference } = parseLayoutAddress(address);
    try {
      const layout = await OciLayout.open(path);
      const root = await findInLayout(layout, reference);
      return await describe(layout, root, address, { type: "oci-layout", path }, options);
    } catch (error) {
      throw imageError(address, error);
    }
  }

  async #fromStore(reference: Reference, options: ResolveImageOptions): Promise<ResolvedImage | undefined> {
    const { layout } = this.#options.store;
    try {
      const root = await layout.resolve(reference.digest ?? reference.toString());
      const image = await describe(layout, root, reference.toString(), { type: "store" }, options);
      return isFor(image, options) ? image : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #fromRegistry(reference: Reference, options: ResolveImageOptions): Promise<ResolvedImage> {
    const repository = this.#options.registry.repository(reference);
    const root = await repository.resolve(reference.reference ?? "latest", options);
    return await describe(repository, root, reference.toString(), { type: "registry" }, options);
  }
}

async function describe(
  target: ReadonlyTarget,
  root: Descriptor,
  reference: string,
  source: ResolvedImage["source"],
  options: ResolveImageOptions,
): Promise<ResolvedImage> {
  const manifest = await selectPlatform(target, root, options.platform, options);
  const { config } = await fetchManifest(target, manifest, options);
  return { reference, manifest, source, config: await fetchImageConfig(target, config, options) };
}

/** What the store has under a tag may have been pulled for another platform. */
function isFor({ config }: ResolvedImage, { platform }: ResolveImageOptions): boolean {
  return formatPlatform(normalizePlatform(config)) === formatPlatform(normalizePlatform(platform));
}

function parseImageName(name: string): Reference {
  try {
    return Reference.parse(name);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw new BuildError("INVALID_REFERENCE", `not an image name: ${name}`, {
      cause,
      hint: cause.hint ?? cause.message,
    });
  }
}

function imageError(name: string, cause: unknown): unknown {
  const isMissing: boolean = isNotFound(cause);
  if (!(cause instanceof RegistryError)) return cause;
  return new BuildError(isMissing ? "BASE_IMAGE_NOT_FOUND" : cause.code, `cannot resolve ${name}: ${cause.message}`, {
    cause,
    hint: cause.hint ?? (isMissing ? "check the name and the tag; a private image needs a login" : undefined),
  });
}
