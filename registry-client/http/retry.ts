import { setTimeout as sleep } from "node:timers/promises";
import { RegistryError } from "../errors.ts";

export interface RetryPolicy {
  /** Attempts, the first included. */
  readonly tries: number;
  /** No new attempt is begun after this long. */
  readonly budgetMs: number;
  /** The first delay is at most this; each further one twice the one before. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A Retry-After that asks for more is not waited for: the call fails and says when to come back. */
  readonly maxRetryAfterMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  tries: 6,
  budgetMs: 120_000,
  baseDelayMs: 200,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 60_000,
};

/** Repeats `attempt` while it fails with a transient RegistryError and the policy allows it. */
export async function withRetry<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (count: number) => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + policy.budgetMs;
  for (let count = 1; ; count++) {
    try {
      return await attempt(count);
    } catch (error) {
      const waitMs = retryDelay(error, count, policy);
      if (waitMs === undefined || count >= policy.tries || Date.now() + waitMs > deadline) throw error;
      await sleep(waitMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

/** How long to wait before attempt `count` + 1; undefined when the failure is final. */
export function retryDelay(error: unknown, count: number, policy: RetryPolicy): number | undefined {
  if (!(error instanceof RegistryError) || !error.isTransient) return undefined;
  if (error.retryAt) {
    const waitMs = Math.max(0, error.retryAt.getTime() - Date.now());
    return waitMs <= policy.maxRetryAfterMs ? waitMs : undefined;
  }
  // Full jitter: clients that failed together do not come back together.
  return Math.random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (count - 1));
}

/** Retry-After in either form, seconds or an HTTP date. Reference: RFC 9110 section 10.2.3. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): Date | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return new Date(now + Math.min(Number(value), 1e9) * 1000);
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : new Date(time);
}

const transientStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/** Whether the same request may get another answer a little later. */
export function isTransientStatus(status: number): boolean {
  return transientStatuses.has(status);
}
