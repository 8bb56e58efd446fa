import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request is about. */
export type RequestKind = "ping" | "token" | "blob" | "upload-start" | "upload" | "manifest" | "other";

/** One request, before the registry answers it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly method: string;
  readonly kind: RequestKind;
  /** How many requests of this method and kind there have been, this one included. */
  readonly count: number;
}

/** Answers a request itself and returns true, or leaves it to the registry, perhaps with headers already set. */
export type Fault = (exchange: Exchange) => boolean | undefined | Promise<boolean | undefined>;

export interface FaultyRegistry {
  readonly host: string;
  readonly origin: string;
  /** By digest. */
  readonly blobs: Map<string, Buffer>;
  /** By `repository:reference`. */
  readonly manifests: Map<string, StoredManifest>;
  /** As `PUT upload`, in the order they came. */
  readonly requests: string[];
  /** Headers of each request, in the same order. */
  readonly headers: IncomingMessage["headers"][];
  close(): Promise<void>;
}

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** A small registry of the distribution-spec v1.1 in this process, whose answers `fault` can spoil. */
export async function startFaultyRegistry(fault: Fault = () => undefined): Promise<FaultyRegistry> {
  const registry = {
    blobs: new Map(),
    manifests: new Map(),
    requests: [] as string[],
    headers: [] as IncomingMessage["headers"][],
  };
  const counts = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://registry");
    const [method, kind] = [request.method ?? "", kindOf(request.method ?? "", url)];
    const count = (counts.get(`${method} ${kind}`) ?? 0) + 1;
    counts.set(`${method} ${kind}`, count);
    registry.requests.push(`${method} ${kind}`);
    registry.headers.push(request.headers);
    request.on("error", () => {});
    if (await fault({ request, response, url, method, kind, count })) return;
    await answer(registry, { request, response, url, method, kind, count }).catch(() => response.destroy());
  });
  const port = await listen(server);
  return { ...registry, host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, close: () => stop(server) };
}

function kindOf(method: string, url: URL): RequestKind {
  if (url.pathname === "/v2/") return "ping";
  if (url.pathname === "/token") return "token";
  if (/\/blobs\/uploads\/$/.test(url.pathname)) return method === "POST" ? "upload-start" : "other";
  if (/\/blobs\/uploads\//.test(url.pathname)) return "upload";
  if (/\/blobs\//.test(url.pathname)) return "blob";
  return /\/manifests\//.test(url.pathname) ? "manifest" : "other";
}

type Stores = Pick<FaultyRegistry, "blobs" | "manifests">;

async function answer(stores: Stores, exchange: Exchange): Promise<void> {
  const { kind, method, response, url } = exchange;
  if (kind === "ping") return void response.writeHead(200).end("{}");
  if (kind === "token") return sendJson(response, 200, { token: "anonymous" });
  if (kind === "upload-start") {
    const location = response.getHeader("Location") ?? `${url.pathname}${randomUUID()}?_state=x`;
    return void response.writeHead(202, { Location: location as string }).end();
  }
  if (kind === "upload" && method === "PUT") return finishUpload(stores, exchange);
  if (kind === "upload" && method === "DELETE") return void response.writeHead(204).end();
  if (kind === "blob") return sendBlob(stores, exchange);
  if (kind === "manifest" && method === "PUT") return storeManifest(stores, exchange);
  if (kind === "manifest") return sendManifest(stores, exchange);
  response.writeHead(404).end();
}

async function finishUpload({ blobs }: Stores, { request, response, url }: Exchange): Promise<void> {
  const bytes = await readBody(request);
  const wanted = url.searchParams.get("digest") ?? "";
  const digest = digestOf(bytes, wanted);
  if (digest !== wanted) return sendError(response, 400, "DIGEST_INVALID");
  blobs.set(digest, bytes);
  response.writeHead(201, { "Docker-Content-Digest": digest }).end();
}

function sendBlob({ blobs }: Stores, { request, response, url, method }: Exchange): void {
  const bytes = blobs.get(lastPart(url));
  if (!bytes) {
    sendError(response, 404, "BLOB_UNKNOWN");
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const part = bytes.subarray(start);
  const range = start > 0 ? { "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { "Content-Length": part.length, ...range });
  response.end(method === "HEAD" ? undefined : part);
}

async function storeManifest({ manifests }: Stores, { request, response, url }: Exchange): Promise<void> {
  const bytes = await readBody(request);
  const manifest = { mediaType: request.headers["content-type"] ?? "", bytes };
  const repository = url.pathname.replace(/^\/v2\/|\/manifests\/.*$/g, "");
  const digest = digestOf(bytes, "sha256:");
  for (const reference of [lastPart(url), digest]) manifests.set(`${repository}:${reference}`, manifest);
  response.writeHead(201, { "Docker-Content-Digest": digest }).end();
}

function sendManifest({ manifests }: Stores, { response, url, method }: Exchange): void {
  const repository = url.pathname.replace(/^\/v2\/|\/manifests\/.*$/g, "");
  const manifest = manifests.get(`${repository}:${lastPart(url)}`);
  if (!manifest) {
    sendError(response, 404, "MANIFEST_UNKNOWN");
    return;
  }
  response.setHeader("Content-Type", response.getHeader("Content-Type") ?? manifest.mediaType);
  response.setHeader("Content-Length", manifest.bytes.length);
  const digest = response.getHeader("Docker-Content-Digest") ?? digestOf(manifest.bytes, "sha256:");
  response.setHeader("Docker-Content-Digest", digest);
  response.end(method === "HEAD" ? undefined : manifest.bytes);
}

/** An error in the form of the distribution-spec. */
export function sendError(response: ServerResponse, status: number, code: string): void {
  sendJson(response, status, { errors: [{ code, message: code.toLowerCase() }] });
}

/** `sendError` as the whole of a fault. */
export function refuse(response: ServerResponse, status: number, code: string): true {
  sendError(response, status, code);
  return true;
}

export function sendJson(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(document));
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function digestOf(bytes: Uint8Array, like: string): string {
  const algorithm = like.slice(0, like.indexOf(":"));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

function lastPart(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
