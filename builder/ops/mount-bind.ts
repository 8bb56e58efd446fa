import type { BindMount } from "../llb/index.ts";
import type { MountWork, OpenMount } from "./mounts.ts";

/** Files of an input, where they lie. What a step writes goes to an upper of its own, which ends with the step. */
export async function openBind(
  { input, source, target, readonly }: BindMount,
  { inputs, context, options }: MountWork,
): Promise<OpenMount> {
  const { snapshotter } = context.store;
  const result = inputs[input];
  // Files in place are copied before they are mounted.
  if (result?.type !== "snapshot") throw new Error("only a filesystem state can be mounted");
  const at = { type: "rootfs", path: source, target, readonly } as const;
  if (readonly) return { mount: { ...at, rootfs: snapshotter.view(result.snapshot) } };
  const active = await snapshotter.prepare(result.snapshot, options);
  return { mount: { ...at, rootfs: active.rootfs }, release: () => snapshotter.discard(active) };
}
