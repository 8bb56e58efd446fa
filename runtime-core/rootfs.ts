import type { TreeLayers } from "#binding";

/**
 * A root filesystem as overlayfs stacks it: absolute directories, lowest layer first.
 * One lower and no upper is that directory itself; no lowers at all is an empty root.
 * With `upper` it can be written, and `work` is overlayfs's own directory on the same filesystem.
 * Directories hold overlayfs's form: whiteouts are character devices 0:0, opaque directories carry
 * `trusted.overlay.opaque` (`user.overlay.opaque` inside a user namespace).
 */
export interface RootfsMount {
  readonly lowers: readonly string[];
  readonly upper?: string;
  readonly work?: string;
  /**
   * Where nothing can be mounted: a directory on the same filesystem, in which what several layers show is made of plain files.
   * Changes are found by comparing, and put into `upper`. A step on such a root is confined by chroot(2) alone.
   */
  readonly trees?: string;
}

export interface WritableRootfs extends RootfsMount {
  readonly upper: string;
  readonly work: string;
}

/** The same for the addon, whose arrays are its own. */
export function toLayers(rootfs: RootfsMount): TreeLayers {
  return { ...rootfs, lowers: [...rootfs.lowers] };
}
