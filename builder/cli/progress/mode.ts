/** `--progress`. */
export const PROGRESS_MODES = ["auto", "plain", "tty", "quiet", "rawjson", "none"] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];
