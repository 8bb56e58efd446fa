import type { Flag } from "./flags.ts";

/** The flags of `tsbuild doctor`. */
export const DOCTOR_FLAGS: readonly Flag[] = [
  { name: "json", type: "boolean", help: "Print the report as JSON" },
  { name: "store", type: "string", value: "DIR", help: "Where layers would be kept (default: $TSBUILD_STORE)" },
  { name: "help", short: "h", type: "boolean", help: "Show this" },
];
