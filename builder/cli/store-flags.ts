import type { Flag } from "./flags.ts";

/** What `tsbuild du` and `tsbuild prune` have in common. */
const COMMON: readonly Flag[] = [
  {
    name: "filter",
    type: "string",
    multiple: true,
    value: "FILTER",
    help: "Only what matches: type=regular, until=24h, …",
  },
  { name: "format", type: "string", value: "FORMAT", help: "pretty (the default) or json" },
  { name: "verbose", type: "boolean", help: "Show each record in full" },
  { name: "store", type: "string", value: "DIR", help: "Where layers are kept (default: $TSBUILD_STORE)" },
  { name: "help", short: "h", type: "boolean", help: "Show this" },
];

/** The flags of `tsbuild du`. */
export const DU_FLAGS: readonly Flag[] = COMMON;

/** The flags of `tsbuild prune`: those of docker builder prune and docker buildx prune. */
export const PRUNE_FLAGS: readonly Flag[] = [
  { name: "all", short: "a", type: "boolean", help: "Remove all build cache, that of images with a name too" },
  { name: "force", short: "f", type: "boolean", help: "Do not ask" },
  { name: "dry-run", type: "boolean", help: "Say what would be removed, and remove nothing" },
  { name: "keep-duration", type: "string", value: "TIME", help: "Keep what was used within this time: 24h, 1h30m" },
  {
    name: "keep-storage",
    type: "string",
    value: "SIZE",
    help: "Keep at least this much cache; same as --reserved-space",
  },
  {
    name: "reserved-space",
    type: "string",
    value: "SIZE",
    help: "Keep at least this much cache, whatever else is said",
  },
  { name: "max-used-space", type: "string", value: "SIZE", help: "Remove until the cache takes no more than this" },
  { name: "min-free-space", type: "string", value: "SIZE", help: "Remove until this much of the filesystem is free" },
  ...COMMON,
];
