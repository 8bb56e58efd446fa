import type { Store } from "../../layers/index.ts";
import type { Transport } from "../../registry-client/index.ts";

/** What fetching from elsewhere works with. */
export interface SourceContext {
  readonly store: Store;
  /** Seconds since 1970: the mtime of all that is fetched. */
  readonly sourceDateEpoch: number;
  /** Default: HTTP over node-fetch, with proxies and the certificates of certs.d. */
  readonly transport?: Transport;
  /** The value of a secret of the build, by its id: `GIT_AUTH_TOKEN`, `HTTP_AUTH_HEADER_host`. Absent: there are none. */
  readonly secret?: (id: string) => Promise<Uint8Array | undefined>;
  /** Serves the agent that `--ssh default` gives, in `directory`, which is made for it. Absent: there are no keys. */
  readonly serveSsh?: (directory: string) => Promise<ServedSsh>;
  /** Where proxies are looked up. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** An agent's socket for as long as it is needed. */
export interface ServedSsh {
  readonly path: string;
  close(): Promise<void>;
}

/** A secret as text, without the line end that an editor adds. */
export async function secretText(context: SourceContext, id: string): Promise<string | undefined> {
  const value = await context.secret?.(id);
  return value === undefined ? undefined : Buffer.from(value).toString("utf8").trim();
}
