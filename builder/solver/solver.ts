import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Semaphore } from "../../layers/index.ts";
import type { CallOptions, Digest } from "../../registry-client/index.ts";
import type { OnEvent } from "../events.ts";
import type { Edge, Vertex } from "../llb/index.ts";
import { freshKey, type InputKey, resultKey } from "./cache-key.ts";
import type { CacheStore, OpResult, OpRunner } from "./result.ts";
import { createNodes, type SolveNode } from "./solve-node.ts";
import { VertexProgress } from "./vertex-progress.ts";

export interface SolveOptions extends CallOptions {
  readonly resolveOp: (vertex: Vertex) => OpRunner;
  readonly cache: CacheStore;
  /** How many vertices are executed at once. Default: the number of cores. */
  readonly jobs?: number;
  readonly onEvent?: OnEvent;
  /** The clock of the events. Default: milliseconds since the call. */
  readonly elapsedMs?: () => number;
}

/** A result, and what vertices above build their own keys from. */
interface Solved {
  readonly result: OpResult;
  readonly key: Digest;
}

/** A result with the end of its saving. */
interface Executed {
  readonly solved: Solved;
  readonly saved: Promise<void>;
}

/** By then the next vertex has been started, and this process has nothing to do but to wait for it. */
const SAVE_DELAY_MS = 3;
const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 100;

/**
 * The result of `target`: from the cache by how it is made, without a look at its inputs; else by what its inputs are; else
 * by execution. Equal vertices are solved once, independent ones at once, and what is executed is saved under both keys.
 *
 * The first failure aborts all that runs, and is thrown when that has ended. Throws the signal's reason when aborted.
 */
export async function solve(target: Edge, options: SolveOptions): Promise<OpResult> {
  return await new Solver(options).solve(target);
}

