import type { ContainerConfig, History } from "../../registry-client/index.ts";
import { type Edge, edge, type Vertex } from "../llb/index.ts";
import { append, type Chain } from "./chain.ts";
import type { ImageEnv } from "./image-env.ts";
import type { PersistentMap } from "./persistent-map.ts";
import type { ImageDraft } from "./result.ts";
import type { StepEnvironment } from "./step-environment.ts";

/**
 * A stage after some of its instructions. Handlers take one and return the next; none is ever changed. What may grow with
 * every line is kept in structures that share their past, so that a Dockerfile is dispatched in linear time.
 */
export interface StageState extends Omit<ImageDraft, "config" | "history"> {
  /** The root filesystem so far. */
  readonly root: Edge;
  /** The image config but for its lists, which are the five below: `imageConfig` puts them together. */
  readonly config: SettledConfig;
  readonly env: ImageEnv;
  readonly labels: PersistentMap<string>;
  readonly exposedPorts: PersistentMap<Record<string, never>>;
  readonly volumes: PersistentMap<Record<string, never>>;
  readonly onbuild: Chain<string>;
  readonly history: Chain<History>;
  /** What `$NAME` means and what RUN sees: the image's environment and declared ARGs. The last writer wins. */
  readonly environment: StepEnvironment;
  /** ARGs in effect, in the order of their declaration; "" for one without a value. */
  readonly buildArgs: PersistentMap<string>;
  /** How many vertices of the stage have a number. */
  readonly step: number;
  /** CMD was set in this stage: ENTRYPOINT leaves it alone. */
  readonly isCmdSet: boolean;
}

/** Members of an image config that an instruction replaces whole. */
export type SettledConfig = Omit<ContainerConfig, "Env" | "Labels" | "ExposedPorts" | "Volumes" | "OnBuild">;

const HISTORY_COMMENT = "buildkit.dockerfile.v0";

/** The config changed, the filesystem did not. */
export function withConfig(state: StageState, change: SettledConfig, createdBy: string): StageState {
  return {
    ...state,
    config: { ...state.config, ...change },
    history: append(state.history, historyRow(createdBy, true)),
  };
}

/** The filesystem changed: `vertex` is the new root and one layer. */
export function withLayer(state: StageState, vertex: Vertex, createdBy: string): StageState {
  return { ...state, root: edge(vertex), history: append(state.history, historyRow(createdBy, false)) };
}

/** A row for what made no layer, or for what made one. */
export function withHistory(state: StageState, createdBy: string, isEmpty: boolean): StageState {
  return { ...state, history: append(state.history, historyRow(createdBy, isEmpty)) };
}

function historyRow(createdBy: string, isEmpty: boolean): History {
  return { created_by: createdBy, comment: HISTORY_COMMENT, ...(isEmpty ? { empty_layer: true } : {}) };
}
