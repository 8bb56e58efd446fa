import type { ContainerConfig, History, Platform } from "../../registry-client/index.ts";
import type { Stage } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { Edge } from "../llb/index.ts";

/** A Dockerfile as a graph, and the image that the graph's target becomes. */
export interface DispatchResult {
  readonly target: Edge;
  readonly image: ImageDraft;
  /** Those that are no check's: the linter has these. */
  readonly warnings: readonly DispatchWarning[];
  /** Every stage, in the order of the file, with the indexes of the stages it needs: that of its FROM first. */
  readonly stages: readonly { readonly stage: Stage; readonly needs: readonly number[] }[];
  readonly targetStage: number;
  /** ARGs before the first FROM that have a value, and the platform arguments. */
  readonly globalArgs: ReadonlyMap<string, string>;
}

/**
 * An image config without what only the export knows: times and diffIds.
 * Every row of `history` that is not `empty_layer` stands for one layer, in order: the base image's, then one for each
 * vertex on the target's chain of first inputs.
 */
export interface ImageDraft {
  readonly platform: Platform;
  readonly author?: string;
  readonly config: ContainerConfig;
  readonly history: readonly History[];
  /** How many rows of `history`, from the first, are the base image's. */
  readonly baseHistory: number;
  /** How many layers the base image has. */
  readonly baseLayerCount: number;
}

export interface DispatchWarning {
  readonly code: string;
  readonly message: string;
  readonly range?: SourceRange;
}
