import type { ContainerConfig, History } from "../../registry-client/index.ts";
import { type Edge, edge, type Vertex } from "../llb/index.ts";
import type { ImageDraft } from "./result.ts";

/** A stage after some of its instructions. Handlers take one and return the next. */
export interface StageState extends ImageDraft {
  /** The root filesystem so far. */
  readonly root: Edge;
  /** What `$NAME` means and what RUN sees: the image's environment and declared ARGs. The last writer wins. */
  readonly environment: ReadonlyMap<string, string>;
  /** ARGs in effect, in the order of their declaration; "" for one without a value. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** How many vertices of the stage have a number. */
  readonly step: number;
  /** CMD was set in this stage: ENTRYPOINT leaves it alone. */
  readonly isCmdSet: boolean;
}

const HISTORY_COMMENT = "buildkit.dockerfile.v0";

/** The config changed, the filesystem did not. */
export function withConfig(state: StageState, change: Partial<ContainerConfig>, createdBy: string): StageState {
  return withHistory({ ...state, config: { ...state.config, ...change } }, createdBy, true);
}

/** The filesystem changed: `vertex` is the new root and one layer. */
export function withLayer(state: StageState, vertex: Vertex, createdBy: string): StageState {
  return withHistory({ ...state, root: edge(vertex) }, createdBy, false);
}

/** A row for what made no layer, or for what made one. */
export function withHistory(state: StageState, createdBy: string, isEmpty: boolean): StageState {
  const row: History = { created_by: createdBy, comment: HISTORY_COMMENT, ...(isEmpty ? { empty_layer: true } : {}) };
  return { ...state, history: [...state.history, row] };
}

/** `NAME=value` rows with NAME set: in its old place, or at the end. */
export function setEnv(env: readonly string[], name: string, value: string): readonly string[] {
  const entry = `${name}=${value}`;
  const at = env.findIndex((other) => other.startsWith(`${name}=`) || other === name);
  return at < 0 ? [...env, entry] : env.with(at, entry);
}

/** `NAME=value` rows as a map; a row without `=` is an empty value. */
export function envMap(env: readonly string[]): Map<string, string> {
  return new Map(env.map((entry) => splitEntry(entry)));
}

function splitEntry(entry: string): [string, string] {
  const equals = entry.indexOf("=");
  return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
