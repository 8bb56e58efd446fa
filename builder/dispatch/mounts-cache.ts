import { posix } from "node:path";
import type { CacheMount } from "../llb/index.ts";
import { type MountRequest, mountTarget } from "./mount-inputs.ts";

/** `--mount=type=cache`: named by `id`, else by its target. */
export async function cacheMount(request: MountRequest): Promise<CacheMount> {
  const { options, context } = request;
  const namespace = context.scope.options.buildArgs["BUILDKIT_CACHE_MOUNT_NS"] ?? "";
  const id = options.id ? options.id : posix.normalize(options.target ?? "");
  return {
    type: "cache",
    target: mountTarget(request),
    readonly: options.readonly ?? false,
    id: `${namespace}/${id}`,
    sharing: options.sharing ?? "shared",
    initial: await initialContent(request),
  };
}

/** BuildKit gives an owner and a mode to an empty directory only, and then it does not look at `from`. */
async function initialContent(request: MountRequest): Promise<CacheMount["initial"]> {
  const { options, inputs } = request;
  const { uid, gid, mode, from, source = "" } = options;
  const root = await inputs.resolve(request);
  const isWhole = posix.join("/", source) === "/";
  const isOwned = uid !== undefined || gid !== undefined || mode !== undefined;
  if (isWhole && (from === undefined || isOwned)) {
    return { type: "empty", uid: uid ?? 0, gid: gid ?? 0, mode: (mode ?? 0o755) & 0o7777 };
  }
  return { type: "copy", ...inputs.addFrom(root, request) };
}
