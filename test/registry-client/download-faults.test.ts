import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  anonymous,
  type Descriptor,
  digestBytes,
  HttpTransport,
  MediaType,
  OciLayout,
  RegistryClient,
  RegistryError,
  type Repository,
  staticCredentials,
} from "../../registry-client/index.ts";
import {
  type Exchange,
  type Fault,
  type FaultyRegistry,
  refuse,
  sendError,
  startFaultyRegistry,
} from "../helpers/faulty-registry.ts";
import { makeTempDir } from "../helpers/temp.ts";

/** The scenarios' names are those of the module's README. */
const faults = suite("download faults");

const bytes = randomBytes(5_000_000);
const blob: Descriptor = { mediaType: "application/octet-stream", digest: digestBytes(bytes), size: bytes.byteLength };

interface Outcome {
  readonly registry: FaultyRegistry;
  readonly error: RegistryError | undefined;
  readonly isStored: boolean;
  /** Where each GET began. */
  readonly ranges: readonly (string | undefined)[];
}

/** Pulls one blob of 5 MB into a layout. */
async function pullBlob(fault: (registry: () => FaultyRegistry) => Fault): Promise<Outcome> {
  const ranges: (string | undefined)[] = [];
  const registry: FaultyRegistry = await startFaultyRegistry((exchange) => {
    if (exchange.kind === "blob") ranges.push(exchange.request.headers.range);
    return fault(() => registry)(exchange);
  });
  registry.blobs.set(blob.digest, bytes);
  const layout = await OciLayout.open(makeTempDir("layout"), { create: true });
  const repository = newRepository(registry);
  const error = await layout.push(blob, repository.source(blob)).then(
    () => undefined,
    (reason) => reason,
  );
  await registry.close();
  return { registry, error, ranges, isStored: await layout.exists(blob) };
}

function newRepository(registry: FaultyRegistry): Repository {
  const transport = new HttpTransport({ env: {}, idleTimeoutMs: 300 });
  const client = new RegistryClient({ credentials: anonymous, env: {}, transport, retry: { baseDelayMs: 1 } });
  return client.repository(`${registry.host}/app`);
}

/** Sends what was asked for but breaks off after `length` bytes. */
function cutAfter(length: number, cut: "rst" | "fin"): Fault {
  return ({ kind, request, response }) => {
    if (kind !== "blob") return undefined;
    const start = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
    const range = start > 0 ? { "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { "Content-Length": bytes.length - start, ...range });
    const part = bytes.subarray(start, start + length);
    if (start + part.length === bytes.length) return Boolean(response.end(part));
    response.write(part, () =>
      setTimeout(() => (cut === "rst" ? request.socket.resetAndDestroy() : request.socket.end()), 20),
    );
    return true;
  };
}

for (const [name, length, cut] of [
  ["get-cut-rst", 3_000_000, "rst"],
  ["get-cut-fin", 3_000_000, "fin"],
  ["get-cut-every-MiB", 1 << 20, "rst"],
] as const) {
  faults(`${name}: the transfer goes on where it broke off`, async () => {
    const outcome = await pullBlob(() => cutAfter(length, cut));
    assert.equal([outcome.error, outcome.isStored, outcome.ranges[0]], [undefined, true, undefined]);
    assert.match(outcome.ranges.at(-1) ?? "", /^bytes=\d+-$/);
  });
}

faults("get-503: it is asked again", async () => {
  const outcome = await pullBlob(() => ({ kind, response, count }) => {
    if (kind !== "blob" || count > 1) return undefined;
    return refuse(response, 503, "UNAVAILABLE");
  });
  assert.equal([outcome.error, outcome.isStored], [undefined, true]);
});

faults("get-range-ignored: what we have is passed over", async () => {
  const outcome = await pullBlob(() => (exchange) => {
    if (exchange.count === 1) return cutAfter(2_000_000, "rst")(exchange);
    exchange.response.writeHead(200, { "Content-Length": bytes.length }).end(bytes);
    return true;
  });
  assert.equal([outcome.error, outcome.isStored], [undefined, true]);
});

for (const [name, range] of [
  ["get-range-wrong-offset", `bytes 17-${bytes.length - 1}/${bytes.length}`],
  ["get-range-wrong-total", undefined],
] as const) {
  faults(`${name}: the splice is refused`, async () => {
    const outcome = await pullBlob(() => (exchange) => {
      if (exchange.count === 1) return cutAfter(2_000_000, "rst")(exchange);
      const start = /\d+/.exec(exchange.request.headers.range ?? "")?.[0];
      exchange.response.writeHead(206, { "Content-Range": range ?? `bytes ${start}-99/100` }).end("x");
      return true;
    });
    assert.equal([outcome.error?.code, outcome.isStored], ["PROTOCOL_ERROR", false]);
  });
}

const spoiled: readonly (readonly [string, Buffer, string])[] = [
  ["get-flipped-bit", Buffer.from(bytes).fill((bytes[7] ?? 0) ^ 1, 7, 8), "DIGEST_MISMATCH"],
  ["get-truncated-200", bytes.subarray(0, 4_000_000), "SIZE_MISMATCH"],
  ["get-longer", Buffer.concat([bytes, Buffer.from("x")]), "SIZE_MISMATCH"],
];

for (const [name, body, code] of spoiled) {
  faults(`${name}: ${code}, and nothing is stored`, async () => {
    const outcome = await pullBlob(() => ({ response }) => {
      response.writeHead(200, { "Content-Length": body.length }).end(body);
      return true;
    });
    assert.equal([outcome.error?.code, outcome.isStored], [code, false]);
  });
}

faults("get-longer without a length: SIZE_MISMATCH", async () => {
  const outcome = await pullBlob(() => ({ response }) => {
    response.write(bytes);
    response.end("x");
    return true;
  });
  assert.equal([outcome.error?.code, outcome.isStored], ["SIZE_MISMATCH", false]);
});

faults("get-gzip-content-encoding: what was compressed is what is verified", async () => {
  const outcome = await pullBlob(() => ({ response }) => {
    response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(bytes));
    return true;
  });
  assert.equal([outcome.error, outcome.isStored], [undefined, true]);
});

