import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

/** A web server on loopback for the files below a directory, and for the git repositories among them (`….git`). */
export interface Web {
  /** Without a slash at the end. */
  readonly url: string;
  close(): void;
}

export async function startWeb(root: string): Promise<Web> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.includes(".git/")) serveGit(root, request, response);
    else serveFile(join(root, normalize(decodeURIComponent(pathname))), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

function serveFile(path: string, response: ServerResponse): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return void response.writeHead(404).end();
  const headers = { "last-modified": "Sun, 09 Sep 2001 01:46:40 GMT", "content-type": "application/octet-stream" };
  response.writeHead(200, headers).end(readFileSync(path));
}

/** git-http-backend(1) as a CGI program, RFC 3875. */
function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const env = {
    PATH: process.env["PATH"],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
    REQUEST_METHOD: request.method,
    PATH_INFO: pathname,
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: request.headers["content-type"],
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
    GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
  };
  const backend = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "inherit"] });
  const output: Buffer[] = [];
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => {});
  backend.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  backend.once("close", () => answerCgi(Buffer.concat(output), response));
}

function answerCgi(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf("\r\n\r\n");
  const headers = output
    .subarray(0, end)
    .toString()
    .split("\r\n")
    .map((line) => line.split(/:\s*(.*)/s));
  const status = Number(headers.find(([name]) => name?.toLowerCase() === "status")?.[1]?.slice(0, 3) ?? 200);
  const rest = headers.filter(([name]) => name?.toLowerCase() !== "status");
  response.writeHead(status, Object.fromEntries(rest.map(([name = "", value = ""]) => [name, value])));
  response.end(output.subarray(end + 4));
}