class Solver {
  readonly #options: SolveOptions;
  readonly #cache: CacheStore;
  readonly #jobs: Semaphore;
  readonly #progress: VertexProgress;
  readonly #solved = new Map<SolveNode, Promise<Solved>>();
  readonly #saving: Promise<void>[] = [];
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: SolveOptions) {
    const start = performance.now();
    this.#options = options;
    this.#cache = options.cache;
    this.#jobs = new Semaphore(options.jobs ?? availableParallelism());
    this.#progress = new VertexProgress(
      options.onEvent ?? (() => {}),
      options.elapsedMs ?? (() => performance.now() - start),
    );
    this.#signal =
      options.signal === undefined ? this.#failed.signal : AbortSignal.any([options.signal, this.#failed.signal]);
  }

  async solve(target: Edge): Promise<OpResult> {
    try {
      return await this.#solveTarget(target);
    } finally {
      await Promise.allSettled(this.#saving);
    }
  }

  async #solveTarget(target: Edge): Promise<OpResult> {
    // As many listeners as vertices are no leak.
    setMaxListeners(0, this.#signal);
    const { resolveOp, signal } = this.#options;
    signal?.throwIfAborted();
    const nodes = await createNodes(target.vertex, { resolveOp, onError: this.#fail }, { signal: this.#signal });
    this.#progress.expect(nodes);
    try {
      const { result } = await this.#resultOf(nodes.at(-1) as SolveNode);
      await Promise.all(this.#saving);
      return result;
    } catch (error) {
      await Promise.allSettled(this.#solved.values());
      signal?.throwIfAborted();
      this.#failed.signal.throwIfAborted();
      throw error;
    }
  }

  #resultOf(node: SolveNode): Promise<Solved> {
    const known = this.#solved.get(node);
    if (known !== undefined) return known;
    this.#progress.needed(node);
    const solved = this.#solveNode(node);
    this.#solved.set(node, solved);
    return solved;
  }

  async #solveNode(node: SolveNode): Promise<Solved> {
    const known = await this.#watch(node, () => this.#findByDefinition(node));
    if (known !== undefined) return known;
    if (node.isStale || node.isDefinitionStable) node.runner.expectExec?.();
    const inputs = await Promise.all(node.inputs.map((input) => this.#resultOf(input)));
    return await this.#watch(node, async () => {
      const key = await this.#resultKeyOf(node, inputs);
      return (await this.#findByResult(node, key)) ?? (await this.#executeOnce(node, inputs, key));
    });
  }

  /** The first failure of a vertex's own work aborts everything; what fails after that was canceled. */
  async #watch<T>(node: SolveNode, work: () => Promise<T>): Promise<T> {
    try {
      this.#signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (this.#signal.aborted) this.#progress.canceled(node.vertex);
      else this.#fail(node.vertex, error);
      throw error;
    }
  }

  readonly #fail = (vertex: Vertex, error: unknown): void => {
    if (this.#signal.aborted) return;
    this.#progress.failed(vertex, error);
    this.#failed.abort(error);
  };

  async #findByDefinition(node: SolveNode): Promise<Solved | undefined> {
    if (!node.isDefinitionStable || node.isStale) return undefined;
    const found = await this.#find(node.definitionKey);
    if (found !== undefined) this.#progress.cachedWithInputs(node);
    return found;
  }

  async #findByResult(node: SolveNode, key: Digest): Promise<Solved | undefined> {
    if (!node.isResultStable || node.ignoresCache) return undefined;
    const found = await this.#find(key);
    if (found === undefined) return undefined;
    if (node.isDefinitionStable) this.#saveLater(node, [node.definitionKey], found);
    this.#progress.cached(node.vertex);
    return found;
  }

  async #resultKeyOf(node: SolveNode, inputs: readonly Solved[]): Promise<Digest> {
    const keys = await Promise.all(inputs.map((input, index) => this.#inputKey(node, input, index)));
    return resultKey(node.cacheMap.digest, keys);
  }

  async #inputKey(node: SolveNode, { result, key }: Solved, index: number): Promise<InputKey> {
    const contentDigest = node.cacheMap.inputs[index]?.contentDigest;
    if (contentDigest === undefined) return { by: "result", key, output: node.vertex.inputs[index]?.output ?? 0 };
    this.#progress.started(node.vertex);
    return { by: "content", digest: await contentDigest(result, { signal: this.#signal }) };
  }

  /** Executes, or waits while another build executes the same and takes its result. */
  async #executeOnce(node: SolveNode, inputs: readonly Solved[], key: Digest): Promise<Solved> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      const solved = await this.#jobs.run(this.#signal, () => this.#tryExecute(node, inputs, key));
      if (solved !== undefined) return solved;
      await sleep(waitMs, undefined, { signal: this.#signal });
    }
  }

  /** Undefined while another build has the right to execute it, which lasts until its result is saved. */
  async #tryExecute(node: SolveNode, inputs: readonly Solved[], key: Digest): Promise<Solved | undefined> {
    if (!node.isResultStable || node.ignoresCache || this.#cache.tryLock === undefined) {
      return (await this.#execute(node, inputs, node.ignoresCache ? freshKey() : key, key)).solved;
    }
    const lock = await this.#cache.tryLock(key);
    if (lock === undefined) return undefined;
    let saved = Promise.resolve();
    try {
      const found = await this.#findByResult(node, key);
      if (found !== undefined) return found;
      const executed = await this.#execute(node, inputs, key, key);
      saved = executed.saved;
      return executed.solved;
    } finally {
      void saved.finally(() => lock.release());
    }
  }

  async #execute(node: SolveNode, inputs: readonly Solved[], key: Digest, foundBy: Digest): Promise<Executed> {
    this.#progress.started(node.vertex);
    const results = inputs.map((input) => input.result);
    const solved = { result: await node.runner.exec(results, { signal: this.#signal }), key };
    const keys = [...(node.isResultStable ? [foundBy] : []), ...(node.isDefinitionStable ? [node.definitionKey] : [])];
    const saved = this.#saveLater(node, keys, solved);
    this.#progress.completed(node.vertex);
    return { solved, saved };
  }

  async #find(key: Digest): Promise<Solved | undefined> {
    const record = await this.#cache.find(key);
    if (record === undefined) return undefined;
    return { result: { type: "snapshot", snapshot: record.snapshot }, key: record.resultKey };
  }

  /**
   * Saves when the vertices above are under way: none of them waits for it, only the end of the solve. A failure fails the
   * vertex; the promise itself never rejects. Files in place are not kept: they are read where they lie.
   */
  #saveLater(node: SolveNode, keys: readonly Digest[], { result, key }: Solved): Promise<void> {
    if (result.type !== "snapshot" || keys.length === 0) return Promise.resolve();
    const record = { snapshot: result.snapshot, resultKey: key, name: node.vertex.name };
    const saving = sleep(SAVE_DELAY_MS).then(async () => {
      for (const savedAs of keys) await this.#cache.save(savedAs, record);
    });
    this.#saving.push(saving);
    return saving.catch((error: unknown) => this.#fail(node.vertex, error));
  }
}