faults("get-stall: silence is ended and the transfer goes on", async () => {
  const outcome = await pullBlob(() => (exchange) => {
    if (exchange.count > 1) return undefined;
    exchange.response.writeHead(200, { "Content-Length": bytes.length });
    exchange.response.write(bytes.subarray(0, 100_000));
    return true;
  });
  assert.equal([outcome.error, outcome.isStored], [undefined, true]);
  assert.is(outcome.ranges[1], "bytes=100000-");
});

faults("cdn-307: a redirect to another host carries no credentials", async () => {
  const cdn = await startFaultyRegistry(({ response }) =>
    Boolean(response.writeHead(200, { "Content-Length": bytes.length }).end(bytes)),
  );
  const basic = `Basic ${Buffer.from("u:p").toString("base64")}`;
  const registry = await startFaultyRegistry((exchange) => {
    const { request, response } = exchange;
    if (request.headers.authorization !== basic) {
      response.setHeader("WWW-Authenticate", 'Basic realm="x"');
      sendError(response, 401, "UNAUTHORIZED");
    } else response.writeHead(307, { Location: `${cdn.origin}/presigned?signature=s3cret` }).end();
    return true;
  });
  const credentials = staticCredentials({ [registry.host]: { type: "password", username: "u", password: "p" } });
  const repository = new RegistryClient({ credentials, env: {} }).repository(`${registry.host}/app`);
  let size = 0;
  for await (const chunk of await repository.fetch(blob)) size += chunk.byteLength;
  await Promise.all([cdn.close(), registry.close()]);
  assert.is(size, blob.size);
  assert.equal([cdn.headers.length, cdn.headers[0]?.authorization], [1, undefined]);
});

faults("cdn-403-expired: the registry is asked again, and a signed address is in no message", async () => {
  const outcome = await pullBlob((registry) => ({ response, kind, url }) => {
    if (kind === "blob" && !url.search) {
      response.writeHead(307, { Location: `${registry().origin}/cdn?signature=s3cret` }).end();
      return true;
    }
    return refuse(response, 403, "EXPIRED");
  });
  assert.not.match(JSON.stringify([outcome.error, outcome.error?.message]), "s3cret");
  assert.ok(outcome.error);
});

faults("redirect-loop: it is left after ten hops", async () => {
  const outcome = await pullBlob(
    () =>
      ({ response, url }) =>
        Boolean(response.writeHead(307, { Location: url.pathname }).end()),
  );
  assert.equal([outcome.error?.code, outcome.registry.requests.length], ["PROTOCOL_ERROR", 11]);
});

