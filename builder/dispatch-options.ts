import { hostPlatform } from "../registry-client/index.ts";
import type { DispatchOptions } from "./dispatch/index.ts";
import { ImageResolver } from "./image-resolver.ts";
import { openNamedContexts } from "./named-contexts.ts";
import type { BuildOptions } from "./options.ts";
import type { Session } from "./session.ts";

/** What dispatch needs to know of a build beside the Dockerfile. */
export async function dispatchOptions(options: BuildOptions, { context, ops }: Session): Promise<DispatchOptions> {
  const images = new ImageResolver({ store: ops.store, registry: ops.registry, pull: options.pull ?? false });
  const platform = hostPlatform();
  return {
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    buildArgs: options.buildArgs ?? {},
    labels: options.labels ?? {},
    buildPlatform: platform,
    targetPlatform: platform,
    noCache: options.noCache ?? false,
    context: { path: context.path, ignore: context.ignore },
    namedContexts: await openNamedContexts(options.buildContexts ?? {}, images),
    resolveImage: (reference, asked) => images.resolve(reference, asked),
  };
}
