export type { ActiveSnapshot, Snapshot, Snapshotter } from "./snapshotter.ts";
export { EMPTY_SNAPSHOT } from "./snapshotter.ts";
