import { hostPlatform } from "../registry-client/index.ts";
import { callOptions } from "./call-options.ts";
import type { DispatchOptions } from "./dispatch/index.ts";
import { ImageResolver } from "./image-resolver.ts";
import { openNamedContexts } from "./named-contexts.ts";
import type { BuildOptions } from "./options.ts";
import type { Session } from "./session.ts";
import { targetPlatform } from "./target-platform.ts";

/** What dispatch needs to know of a build beside the Dockerfile. Throws INVALID_PLATFORM, and what opening named contexts throws. */
export async function dispatchOptions(options: BuildOptions, { context, ops }: Session): Promise<DispatchOptions> {
  const images = new ImageResolver({ store: ops.store, registry: ops.registry, pull: options.pull ?? false });
  return {
    ...(options.target === undefined ? {} : { target: options.target }),
    ...callOptions(options),
    buildArgs: options.buildArgs ?? {},
    labels: options.labels ?? {},
    buildPlatform: hostPlatform(),
    targetPlatform: targetPlatform(options.platform),
    isPlatformGiven: options.platform !== undefined,
    noCache: options.noCache ?? false,
    noCacheStages: new Set((options.noCacheFilter ?? []).map((name) => name.toLowerCase())),
    context: context.files,
    namedContexts: await openNamedContexts(options.buildContexts ?? {}, { images, store: ops.store.root }),
    resolveImage: (reference, asked) => images.resolve(reference, asked),
  };
}
