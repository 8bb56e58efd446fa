import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { httpFilename } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { fetchHttp, type HttpSource } from "../../../builder/sources/index.ts";
import type { Store } from "../../../layers/index.ts";
import { HttpTransport } from "../../../registry-client/index.ts";
import { makeCertificates } from "../../helpers/certificates.ts";
import { failureOf } from "../../helpers/failure.ts";
import { type FileServer, serveFiles, sha256 } from "../../helpers/file-server.ts";
import { makeTempDir } from "../../helpers/temp.ts";
import { withStore } from "../../layers/helpers.ts";

const EPOCH = 315532800;
const http = suite("http sources");

type Work = (
  server: FileServer,
  store: Store,
  fetch: (source: HttpSource) => ReturnType<typeof fetchHttp>,
) => Promise<void>;

async function withServer(files: Parameters<typeof serveFiles>[0], work: Work): Promise<void> {
  const server = await serveFiles(files);
  try {
    await withStore((store) => work(server, store, (source) => fetchHttp(source, { store, sourceDateEpoch: EPOCH })));
  } finally {
    await server.close();
  }
}

const failure = (work: Promise<unknown>) => failureOf(BuildError, work);

http("a file is the only one of its snapshot: mode 0600, root's, at the epoch", () =>
  withServer({ "/dir/a.txt": "hello" }, async (server, store, fetch) => {
    const file = await fetch({ url: `${server.origin}/dir/a.txt` });
    assert.is(file.filename, "a.txt");
    assert.is(file.digest, sha256("hello"));
    assert.is(file.sizeBytes, 5);
    assert.is(readFileSync(file.path, "utf8"), "hello");
    const { mode, uid, gid, mtimeMs } = statSync(file.path);
    assert.equal([mode & 0o7777, uid, gid, mtimeMs], [0o600, 0, 0, EPOCH * 1000]);
    assert.is(file.path, join(store.snapshotter.view(file.snapshot).lowers[0] ?? "", "a.txt"));
  }),
);

http("a second fetch asks whether the file has changed, and takes what is there", () =>
  withServer({ "/a": "one" }, async (server, _store, fetch) => {
    const first = await fetch({ url: `${server.origin}/a` });
    const second = await fetch({ url: `${server.origin}/a` });
    assert.is(second.snapshot.id, first.snapshot.id);
    server.files.set("/a", "two");
    const third = await fetch({ url: `${server.origin}/a` });
    assert.is(third.digest, sha256("two"));
    assert.equal(server.log, ["GET /a 200", "GET /a 304 If-None-Match", "GET /a 200 If-None-Match"]);
  }),
);

http("a server that only knows times is asked by them", () =>
  withServer(
    {
      "/a": (request, response) => {
        const modified = "Tue, 01 Jan 2019 00:00:00 GMT";
        if (request.headers["if-modified-since"] === modified) response.writeHead(304).end();
        else response.writeHead(200, { "Last-Modified": modified }).end("one");
      },
    },
    async (server, _store, fetch) => {
      await fetch({ url: `${server.origin}/a` });
      assert.is((await fetch({ url: `${server.origin}/a` })).digest, sha256("one"));
      assert.equal(server.log, ["GET /a 200", "GET /a 304 If-Modified-Since"]);
    },
  ),
);

http("a file with a checksum is not asked for again", () =>
  withServer({ "/a": "one" }, async (server, _store, fetch) => {
    const checksum = sha256("one") as `sha256:${string}`;
    await fetch({ url: `${server.origin}/a`, checksum });
    server.files.set("/a", "two");
    assert.is((await fetch({ url: `${server.origin}/a`, checksum })).digest, checksum);
    assert.equal(server.log, ["GET /a 200"]);
  }),
);

http("another digest is an error that names both, and nothing is kept", () =>
  withServer({ "/a": "two" }, async (server, _store, fetch) => {
    const checksum = sha256("one") as `sha256:${string}`;
    const error = await failure(fetch({ url: `${server.origin}/a`, checksum }));
    assert.is(error.code, "CHECKSUM_MISMATCH");
    assert.is(error.message, `digest mismatch for ${server.origin}/a: ${sha256("two")} (expected: ${checksum})`);
    server.files.set("/a", "one");
    assert.is((await fetch({ url: `${server.origin}/a`, checksum })).digest, checksum);
  }),
);

http("redirects are followed, and credentials of an address stay with its host", () =>
  withServer(
    { "/file": (request, response) => void response.end(request.headers.authorization ?? "none") },
    async (server, _store, fetch) => {
      const other = await serveFiles({
        "/away": (_request, response) => void response.writeHead(302, { Location: `${server.origin}/file` }).end(),
        "/here": (_request, response) => void response.writeHead(307, { Location: "/me" }).end(),
        "/me": (request, response) => void response.end(request.headers.authorization ?? "none"),
      });
      try {
        const origin = other.origin.replace("://", "://user:p%40ss@");
        const basic = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
        assert.is((await fetch({ url: `${origin}/away` })).digest, sha256("none"));
        assert.is((await fetch({ url: `${other.origin.replace("://", "://user:p%40ss@")}/me` })).digest, sha256(basic));
      } finally {
        await other.close();
      }
    },
  ),
);

