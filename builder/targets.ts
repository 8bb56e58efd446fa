import { parseDockerfile, type SourceFile, type SourceRange } from "./dockerfile/index.ts";
import { descriptionOf } from "./lint/index.ts";
import type { BuildOptions } from "./options.ts";
import { openSession } from "./session.ts";

/** A stage that can be built. */
export interface BuildTarget {
  /** Lower-cased. undefined: the stage has no name, and only the last such can be built. */
  readonly name?: string;
  /** It is what is built without a target. */
  readonly isDefault: boolean;
  /** Of the comment above its FROM, `# NAME text`; "" for none. */
  readonly description: string;
  /** As FROM has it, with its variables. */
  readonly base: string;
  readonly platform?: string;
  readonly range: SourceRange;
}

/** The stages of a Dockerfile, and its text. */
export interface TargetList {
  /** In the order of the Dockerfile. */
  readonly targets: readonly BuildTarget[];
  readonly source: SourceFile;
}

/** Lists what `target` of a build may be. Only the Dockerfile is read. Throws BuildError as `parseDockerfile`. */
export async function targets(options: BuildOptions): Promise<TargetList> {
  const session = await openSession(options);
  try {
    return listTargets(session.context.dockerfile);
  } finally {
    await session.close();
  }
}

function listTargets(source: SourceFile): TargetList {
  const { stages } = parseDockerfile(source.text, source.file);
  const list = stages.map(({ index, name, from }) => ({
    ...(name === undefined ? {} : { name }),
    isDefault: index === stages.length - 1,
    description: descriptionOf(from.comments, name),
    base: from.base.text,
    ...(from.platform === undefined ? {} : { platform: from.platform.text }),
    range: from.range,
  }));
  return { targets: list, source };
}
