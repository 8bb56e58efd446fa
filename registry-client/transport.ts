import { Readable } from "node:stream";
import fetch, { type Response } from "node-fetch";
import { RegistryError } from "./errors.ts";
import { AgentPool } from "./http/agents.ts";
import { networkError } from "./http/network-error.ts";
import { Watchdog } from "./http/watchdog.ts";
import type { ByteStream } from "./storage.ts";

export interface RequestBody {
  /** Bytes. */
  readonly size: number;
  /** From the beginning; called again when the request is sent again. */
  open(): ByteStream;
}

export interface TransportRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /** Do not verify the server's certificate. */
  readonly allowUntrusted?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ResponseHeaders {
  /** The values of a header, joined by commas. */
  get(name: string): string | undefined;
  /** The values of a header that came more than once. */
  all(name: string): readonly string[];
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly url: URL;
  /** To be read to its end, or discarded. */
  readonly body: ByteStream;
  /** Gives the connection up or back, also while a request body is still on its way. */
  discard(): Promise<void>;
}

/**
 * The seam to HTTP: one request, one response, no redirects followed, nothing decoded, nothing retried.
 * Throws REGISTRY_UNREACHABLE or TLS_UNTRUSTED, and the signal's reason when it is aborted.
 */
export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>;
}

export interface HttpTransportOptions {
  /** No byte in either direction for this long ends the request. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** How long a registry may think once it has the whole request: it hashes gigabytes then. Default 300 s. */
  readonly answerTimeoutMs?: number;
  /** PEM certificates trusted beside the system's and those of certs.d. */
  readonly extraCa?: string;
  /** Where proxies and certificate folders are looked up. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Chunks handed over at once; node-fetch's 16 KiB would make a gigabyte 65,536 of them. */
const highWaterMark = 1 << 20;
/** An unread answer longer than this is not worth the wait: the connection is closed instead. */
const drainLimitBytes = 64 << 10;

/** `Transport` over node-fetch, with keep-alive, proxies and the certificates of certs.d. */
export class FetchTransport implements Transport {
  readonly #agents: AgentPool;
  readonly #idleTimeoutMs: number;
  readonly #answerTimeoutMs: number;

  constructor(options: HttpTransportOptions = {}) {
    this.#agents = new AgentPool({ env: options.env ?? process.env, extraCa: options.extraCa });
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 60_000;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 300_000;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted();
    const watchdog = new Watchdog(this.#idleTimeoutMs, request.signal);
    const upload = request.body && new Upload(request.body, () => watchdog.touch());
    upload?.finished.then(() => watchdog.touch(this.#answerTimeoutMs));
    if (!upload) watchdog.touch(this.#answerTimeoutMs);
    try {
      const response = await this.#fetch(request, upload, watchdog);
      watchdog.touch();
      return new FetchResponse(request, response, upload, watchdog);
    } catch (error) {
      watchdog.stop();
      throw upload?.failure ?? requestError(error, request, watchdog);
    }
  }

  async #fetch(request: TransportRequest, upload: Upload | undefined, watchdog: Watchdog): Promise<Response> {
    const agent = await this.#agents.agentFor(request.url, request.allowUntrusted ?? false);
    const length = upload ? { "Content-Length": String(upload.size) } : {};
    return fetch(request.url.href, {
      method: request.method,
      headers: { ...request.headers, ...length },
      body: upload ? Readable.from(upload.stream(), { objectMode: false, highWaterMark }) : null,
      agent,
      compress: false,
      highWaterMark,
      redirect: "manual",
      signal: watchdog.signal,
    });
  }
}

/** A request body on its way: whether it has gone out whole, and what its own source failed with. */
class Upload {
  readonly size: number;
  readonly finished: Promise<void>;
  failure: unknown;
  isFinished = false;
  readonly #body: RequestBody;
  readonly #onProgress: () => void;
  #finish: () => void = () => {};

  constructor(body: RequestBody, onProgress: () => void) {
    this.size = body.size;
    this.#body = body;
    this.#onProgress = onProgress;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Exactly `size` bytes, or a failure: a connection must never wait for bytes that do not come. */
  async *stream(): AsyncGenerator<Uint8Array> {
    try {
      let sent = 0;
      for await (const chunk of this.#body.open()) {
        this.#onProgress();
        sent += chunk.byteLength;
        if (sent > this.size) break;
        yield chunk;
      }
      if (sent !== this.size) throw wrongBodySize(sent, this.size);
      this.isFinished = true;
      this.#finish();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

class FetchResponse implements TransportResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly url: URL;
  readonly body: ByteStream;
  readonly #request: TransportRequest;
  readonly #response: Response;
  readonly #upload: Upload | undefined;
  readonly #watchdog: Watchdog;

  constructor(request: TransportRequest, response: Response, upload: Upload | undefined, watchdog: Watchdog) {
    this.#request = request;
    this.#response = response;
    this.#upload = upload;
    this.#watchdog = watchdog;
    this.status = response.status;
    this.headers = responseHeaders(response);
    this.url = request.url;
    this.body = this.#read();
  }

  async discard(): Promise<void> {
    const length = Number(this.headers.get("content-length") ?? 0);
    const isCheap =
      (this.#upload?.isFinished ?? true) && (this.#request.method === "HEAD" || length <= drainLimitBytes);
    if (!isCheap) return this.#watchdog.abort();
    let drained = 0;
    try {
      for await (const chunk of this.body) {
        drained += chunk.byteLength;
        if (drained > drainLimitBytes) break;
      }
    } catch {
      // Nobody wants this body: a connection that broke meanwhile is only not used again.
    }
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      if (!this.#response.body) return;
      for await (const chunk of this.#response.body as AsyncIterable<Uint8Array>) {
        this.#watchdog.touch();
        yield chunk;
        this.#watchdog.touch();
      }
    } catch (error) {
      throw requestError(error, this.#request, this.#watchdog);
    } finally {
      this.#watchdog.stop();
    }
  }
}

function responseHeaders(response: Response): ResponseHeaders {
  const raw = response.headers.raw();
  return {
    get: (name) => response.headers.get(name) ?? undefined,
    all: (name) => raw[name.toLowerCase()] ?? [],
  };
}

function requestError(error: unknown, request: TransportRequest, watchdog: Watchdog): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  if (error instanceof RegistryError) return error;
  return networkError(watchdog.hasTimedOut ? watchdog.timeout() : error, request);
}

function wrongBodySize(sent: number, size: number): RegistryError {
  return new RegistryError(
    "SIZE_MISMATCH",
    `content has ${sent > size ? "more than " : ""}${Math.min(sent, size)} bytes where ${size} were promised`,
  );
}
