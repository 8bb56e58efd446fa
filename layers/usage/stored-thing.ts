import type { Digest } from "../../registry-client/index.ts";
import type { StoredTimes } from "./stored-times.ts";
import type { UsageType } from "./usage-record.ts";

/** One thing of a store that is listed, and removed, as a whole. */
export interface StoredThing extends StoredTimes {
  readonly id: string;
  readonly type: UsageType;
  readonly description: string;
  /** The names of an image. */
  readonly names?: readonly string[];
  /** The things that it cannot be without. */
  readonly parents: readonly string[];
  /** Its directories. */
  readonly trees: readonly string[];
  /** What it needs of `blobs/`: they stay while it does. A manifest before what it lists. */
  readonly blobs: readonly Digest[];
  /** The files that name it. They go first. */
  readonly references: readonly string[];
  /** Of a cache of RUN: goes with it, and with the directory that both are in. */
  readonly lockPath?: string;
  /** A process that runs holds it. */
  readonly isInUse: boolean;
  /** An image that `index.json` lists is made of it. */
  readonly isShared: boolean;
  /** `index.json` lists it: no prune removes it. */
  readonly isListed: boolean;
  /** Not a part of any result: a step writes it. */
  readonly isMutable: boolean;
}
