import type { HttpTransportOptions, Transport, TransportRequest, TransportResponse } from "../transport.ts";

/** HTTP over node-fetch, loaded at the first request: a build from cache makes none, and an HTTP stack is dear to load. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  #loading: Promise<Transport> | undefined;

  constructor(options: HttpTransportOptions) {
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
