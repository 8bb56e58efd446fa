import { createSign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Certificates } from "./certificates.ts";

export interface TokenServerOptions {
  readonly certificates: Certificates;
  readonly username: string;
  readonly password: string;
  /** What `expires_in` says, seconds. Default 300. */
  readonly lifetimeSeconds?: number;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The query of each request for a token. */
  readonly requests: readonly URLSearchParams[];
  close(): Promise<void>;
}

const service = "tsbuild-registry";
const issuer = "tsbuild-test-issuer";

/** A server of the token protocol: anonymous users get the right to pull, the one known user every right they ask for. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const requests: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    requests.push(url.searchParams);
    const user = authenticate(request, options);
    if (user === "refused") return void response.writeHead(401).end();
    const token = signToken(url.searchParams.getAll("scope"), user, options);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ token, expires_in: options.lifetimeSeconds ?? 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service,
    issuer,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function authenticate(request: IncomingMessage, options: TokenServerOptions): "anonymous" | "user" | "refused" {
  const header = request.headers.authorization;
  if (header === undefined) return "anonymous";
  const expected = Buffer.from(`${options.username}:${options.password}`).toString("base64");
  return header === `Basic ${expected}` ? "user" : "refused";
}

/** Reference: distribution.github.io/distribution/spec/auth/jwt. */
function signToken(scopes: readonly string[], user: "anonymous" | "user", options: TokenServerOptions): string {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.map((scope) => {
    const [type = "", name = "", actions = ""] = scope.split(":");
    const wanted = actions.split(",");
    return { type, name, actions: user === "user" ? wanted : wanted.filter((action) => action === "pull") };
  });
  const certificate = new X509Certificate(readFileSync(options.certificates.certPath));
  const header = { typ: "JWT", alg: "ES256", x5c: [certificate.raw.toString("base64")] };
  const claims = {
    iss: issuer,
    sub: user,
    aud: service,
    exp: now + 300,
    nbf: now - 10,
    iat: now,
    jti: String(now),
    access,
  };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const key = { key: readFileSync(options.certificates.keyPath, "utf8"), dsaEncoding: "ieee-p1363" } as const;
  return `${text}.${createSign("sha256").update(text).sign(key, "base64url")}`;
}
