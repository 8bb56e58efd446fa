import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { makeTempDir } from "./temp.ts";

const ENV = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_AUTHOR_DATE: "2001-02-03T04:05:06Z",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_COMMITTER_DATE: "2001-02-03T04:05:06Z",
};

/** A repository with a working tree, made by the git program. */
export class TestRepository {
  /** The working tree. */
  readonly path: string;

  constructor(path: string = makeTempDir("repo")) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("config", "uploadpack.allowAnySHA1InWant", "false");
  }

  git(...args: readonly string[]): string {
    return execFileSync("git", args, { cwd: this.path, env: ENV, encoding: "utf8", stdio: "pipe" }).trim();
  }

  /** Commits these files beside those that are there; a value that begins with `->` is a symbolic link. Gives the commit. */
  commit(files: Readonly<Record<string, string>>, message = "change"): string {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.path, name);
      mkdirSync(dirname(path), { recursive: true });
      if (text.startsWith("->")) symlinkSync(text.slice(2), path);
      else writeFileSync(path, text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
    }
    this.git("add", "-A");
    this.git("commit", "--quiet", "--allow-empty", "-m", message);
    return this.git("rev-parse", "HEAD");
  }
}

export interface GitServer {
  /** `http://127.0.0.1:PORT/NAME.git` serves a repository. */
  readonly origin: string;
  /** `GET /path` and `POST /path`, as they came. */
  readonly log: string[];
  close(): Promise<void>;
}

export interface GitServerOptions {
  /** Asks for this Authorization header. */
  readonly authorization?: string;
  /** Speaks the protocol of before 2018. */
  readonly onlyV0?: boolean;
}

/** Smart HTTP on loopback by `git http-backend`, as behind a real web server. git-http-backend(1). */
export async function serveGit(
  repositories: Readonly<Record<string, TestRepository>>,
  options: GitServerOptions = {},
): Promise<GitServer> {
  const log: string[] = [];
  const server = createServer((request, response) => {
    log.push(`${request.method} ${request.url}`);
    if (options.authorization !== undefined && request.headers.authorization !== options.authorization) {
      response.writeHead(401, { "WWW-Authenticate": "Basic realm=git" }).end();
      return;
    }
    const url = new URL(request.url ?? "/", "http://x");
    const [, name = "", path = ""] = /^\/([^/]+)\.git(\/.*)$/.exec(url.pathname) ?? [];
    const repository = repositories[name];
    if (repository === undefined) response.writeHead(404).end();
    else runBackend(repository, path, url, options, request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    log,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function runBackend(
  repository: TestRepository,
  path: string,
  url: URL,
  options: GitServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const encoding = request.headers["content-encoding"];
  const protocol = options.onlyV0 === true ? undefined : request.headers["git-protocol"];
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...ENV,
      GIT_PROJECT_ROOT: join(repository.path, ".git"),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      ...(encoding === undefined ? {} : { HTTP_CONTENT_ENCODING: encoding }),
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: String(protocol) }),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => {});
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => answer(Buffer.concat(chunks), response));
}

/** CGI: headers, an empty line, the body. RFC 3875 section 6. */
function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf("\r\n\r\n");
  const lines = output.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
  const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
  const others = headers.filter(([name]) => name !== "Status") as [string, string][];
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(others)).end(output.subarray(end + 4));
}
