import type { FetchTransportOptions, Transport, TransportRequest, TransportResponse } from "../transport.ts";

/** `FetchTransport`, loaded at the first request: a build from cache makes none, and the HTTP stack is the dearest to load. */
export class LazyTransport implements Transport {
  readonly #options: FetchTransportOptions;
  #loading: Promise<Transport> | undefined;

  constructor(options: FetchTransportOptions) {
    this.#options = options;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    this.#loading ??= this.#load();
    return await (await this.#loading).request(request);
  }

  async #load(): Promise<Transport> {
    const { FetchTransport } = await import("../transport.ts");
    return new FetchTransport(this.#options);
  }
}
