export { descriptionOf } from "./description.ts";
export { inspectWord } from "./expansion.ts";
export { checkDefaultBases, FromChecks } from "./from-checks.ts";
export { Linter, type LintWarning } from "./linter.ts";
export { openLinter } from "./open-linter.ts";
export { INVALID_BASE_IMAGE_PLATFORM } from "./rules.ts";
export { StageChecks } from "./stage-checks.ts";
export { parseAndCheck } from "./syntax-checks.ts";
