import { isCheckComment } from "./linter.ts";

/** What the comment lines above an instruction say about a name: the rest of the first that begins with it. "" for nothing. */
export function descriptionOf(comments: readonly string[], name: string | undefined): string {
  if (name === undefined || name === "") return "";
  const line = comments.find((comment) => comment.startsWith(`${name} `));
  return line === undefined ? "" : line.slice(name.length + 1);
}

/** The comment line nearest to the instruction that is meant for readers. */
export function lastDescription(comments: readonly string[]): string | undefined {
  return comments.findLast((comment) => !isCheckComment(comment));
}
