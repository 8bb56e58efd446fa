import { type DispatchResult, dispatch } from "./dispatch/index.ts";
import { dispatchOptions } from "./dispatch-options.ts";
import { type Dockerfile, parseDockerfile, type SourceFile } from "./dockerfile/index.ts";
import { descriptionOf } from "./lint/index.ts";
import type { BuildOptions } from "./options.ts";
import { type OutlineArg, OutlineCapture, type OutlineMount, type StageOutline } from "./outline-capture.ts";
import { GlobalArgs } from "./outline-globals.ts";
import { openSession } from "./session.ts";

/** What a build of one target can be given. */
export interface Outline {
  /** The stage's name, lower-cased. */
  readonly name?: string;
  /** Of the comment above its FROM, `# NAME text`; "" for none. */
  readonly description: string;
  /** Build arguments that have an effect, with the values that they have now, in the order of the Dockerfile. */
  readonly args: readonly OutlineArg[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
  readonly source: SourceFile;
}

/**
 * The arguments, secrets and SSH agents that a target and the stages it needs ask for. Nothing is run, and nothing is pulled
 * but the configs of base images. Throws BuildError as a build does for a Dockerfile that is refused.
 */
export async function outline(options: BuildOptions): Promise<Outline> {
  const session = await openSession(options);
  try {
    const source = session.context.dockerfile;
    const dockerfile = parseDockerfile(source.text, source.file);
    const observer = new OutlineCapture({ ...dockerfile.directives, buildArgs: options.buildArgs ?? {} });
    const plan = await dispatch(dockerfile, { ...(await dispatchOptions(options, session)), observer });
    return { ...new OutlineReader(dockerfile, plan, observer.stages).read(), source };
  } finally {
    await session.close();
  }
}

/** Puts together what the target and the stages below it ask for. A name that two stages have counts where it is met first. */
class OutlineReader {
  readonly #dockerfile: Dockerfile;
  readonly #plan: DispatchResult;
  readonly #captured: ReadonlyMap<number, StageOutline>;
  readonly #globals: GlobalArgs;

  constructor(dockerfile: Dockerfile, plan: DispatchResult, captured: ReadonlyMap<number, StageOutline>) {
    this.#dockerfile = dockerfile;
    this.#plan = plan;
    this.#captured = captured;
    this.#globals = new GlobalArgs(dockerfile, plan.globalArgs);
  }

  read(): Omit<Outline, "source"> {
    const stage = this.#dockerfile.stages[this.#plan.targetStage];
    const needed = this.#neededStages();
    const named = stage?.name === undefined ? {} : { name: stage.name };
    return {
      ...named,
      description: descriptionOf(stage?.from.comments ?? [], stage?.name),
      args: firstOfName(needed.flatMap((index) => this.#argsOf(index))),
      secrets: firstOfName(needed.flatMap((index) => [...(this.#captured.get(index)?.secrets.values() ?? [])])),
      ssh: firstOfName(needed.flatMap((index) => [...(this.#captured.get(index)?.ssh.values() ?? [])])),
    };
  }

  /** The target, its base, then what its instructions read, depth first. */
  #neededStages(): readonly number[] {
    const seen = new Set<number>();
    const waiting = [this.#plan.targetStage];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      waiting.push(...(this.#plan.stages[index]?.needs ?? []).toReversed());
    }
    return [...seen];
  }

  #argsOf(index: number): readonly OutlineArg[] {
    const stage = this.#dockerfile.stages[index];
    const own = [...(this.#captured.get(index)?.args.values() ?? [])];
    const isInherited = ({ name, value }: OutlineArg) => value === undefined && this.#plan.globalArgs.has(name);
    const inherited = own.filter(isInherited).map(({ name }) => name);
    const fromNames = stage === undefined ? [] : this.#globals.namesIn(stage.from);
    return [...own.filter((arg) => !isInherited(arg)), ...this.#globals.withNeeded([...inherited, ...fromNames])];
  }
}

function firstOfName<T extends { readonly name: string; readonly range: OutlineArg["range"] }>(
  found: readonly T[],
): readonly T[] {
  const first = new Map<string, T>();
  for (const one of found) if (!first.has(one.name)) first.set(one.name, one);
  return [...first.values()].sort((a, b) => a.range.start.line - b.range.start.line);
}
