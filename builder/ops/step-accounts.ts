import { contentSize, type RootfsMount, RuntimeError, type SandboxUsage } from "../../runtime-core/index.ts";
import type { OnEvent } from "../events.ts";
import type { Vertex } from "../llb/index.ts";

/** What the steps of one build used, told as it becomes known. */
export class StepAccounts {
  readonly #onEvent: OnEvent;
  readonly #counting: Promise<void>[] = [];

  constructor(onEvent: OnEvent) {
    this.#onEvent = onEvent;
  }

  /** Tells what a step used, whether it failed or not. */
  ended({ digest }: Vertex, usage: SandboxUsage): void {
    this.#onEvent({ type: "usage", digest, usage });
  }

  /** Counts a layer of so many files that nothing should wait for it, and then tells again. The layer is the topmost of `rootfs`. */
  committed({ digest }: Vertex, usage: SandboxUsage, { lowers }: RootfsMount): void {
    const files = lowers.at(-1);
    if (usage.layerBytes !== undefined || files === undefined) return;
    const tell = (layerBytes: number) => this.#onEvent({ type: "usage", digest, usage: { ...usage, layerBytes } });
    this.#counting.push(contentSize(files).then(tell, passOverUncountable));
  }

  /** Waits until all is told. */
  async settled(): Promise<void> {
    await Promise.all(this.#counting);
  }
}

/** A number that is not known is no reason for a build to fail. */
function passOverUncountable(error: unknown): void {
  if (!(error instanceof RuntimeError)) throw error;
}
