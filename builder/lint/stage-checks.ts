import type {
  AddInstruction,
  CmdInstruction,
  CopyInstruction,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  LabelInstruction,
  Stage,
  StageInstruction,
  WorkdirInstruction,
} from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { CheckContext, StageFacts } from "./check-context.ts";
import { inspectWord } from "./expansion.ts";
import { portForm } from "./exposed-port.ts";
import { IgnoredSources } from "./ignored-source.ts";
import type { Linter, Reporter } from "./linter.ts";
import {
  COPY_IGNORED_FILE,
  EXPOSE_INVALID_FORMAT,
  EXPOSE_PROTO_CASING,
  JSON_ARGS_RECOMMENDED,
  LEGACY_KEY_VALUE_FORMAT,
  MULTIPLE_INSTRUCTIONS_DISALLOWED,
  SECRETS_USED_IN_ARG_OR_ENV,
  WORKDIR_RELATIVE_PATH,
} from "./rules.ts";
import { checkVariables } from "./variable-checks.ts";

const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const NO_SECRET = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** What is remembered of a stage while its instructions go by. */
interface StageMemory {
  /** WORKDIR was used in this Dockerfile, here or in a stage below. */
  isWorkdirSet: boolean;
  /** The last CMD, ENTRYPOINT and HEALTHCHECK. */
  readonly last: Map<string, SourceRange>;
}

/** Checks that need to know what a stage is like: each instruction is shown before it is dispatched. */
export class StageChecks {
  readonly #linter: Linter;
  readonly #context: CheckContext;
  readonly #ignored: IgnoredSources;
  readonly #stages = new Map<number, StageMemory>();

  constructor(linter: Linter, context: CheckContext) {
    this.#linter = linter;
    this.#context = context;
    this.#ignored = new IgnoredSources(context.ignore);
  }

  /** A stage begins. `parent`: the stage it is FROM, which has been seen to its end. */
  openStage({ index }: Stage, parent: number | undefined): void {
    const isWorkdirSet = parent !== undefined && this.#stages.get(parent)?.isWorkdirSet === true;
    this.#stages.set(index, { isWorkdirSet, last: new Map() });
  }

  /** The next instruction of a stage that is open. */
  beforeInstruction({ index }: Stage, instruction: StageInstruction, facts: StageFacts): void {
    const memory = this.#stages.get(index);
    if (memory === undefined) throw new Error(`stage ${index} is not open`);
    const lint = this.#linter.at(instruction.comments);
    checkVariables(lint, instruction, facts, this.#context);
    this.#checkInstruction(lint, instruction, facts, memory);
  }

  #checkInstruction(lint: Reporter, instruction: StageInstruction, facts: StageFacts, memory: StageMemory): void {
    switch (instruction.keyword) {
      case "CMD":
      case "ENTRYPOINT":
        checkOnce(lint, instruction, memory);
        checkShellForm(lint, instruction, facts);
        break;
      case "HEALTHCHECK":
        checkOnce(lint, instruction, memory);
        break;
      case "ENV":
      case "LABEL":
        checkPairs(lint, instruction, facts, this.#context);
        break;
      case "ARG":
        for (const { key } of instruction.args) checkSecret(lint, instruction, key.text);
        break;
      case "EXPOSE":
        checkPorts(lint, instruction, facts, this.#context);
        break;
      case "WORKDIR":
        checkWorkdir(lint, instruction, facts, this.#context, memory);
        break;
      case "ADD":
        this.#checkSources(lint, instruction, facts, "Add");
        break;
      case "COPY":
        if (instruction.from === undefined) this.#checkSources(lint, instruction, facts, "Copy");
        break;
    }
  }

  #checkSources(lint: Reporter, { sources, range }: CopyInstruction | AddInstruction, facts: StageFacts, verb: string) {
    for (const source of sources) {
      const text = inspectWord(source.text, facts.environment, this.#context).words?.[0];
      const ignored = text === undefined ? undefined : this.#ignored.find(text);
      if (ignored !== undefined) lint.report(COPY_IGNORED_FILE, range, verb, ignored);
    }
  }
}

/** It is the earlier one that has no effect. */
function checkOnce(lint: Reporter, { keyword, keywordWord, range }: StageInstruction, { last }: StageMemory): void {
  const earlier = last.get(keyword);
  if (earlier !== undefined) lint.report(MULTIPLE_INSTRUCTIONS_DISALLOWED, earlier, keywordWord.text);
  last.set(keyword, range);
}

/** Whoever sets a SHELL wants it. */
function checkShellForm(
  lint: Reporter,
  { command, keywordWord, range }: CmdInstruction | EntrypointInstruction,
  { config }: StageFacts,
): void {
  if (command.form === "exec" || (config.Shell ?? []).length > 0) return;
  lint.report(JSON_ARGS_RECOMMENDED, range, keywordWord.text);
}

function checkPairs(
  lint: Reporter,
  instruction: EnvInstruction | LabelInstruction,
  { environment }: StageFacts,
  context: CheckContext,
): void {
  if (instruction.legacy) lint.report(LEGACY_KEY_VALUE_FORMAT, instruction.range, instruction.keywordWord.text);
  if (instruction.keyword !== "ENV") return;
  for (const { key } of instruction.pairs) {
    const name = inspectWord(key.text, environment, context).words?.[0];
    if (name !== undefined) checkSecret(lint, instruction, name);
  }
}

function checkSecret(lint: Reporter, { keyword, range }: StageInstruction, name: string): void {
  if (SECRET.test(name) && !NO_SECRET.test(name)) lint.report(SECRETS_USED_IN_ARG_OR_ENV, range, keyword, name);
}

function checkPorts(
  lint: Reporter,
  { ports, range }: ExposeInstruction,
  { environment }: StageFacts,
  context: CheckContext,
): void {
  for (const { text } of ports) {
    for (const port of inspectWord(text, environment, { ...context, split: true }).words ?? []) {
      const form = portForm(port);
      if (form === undefined) return;
      if (!form.isProtocolLower) lint.report(EXPOSE_PROTO_CASING, range, port);
      if (form.hasHost) lint.report(EXPOSE_INVALID_FORMAT, range, port);
    }
  }
}

/** Only the first of a Dockerfile: the base image's own may change, and every later one builds on the first. */
function checkWorkdir(
  lint: Reporter,
  { path, range }: WorkdirInstruction,
  { environment }: StageFacts,
  context: CheckContext,
  memory: StageMemory,
): void {
  const text = inspectWord(path.text, environment, context).words?.[0];
  if (text !== undefined && !memory.isWorkdirSet && !text.startsWith("/"))
    lint.report(WORKDIR_RELATIVE_PATH, range, text);
  memory.isWorkdirSet = true;
}
