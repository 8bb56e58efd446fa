import {
  HttpTransport,
  isTransientStatus,
  parseRetryAfter,
  RegistryError,
  redactUrl,
  type Transport,
  type TransportResponse,
} from "../../registry-client/index.ts";
import type { SourceContext } from "./context.ts";
import { secretText } from "./context.ts";

/** As many as curl and Go follow. */
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A GET that follows redirects. Credentials stay with the host they were given for. */
export class HttpRequest {
  readonly #transport: Transport;
  readonly #context: SourceContext;

  constructor(context: SourceContext) {
    this.#context = context;
    this.#transport = context.transport ?? new HttpTransport({ ...(context.env ? { env: context.env } : {}) });
  }

  /** 200 or 304. Throws RegistryError for everything else, transient where another try may help. */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<TransportResponse> {
    let current = url;
    for (let hop = 0; ; hop++) {
      const response = await this.#send(current, headers, signal);
      const location = response.headers.get("location");
      if (!REDIRECTS.has(response.status) || location === undefined) return await accepted(response, current);
      await response.discard();
      if (hop === MAX_REDIRECTS) throw protocolError(url, "stopped after 10 redirects");
      current = nextUrl(current, location);
    }
  }

  async #send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined) {
    const authorization = await this.#authorization(url);
    const bare = new URL(url);
    [bare.username, bare.password, bare.hash] = ["", "", ""];
    return await this.#transport.request({
      method: "GET",
      url: bare,
      headers: {
        "User-Agent": "tsbuild",
        "Accept-Encoding": "identity",
        ...headers,
        ...(authorization ? { Authorization: authorization } : {}),
      },
      signal,
    });
  }

  /** Secrets for the host, as BuildKit names them; else what the address itself holds. */
  async #authorization({ host, username, password }: URL): Promise<string | undefined> {
    const header = await secretText(this.#context, `HTTP_AUTH_HEADER_${host}`);
    if (header !== undefined) return header;
    const token = await secretText(this.#context, `HTTP_AUTH_TOKEN_${host}`);
    if (token !== undefined) return `Bearer ${token}`;
    if (username === "" && password === "") return undefined;
    return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`;
  }
}

async function accepted(response: TransportResponse, url: URL): Promise<TransportResponse> {
  const { status, headers } = response;
  if (status === 200 || status === 304) return response;
  await response.discard();
  throw new RegistryError("REGISTRY_FAILED", `GET ${redactUrl(url)}: invalid response status ${status}`, {
    url,
    status,
    isTransient: isTransientStatus(status),
    retryAt: parseRetryAfter(headers.get("retry-after")),
  });
}

function nextUrl(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to !== undefined && /^https?:$/.test(to.protocol)) return to;
  throw protocolError(from, "redirects to what is no HTTP address");
}

function protocolError(url: URL, reason: string): RegistryError {
  return new RegistryError("PROTOCOL_ERROR", `GET ${redactUrl(url)}: ${reason}`, { url });
}