const manifestBytes = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { ...blob, mediaType: MediaType.ociConfig },
    layers: [],
  }),
);
const manifestDigest = digestBytes(manifestBytes);

/** Resolves a tag and a digest, and reads the manifest. */
async function pullManifest(fault: Fault, reference = "v1"): Promise<Descriptor | string> {
  const registry = await startFaultyRegistry(fault);
  for (const name of ["v1", manifestDigest]) {
    registry.manifests.set(`app:${name}`, { mediaType: MediaType.ociManifest, bytes: manifestBytes });
  }
  const repository = newRepository(registry);
  try {
    const descriptor = await repository.resolve(reference);
    for await (const _chunk of await repository.fetch(descriptor));
    return descriptor;
  } catch (error) {
    return error instanceof RegistryError ? error.code : String(error);
  } finally {
    await registry.close();
  }
}

const isHead = ({ method, kind }: Exchange) => method === "HEAD" && kind === "manifest";
const set = (name: string, value: string) => (exchange: Exchange) => {
  if (exchange.kind === "manifest") exchange.response.setHeader(name, value);
  return undefined;
};

const good: Descriptor = { mediaType: MediaType.ociManifest, digest: manifestDigest, size: manifestBytes.length };

const manifestFaults: readonly (readonly [string, Fault, Descriptor | string])[] = [
  ["head-405", (exchange) => isHead(exchange) && Boolean(exchange.response.writeHead(405).end()), good],
  [
    "head-no-digest",
    (exchange) =>
      isHead(exchange) && Boolean(exchange.response.writeHead(200, { "Content-Type": MediaType.ociManifest }).end()),
    good,
  ],
  [
    "head-403-with-get-body",
    (exchange) => exchange.kind === "manifest" && refuse(exchange.response, 403, "DENIED"),
    "UNAUTHORIZED",
  ],
  ["manifest-digest-lie", set("Docker-Content-Digest", digestBytes(Buffer.from("lie"))), "MANIFEST_UNKNOWN"],
  ["manifest-mediatype-charset", set("Content-Type", `${MediaType.ociManifest}; charset=utf-8`), good],
  ["manifest-mediatype-mismatch", set("Content-Type", MediaType.dockerManifest), "PROTOCOL_ERROR"],
  [
    "manifest-5MiB",
    ({ method, response }) =>
      method === "GET" &&
      Boolean(response.writeHead(200, { "Content-Type": MediaType.ociManifest }).end(Buffer.alloc(5 << 20))),
    "TOO_LARGE",
  ],
  [
    "manifest-html",
    ({ method, response }) => method === "GET" && Boolean(response.end("<html>log in</html>")),
    "DIGEST_MISMATCH",
  ],
  [
    "error-html",
    ({ response }) => Boolean(response.writeHead(404, { "Content-Type": "text/html" }).end("<html>no</html>")),
    "NOT_FOUND",
  ],
  ["not-found", ({ response }) => refuse(response, 404, "NAME_UNKNOWN"), "NAME_UNKNOWN"],
];

for (const [name, fault, expected] of manifestFaults) {
  faults(`${name}: ${typeof expected === "string" ? expected : "it is read all the same"}`, async () => {
    assert.equal(await pullManifest(fault), expected);
  });
}

faults("manifest-digest-lie by digest: DIGEST_MISMATCH", async () => {
  const lie: Fault = ({ kind, response }) => {
    if (kind !== "manifest") return undefined;
    response
      .writeHead(200, { "Content-Type": MediaType.ociManifest })
      .end(Buffer.concat([manifestBytes, Buffer.from(" ")]));
    return true;
  };
  assert.is(await pullManifest(lie, manifestDigest), "DIGEST_MISMATCH");
});

faults("error-1GiB: an endless error page is cut off", async () => {
  const outcome = await pullBlob(() => ({ response }) => {
    response.writeHead(400, { "Content-Type": "text/plain" });
    const more = (): void => {
      if (!response.destroyed) response.write("x".repeat(100_000), () => setImmediate(more));
    };
    more();
    return true;
  });
  assert.is(outcome.error?.code, "PROTOCOL_ERROR");
  assert.ok((outcome.error?.message.length ?? 0) < 1000);
});

faults.run();
