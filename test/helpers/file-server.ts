import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

type Answer = string | Uint8Array | ((request: IncomingMessage, response: ServerResponse, hit: number) => void);

export interface FileServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  /** What is served, by path; may be changed while it runs. */
  readonly files: Map<string, Answer>;
  /** `METHOD path status`, with ` If-None-Match` or ` If-Modified-Since` where the request had one. */
  readonly log: string[];
  close(): Promise<void>;
}

/** A web server of files with `ETag`s on loopback, as nginx answers. With `tls` it speaks HTTPS. */
export async function serveFiles(
  files: Readonly<Record<string, Answer>>,
  tls?: { readonly cert: string; readonly key: string },
): Promise<FileServer> {
  const served = new Map(Object.entries(files));
  const log: string[] = [];
  const hits = new Map<string, number>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "/").replace(/\?.*/, "");
    const condition = ["If-None-Match", "If-Modified-Since"].filter((name) => request.headers[name.toLowerCase()]);
    response.on("close", () => log.push([request.method, path, response.statusCode, ...condition].join(" ")));
    const hit = (hits.get(path) ?? 0) + 1;
    hits.set(path, hit);
    const answer = served.get(path);
    if (answer === undefined) response.writeHead(404).end("no such file\n");
    else if (typeof answer === "function") answer(request, response, hit);
    else sendFile(Buffer.from(answer), request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    files: served,
    log,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function sendFile(bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const etag = `"${sha256(bytes).slice(7, 23)}"`;
  if (request.headers["if-none-match"] === etag) response.writeHead(304, { ETag: etag }).end();
  else response.writeHead(200, { ETag: etag, "Content-Length": bytes.byteLength }).end(bytes);
}

/** `sha256:…` of bytes or text. */
export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
