import { type DispatchOptions, dispatch } from "../../../builder/dispatch/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { openLinter, parseAndCheck } from "../../../builder/lint/index.ts";
import { options } from "../dispatch/harness.ts";

export interface Findings {
  /** `Rule@line: message`, or `Rule@first-last: message`. */
  readonly warnings: readonly string[];
  /** The message of the error that a build gives. */
  readonly error?: string;
}

/** What the checks say of a Dockerfile, every stage, where each image resolves to one with a PATH. */
export async function lint(text: string, overrides: Partial<DispatchOptions> = {}): Promise<Findings> {
  const source = { file: "Dockerfile", text };
  const linter = openLinter(source, overrides.buildArgs ?? {});
  const failure = await failureOf(async () => {
    const dockerfile = parseAndCheck(source, linter);
    await dispatch(dockerfile, options({ allStages: true, ...overrides, linter }));
  });
  const warnings = linter.warnings.map(({ rule, range: { start, end }, message }) => {
    const lines = end.line > start.line ? `${start.line}-${end.line}` : `${start.line}`;
    return `${rule}@${lines}: ${message}`;
  });
  return { warnings, ...(failure === undefined ? {} : { error: failure.message }) };
}

async function failureOf(work: () => Promise<void>): Promise<BuildError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof BuildError) return error;
    throw error;
  }
}
