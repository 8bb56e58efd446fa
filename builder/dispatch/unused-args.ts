import { formatList } from "./go-format.ts";
import { isProxyArg } from "./proxy-env.ts";
import type { DispatchWarning } from "./result.ts";
import type { BuildScope } from "./scope.ts";

/** `--build-arg` names that no ARG of the Dockerfile takes, in one warning with docker's words: most likely slips of the pen. */
export function unusedBuildArgs(scope: BuildScope): readonly DispatchWarning[] {
  const given = Object.keys(scope.options.buildArgs).filter((name) => !isForBuilder(name));
  const used = given.length === 0 ? new Set() : usedNames(scope);
  const unused = given.filter((name) => !used.has(name));
  if (unused.length === 0) return [];
  const message = `One or more build-args ${formatList(unused.sort())} were not consumed`;
  return [{ code: "UNUSED_BUILD_ARG", message }];
}

function usedNames({ dockerfile, globalArgs, declaredArgs }: BuildScope): ReadonlySet<string> {
  const stages = dockerfile.stages.flatMap(({ instructions }) => instructions);
  const declared = [...dockerfile.globalArgs, ...stages].flatMap((instruction) => {
    const inner = instruction.keyword === "ONBUILD" ? instruction.trigger : instruction;
    return inner?.keyword === "ARG" ? inner.args.map(({ key }) => key.text) : [];
  });
  return new Set([...declared, ...declaredArgs, ...globalArgs.keys()]);
}

function isForBuilder(name: string): boolean {
  return isProxyArg(name) || name.startsWith("BUILDKIT_") || name === "SOURCE_DATE_EPOCH";
}
