import { join } from "node:path";
import type { Compression } from "../runtime-core/index.ts";
import { isLayer, type Layer } from "./layer.ts";
import { readSmallFile } from "./small-file.ts";
import type { Snapshot } from "./snapshotter.ts";
import type { Workspace } from "./workspace.ts";

/** The rules that layers are packed by. A new name is a promise that other bytes may come out. */
const FORMAT = "tsl1";

/** What decides the bytes of a layer beside its snapshot. */
export interface LayerForm {
  readonly compression: Compression;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
}

/** Which layer a snapshot became, in which form: what is known here is never read and compressed again. */
export class KnownLayers {
  readonly #root: string;
  readonly #workspace: Workspace;

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  /** The layer that was packed from the snapshot's top in this form. A damaged record is an unknown layer. */
  find(snapshot: Snapshot, form: LayerForm): Layer | undefined {
    const text = readSmallFile(join(this.#root, packedName(snapshot, form)));
    return text === undefined ? undefined : parseLayer(text);
  }

  async remember(snapshot: Snapshot, form: LayerForm, layer: Layer): Promise<void> {
    this.#workspace.replaceFile(join(this.#root, packedName(snapshot, form)), JSON.stringify(layer));
  }
}

/** One name for one form of one snapshot: also the key that equal work is shared by. */
export function packedName(snapshot: Snapshot, { compression, sourceDateEpoch }: LayerForm): string {
  const level = compression.level === undefined ? "" : `-${compression.level}`;
  return `${snapshot.id}.${FORMAT}.${compression.type}${level}.${sourceDateEpoch}`;
}

function parseLayer(text: string): Layer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isLayer(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
