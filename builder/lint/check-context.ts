import type { IgnoreRule } from "../../runtime-core/index.ts";
import type { Directives } from "../dockerfile/instructions.ts";

/** What a stage's checks know beside the instructions. */
export interface CheckContext {
  readonly escape: Directives["escape"];
  /** The rules of the build context's .dockerignore. */
  readonly ignore: readonly IgnoreRule[];
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** What the stage is like before the instruction. */
export interface StageFacts {
  /** ENV and the ARGs that have a value. */
  readonly environment: ReadonlyMap<string, string>;
  /** Every ARG that is declared. */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly config: { readonly Shell?: readonly string[] };
}