http("what fails for a moment is tried again, an answer that ends early too", () =>
  withServer(
    {
      "/busy": (_request, response, hit) => void (hit < 3 ? response.writeHead(503).end() : response.end("at last")),
      "/short": (_request, response, hit) => {
        response.writeHead(200, { "Content-Length": 8 });
        if (hit > 1) response.end("complete");
        else response.write("com", () => response.destroy());
      },
    },
    async (server, _store, fetch) => {
      assert.is((await fetch({ url: `${server.origin}/busy` })).digest, sha256("at last"));
      assert.is((await fetch({ url: `${server.origin}/short` })).digest, sha256("complete"));
    },
  ),
);

http("a secret for the host is sent to it", async () => {
  const server = await serveFiles({
    "/a": (request, response) => void response.end(request.headers.authorization ?? "none"),
  });
  try {
    await withStore(async (store) => {
      const host = new URL(server.origin).host;
      const secret = async (id: string) => (id === `HTTP_AUTH_TOKEN_${host}` ? Buffer.from("s3cret\n") : undefined);
      const file = await fetchHttp({ url: `${server.origin}/a` }, { store, sourceDateEpoch: EPOCH, secret });
      assert.is(readFileSync(file.path, "utf8"), "Bearer s3cret");
    });
  } finally {
    await server.close();
  }
});

const FAILURES: readonly (readonly [name: string, path: string, code: string, message: RegExp])[] = [
  ["a missing file", "/missing", "HTTP_NOT_FOUND", /^failed to fetch \S+\/missing: invalid response status 404$/],
  ["a file that may not be had", "/denied", "HTTP_FAILED", /invalid response status 403$/],
  ["a loop", "/loop", "HTTP_FAILED", /stopped after 10 redirects$/],
  ["a redirect to a file of this machine", "/file", "HTTP_FAILED", /redirects to what is no HTTP address$/],
  ["a file above the bound", "/big", "HTTP_TOO_LARGE", /has more than 10 bytes$/],
];

for (const [name, path, code, message] of FAILURES) {
  http(`${name} is one error`, () =>
    withServer(
      {
        "/denied": (_request, response) => void response.writeHead(403).end(),
        "/loop": (_request, response) => void response.writeHead(301, { Location: "/loop" }).end(),
        "/file": (_request, response) => void response.writeHead(301, { Location: "file:///etc/passwd" }).end(),
        "/big": (_request, response) => void response.write("x".repeat(11), () => response.end()),
      },
      async (server, _store, fetch) => {
        const error = await failure(
          fetch({ url: `${server.origin}${path}?token=secret`.replace("?token=secret", ""), maxBytes: 10 }),
        );
        assert.is(error.code, code);
        assert.match(error.message, message);
      },
    ),
  );
}

http("a port where nobody listens is an error that says so", async () => {
  const server = await serveFiles({});
  await server.close();
  await withStore(async (store) => {
    const error = await failure(fetchHttp({ url: `${server.origin}/a?key=secret` }, { store, sourceDateEpoch: EPOCH }));
    assert.is(error.code, "HTTP_UNREACHABLE");
    assert.is(error.message, `failed to fetch ${server.origin}/a: connection refused`);
  });
});

http("a certificate must be trusted", async () => {
  const { caPath, certPath, keyPath } = await makeCertificates(makeTempDir("certs"));
  const server = await serveFiles(
    { "/a": "safe" },
    { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") },
  );
  try {
    await withStore(async (store) => {
      const context = { store, sourceDateEpoch: EPOCH };
      const error = await failure(fetchHttp({ url: `${server.origin}/a` }, context));
      assert.is(error.code, "TLS_UNTRUSTED");
      const transport = new HttpTransport({ extraCa: readFileSync(caPath, "utf8") });
      assert.is((await fetchHttp({ url: `${server.origin}/a` }, { ...context, transport })).digest, sha256("safe"));
    });
  } finally {
    await server.close();
  }
});

const NAMES: readonly (readonly [url: string, name: string])[] = [
  ["https://host/a/b.txt", "b.txt"],
  ["https://host/a/b.txt?x=/y#z", "b.txt"],
  ["https://host/a%20b", "a b"],
  ["https://host/a%2Fb", "b"],
  ["https://host/a/", "a"],
  ["https://host/", "__unnamed__"],
  ["https://host", "__unnamed__"],
  ["https://host/%2e%2e", "__unnamed__"],
  [`https://host/${"x".repeat(300)}`, "__unnamed__"],
];

for (const [url, name] of NAMES) {
  http(`${url.slice(0, 40)} is a file named ${name}`, () => assert.is(httpFilename(url), name));
}

http.run();
