import type { SourceRange } from "../dockerfile/source.ts";
import type { DispatchWarning } from "./result.ts";
import type { BuildScope } from "./scope.ts";

/** Names of the language that is read here: any version of docker/dockerfile, and the name of the one built into BuildKit. */
const OWN = /^(?:(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?|dockerfile\.v0)$/;

/** A warning when `# syntax=` or the build argument BUILDKIT_SYNTAX asks for another frontend: there is one, and it is built in. */
export function frontendWarning({ dockerfile, options }: BuildScope): readonly DispatchWarning[] {
  const { BUILDKIT_SYNTAX: argument } = options.buildArgs;
  const frontend = argument ?? dockerfile.directives.syntax;
  if (frontend === undefined || OWN.test(frontend)) return [];
  const range = argument === undefined ? directiveRange(dockerfile, frontend) : undefined;
  const message = `the frontend ${frontend} is not used: the Dockerfile is read as docker/dockerfile:1 would`;
  return [{ code: "FRONTEND_IGNORED", message, ...(range === undefined ? {} : { range }) }];
}

/** The line of the directive, which is among the first. */
function directiveRange({ source }: BuildScope["dockerfile"], frontend: string): SourceRange | undefined {
  const lines = source.text.split("\n", 10);
  const index = lines.findIndex((line) => /syntax/i.test(line) && line.includes(frontend));
  if (index < 0) return undefined;
  const line = index + 1;
  const end = { line, column: (lines[index]?.replace(/\r+$/, "").length ?? 0) + 1 };
  return { file: source.file, start: { line, column: 1 }, end };
}
