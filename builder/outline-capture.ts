import { posix } from "node:path";
import type { StageObserver, StageState } from "./dispatch/index.ts";
import {
  type ArgInstruction,
  expandWord,
  parseMount,
  type RunInstruction,
  type SourceRange,
  type Stage,
  type StageInstruction,
} from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { descriptionOf, inspectWord } from "./lint/index.ts";

/** A build argument that a stage declares. */
export interface OutlineArg {
  readonly name: string;
  /** undefined: it has no value. */
  readonly value?: string;
  readonly description: string;
  readonly range: SourceRange;
}

/** A secret or an SSH agent that a RUN mounts. */
export interface OutlineMount {
  readonly name: string;
  readonly required: boolean;
  readonly range: SourceRange;
}

/** What one stage asks for by itself. */
export interface StageOutline {
  /** By name: the last of a name. One without a value may take that of a global ARG. */
  readonly args: Map<string, OutlineArg>;
  readonly secrets: Map<string, OutlineMount>;
  readonly ssh: Map<string, OutlineMount>;
}

export interface OutlineCaptureOptions {
  readonly escape: "\\" | "`";
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** Notes down what each stage asks for while a Dockerfile is dispatched. */
export class OutlineCapture implements StageObserver {
  /** By the stage's index. */
  readonly stages: Map<number, StageOutline> = new Map();
  readonly #options: OutlineCaptureOptions;

  constructor(options: OutlineCaptureOptions) {
    this.#options = options;
  }

  openStage({ index }: Stage): void {
    this.stages.set(index, { args: new Map(), secrets: new Map(), ssh: new Map() });
  }

  beforeInstruction({ index }: Stage, instruction: StageInstruction, { environment }: StageState): void {
    const outline = this.stages.get(index);
    if (outline === undefined) throw new Error(`stage ${index} is not open`);
    if (instruction.keyword === "ARG") this.#captureArgs(outline, instruction, environment);
    if (instruction.keyword === "RUN") this.#captureMounts(outline, instruction, environment);
  }

  #captureArgs(outline: StageOutline, instruction: ArgInstruction, environment: ReadonlyMap<string, string>): void {
    const values = new Map<string, string>();
    const seen = { get: (name: string) => values.get(name) ?? environment.get(name) };
    for (const { key, value } of instruction.args) {
      const name = key.text;
      const given = Object.hasOwn(this.#options.buildArgs, name) ? this.#options.buildArgs[name] : undefined;
      const known = given ?? (value && inspectWord(value.text, seen, this.#options).words?.[0]);
      if (known !== undefined) values.set(name, known);
      const description = descriptionOf(instruction.comments, name);
      const arg = { name, description, range: instruction.range };
      outline.args.set(name, known === undefined ? arg : { ...arg, value: known });
    }
  }

  /** The first of a name counts. A mount that makes no sense is the dispatch's to refuse. */
  #captureMounts(outline: StageOutline, { mounts, range }: RunInstruction, env: ReadonlyMap<string, string>): void {
    for (const { type, name, required } of mounts.flatMap((mount) => this.#readMount(mount, env))) {
      const captured = type === "secret" ? outline.secrets : outline.ssh;
      if (!captured.has(name)) captured.set(name, { name, required, range });
    }
  }

  #readMount(
    mount: RunInstruction["mounts"][number],
    environment: ReadonlyMap<string, string>,
  ): readonly { readonly type: "secret" | "ssh"; readonly name: string; readonly required: boolean }[] {
    const { escape: token } = this.#options;
    try {
      const {
        type,
        source,
        id,
        target,
        required = false,
      } = parseMount(mount, {
        expand: ({ text }) => expandWord(text, environment, { escape: token }).word,
        refuse: (message) => {
          throw new BuildError("INVALID_FLAG", message);
        },
      });
      if (type === "secret") return [{ type, name: source || id || posix.basename(target ?? ""), required }];
      return type === "ssh" ? [{ type, name: id || "default", required }] : [];
    } catch (error) {
      if (error instanceof BuildError) return [];
      throw error;
    }
  }
}
