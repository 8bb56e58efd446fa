import type { History } from "../../registry-client/index.ts";

const FILLER: History = { comment: "buildkit.exporter.image.v0" };

/**
 * A base image's history with exactly one row for each of its layers that is not `empty_layer`: rows for layers it does not
 * account for are added, and rows without a layer are marked empty, as BuildKit's exporter does.
 */
export function normalizeHistory(history: readonly History[], layerCount: number): readonly History[] {
  let layers = 0;
  const rows = history.map((row) => {
    if (row.empty_layer === true) return row;
    layers++;
    return layers > layerCount ? { ...row, empty_layer: true } : row;
  });
  return [...rows, ...Array.from({ length: Math.max(0, layerCount - layers) }, () => FILLER)];
}
