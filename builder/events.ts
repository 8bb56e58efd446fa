import type { Digest } from "../registry-client/index.ts";
import type { SandboxUsage } from "../runtime-core/index.ts";
import type { SourceFile, SourceRange } from "./dockerfile/source.ts";

/** What a build says while it works. Times are milliseconds since the build began. */
export type BuildEvent = VertexEvent | LogEvent | UsageEvent | StatusEvent | WarningEvent;

/** A vertex changed state. Every vertex that is started or cached ends in exactly one of cached, completed, failed, canceled. */
export interface VertexEvent {
  readonly type: "vertex";
  readonly digest: Digest;
  /** `[build 2/4] RUN npm ci`. */
  readonly name: string;
  readonly state: "started" | "cached" | "completed" | "failed" | "canceled";
  readonly timeMs: number;
  /** Why it failed, one line. */
  readonly error?: string;
}

/** Output of a RUN: bytes as they came. */
export interface LogEvent {
  readonly type: "log";
  readonly digest: Digest;
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  readonly timeMs: number;
}

/**
 * What a RUN used, and the limits it met (`usage.limitsHit`). It comes just before the vertex completes or fails, and once more,
 * before the build ends, where the bytes of its layer took longer to count.
 */
export interface UsageEvent {
  readonly type: "usage";
  readonly digest: Digest;
  readonly usage: SandboxUsage;
}

/** Progress inside a vertex: a layer being pulled, exported, pushed. */
export interface StatusEvent {
  readonly type: "status";
  readonly digest: Digest;
  /** `sha256:… pulling`, `exporting layers`. */
  readonly id: string;
  readonly current: number;
  /** 0: not known. */
  readonly total: number;
  readonly done: boolean;
  readonly timeMs: number;
}

/** Something is odd, and the build goes on. */
export interface WarningEvent {
  readonly type: "warning";
  /** A lint rule's name or a code. */
  readonly code: string;
  readonly message: string;
  /** What a lint rule is about in general, and where it is explained. */
  readonly description?: string;
  readonly url?: string;
  readonly range?: SourceRange;
  /** The text that `range` is a place of. */
  readonly source?: SourceFile;
  readonly timeMs: number;
}

/** Called with every event, in order. */
export type OnEvent = (event: BuildEvent) => void;
