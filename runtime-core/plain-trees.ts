import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { binding } from "./native.ts";

/**
 * Whether the marks of overlayfs's form that this process makes in `directory` are those that a mount reads: whiteouts as devices
 * 0:0 and `trusted.overlay.*`. An unprivileged container, or one whose disk is an overlay, can only make others.
 */
export function holdsOverlayMarks(directory: string): boolean {
  mkdirSync(directory, { recursive: true });
  const place = mkdtempSync(join(directory, "tsbuild-marks-"));
  try {
    return binding().holdsOverlayMarks(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Removes the trees that were made in the directory `trees`, and returns when they are gone. */
export function releaseTrees(trees: string): void {
  binding().releaseTrees(trees);
}
