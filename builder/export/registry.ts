import type { Store } from "../../layers/index.ts";
import {
  type CallOptions,
  type CopyProgress,
  copy,
  Reference,
  type RegistryClient,
  RegistryError,
} from "../../registry-client/index.ts";
import { BuildError } from "../errors.ts";
import type { WrittenImage } from "./image.ts";

export interface PushContext extends CallOptions {
  readonly store: Store;
  readonly registry: RegistryClient;
  readonly image: WrittenImage;
  readonly onProgress: (progress: CopyProgress) => void;
}

/** Pushes the image to the repository of `name`; its tag appears last. */
export async function pushImage(name: string, context: PushContext): Promise<void> {
  const reference = Reference.parse(name);
  const repository = context.registry.repository(reference);
  try {
    const { digest } = context.image.descriptor;
    await copy(context.store.layout, digest, repository, reference.tag ?? "latest", context);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw new BuildError(cause.code, `cannot push ${reference.familiar()}: ${cause.message}`, {
      cause,
      hint: cause.hint,
    });
  }
}
