import type { CallOptions } from "../registry-client/index.ts";

/** What each part of a build is handed of its options: the signal, where there is one. */
export function callOptions({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal };
}
