import { dispatch } from "./dispatch/index.ts";
import { dispatchOptions } from "./dispatch-options.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { type Linter, type LintWarning, openLinter, parseAndCheck } from "./lint/index.ts";
import type { BuildOptions } from "./options.ts";
import { openSession, type Session } from "./session.ts";

/** What the checks say of a Dockerfile. */
export interface CheckResult {
  /** In the order they were found. */
  readonly warnings: readonly LintWarning[];
  /** Why a build would be refused. The warnings are then those found before it. */
  readonly error?: BuildError;
  /** The Dockerfile: what the warnings' ranges are places of. */
  readonly source: SourceFile;
}

/**
 * Runs the checks without building: nothing is run or pulled but the configs of base images. Without a `target` every stage
 * is checked. Throws BuildError only when there is no Dockerfile to check; what is wrong inside it is in the result.
 */
export async function check(options: BuildOptions): Promise<CheckResult> {
  const session = await openSession(options);
  try {
    return await checkDockerfile(session.context.dockerfile, options, session);
  } finally {
    await session.close();
  }
}

async function checkDockerfile(source: SourceFile, options: BuildOptions, session: Session): Promise<CheckResult> {
  let linter: Linter | undefined;
  try {
    linter = openLinter(source, options.buildArgs ?? {});
    const dockerfile = parseAndCheck(source, linter);
    const allStages = options.target === undefined || options.target === "";
    await dispatch(dockerfile, { ...(await dispatchOptions(options, session)), linter, allStages });
    return { warnings: linter.warnings, source };
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return { warnings: linter?.warnings ?? [], error, source };
  }
}
