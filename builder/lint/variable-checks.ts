import { BUILDER_ARGS } from "../dockerfile/builder-args.ts";
import type { Environment } from "../dockerfile/expand.ts";
import type {
  ArgInstruction,
  EnvInstruction,
  LabelInstruction,
  StageInstruction,
  Word,
} from "../dockerfile/instructions.ts";
import type { CheckContext, StageFacts } from "./check-context.ts";
import { inspectWord } from "./expansion.ts";
import type { Reporter } from "./linter.ts";
import { UNDEFINED_VAR } from "./rules.ts";
import { suggestName } from "./suggested-name.ts";

/** Names that an instruction uses and nothing defines. RUN, CMD, ENTRYPOINT and EXPOSE are left alone, as in BuildKit. */
export function checkVariables(
  lint: Reporter,
  instruction: StageInstruction,
  facts: StageFacts,
  context: CheckContext,
): void {
  if (instruction.keyword === "ARG") {
    checkArgs(lint, instruction, facts, context);
    return;
  }
  for (const { text } of expandedWords(instruction)) {
    if (text.includes("$")) reportUndefined(lint, instruction, facts, inspectWord(text, facts.environment, context));
  }
  for (const body of expandedBodies(instruction)) {
    const form = { ...context, isBody: true } as const;
    reportUndefined(lint, instruction, facts, inspectWord(body, facts.environment, form));
  }
}

/** Every word in which the instruction's variables are expanded. */
function expandedWords(instruction: StageInstruction): readonly Word[] {
  switch (instruction.keyword) {
    case "ENV":
    case "LABEL":
      return pairWords(instruction);
    case "COPY":
      return given(instruction.chown, instruction.chmod, ...instruction.sources, instruction.dest);
    case "ADD":
      return given(
        instruction.chown,
        instruction.chmod,
        instruction.checksum,
        ...instruction.sources,
        instruction.dest,
      );
    case "RUN":
      return instruction.mounts.flatMap(({ fields }) => given(...fields.map(({ value }) => value)));
    case "STOPSIGNAL":
      return [instruction.signal];
    case "USER":
      return [instruction.user];
    case "VOLUME":
      return instruction.paths;
    case "WORKDIR":
      return [instruction.path];
    default:
      return [];
  }
}

function pairWords({ pairs }: EnvInstruction | LabelInstruction): readonly Word[] {
  return pairs.flatMap(({ key, value }) => [key, value]);
}

function given(...words: readonly (Word | undefined)[]): readonly Word[] {
  return words.filter((word) => word !== undefined);
}

function expandedBodies(instruction: StageInstruction): readonly string[] {
  if (instruction.keyword !== "COPY" && instruction.keyword !== "ADD") return [];
  return instruction.heredocs.filter(({ quoted }) => !quoted).map(({ content }) => content);
}

/** ARGs of one instruction see those before them; a default that `--build-arg` overrides is not looked at. */
function checkArgs(lint: Reporter, instruction: ArgInstruction, facts: StageFacts, context: CheckContext): void {
  const environment = new Map<string, string>();
  const declared = new Map<string, string>();
  const seen: Environment = { get: (name) => environment.get(name) ?? facts.environment.get(name) };
  for (const { key, value } of instruction.args) {
    const override = Object.hasOwn(context.buildArgs, key.text) ? context.buildArgs[key.text] : undefined;
    let known = override;
    if (override === undefined && value !== undefined) {
      const checked = inspectWord(value.text, seen, context);
      reportUndefined(lint, instruction, facts, checked, declared);
      known = checked.words?.[0];
    }
    if (known !== undefined) environment.set(key.text, known);
    declared.set(key.text, known ?? "");
  }
}

function reportUndefined(
  lint: Reporter,
  { range }: StageInstruction,
  facts: StageFacts,
  { unmatched }: { readonly unmatched: ReadonlySet<string> },
  declaredHere: ReadonlyMap<string, string> = new Map(),
): void {
  for (const name of unmatched) {
    if (facts.buildArgs.has(name) || declaredHere.has(name) || BUILDER_ARGS.has(name)) continue;
    const near = suggestName(name, facts.environment);
    lint.report(UNDEFINED_VAR, range, name, near === "" ? suggestName(name, declaredHere) : near);
  }
}
