import type { Problem } from "./rootless-problem.ts";

/** What a build of a user without subordinate ids is told before it begins: what is missing, what it cannot do, and the way out. */
export function singleIdWarning({ missing, hint }: Problem): string {
  return [
    `warning: ${missing}: this user has a single id here, which is root's in every step`,
    "  files of other owners are refused: images that have them, COPY --chown, mounts with uid= or gid=; so is USER but root,",
    "  and in a RUN chown and what changes its user fail: apt, dpkg, su",
    `  hint: ${hint}`,
    "",
  ].join("\n");
}
