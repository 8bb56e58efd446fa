import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  anonymous,
  copy,
  type Descriptor,
  digestBytes,
  fromBytes,
  MemoryTarget,
  RegistryClient,
  type RegistryError,
  staticCredentials,
} from "../../registry-client/index.ts";
import {
  type Exchange,
  type Fault,
  type FaultyRegistry,
  readBody,
  sendError,
  startFaultyRegistry,
} from "../helpers/faulty-registry.ts";
import { pushRandomImage } from "./images.ts";

/** The scenarios' names are those of the module's README. */
const faults = suite("upload faults");

const bytes = randomBytes(3_000_000);
const blob: Descriptor = { mediaType: "application/octet-stream", digest: digestBytes(bytes), size: bytes.byteLength };

interface Outcome {
  readonly registry: FaultyRegistry;
  readonly error: RegistryError | undefined;
  readonly mounted: readonly string[];
  readonly seconds: number;
}

interface PushSetting {
  readonly mountFrom?: readonly string[];
  readonly credentials?: (registry: FaultyRegistry) => RegistryClient;
}

/** Pushes one blob of 3 MB. */
async function pushBlob(fault: (registry: () => FaultyRegistry) => Fault, setting: PushSetting = {}): Promise<Outcome> {
  const registry: FaultyRegistry = await startFaultyRegistry((exchange) => fault(() => registry)(exchange));
  const client =
    setting.credentials?.(registry) ??
    new RegistryClient({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 } });
  const mounted: string[] = [];
  const started = performance.now();
  const options = { mountFrom: setting.mountFrom ?? [], onMounted: (from: string) => void mounted.push(from) };
  const push = client.repository(`${registry.host}/app`).push(blob, fromBytes(bytes), options);
  const error = await push.then(
    () => undefined,
    (reason) => reason,
  );
  const seconds = (performance.now() - started) / 1000;
  await registry.close();
  return { registry, error, mounted, seconds };
}

const isMount = ({ kind, url }: Exchange) => kind === "upload-start" && url.searchParams.has("mount");
const isPut = ({ kind, method }: Exchange) => kind === "upload" && method === "PUT";
const count = ({ registry }: Outcome, line: string) => registry.requests.filter((request) => request === line).length;

faults("mount-201: no body is sent", async () => {
  const outcome = await pushBlob(
    () => (exchange) =>
      isMount(exchange) && Boolean(exchange.response.writeHead(201, { "Docker-Content-Digest": blob.digest }).end()),
    { mountFrom: ["other"] },
  );
  assert.equal([outcome.error, outcome.mounted, count(outcome, "PUT upload")], [undefined, ["other"], 0]);
});

faults("mount-202: the session that was opened is used", async () => {
  const outcome = await pushBlob(() => () => undefined, { mountFrom: ["other"] });
  assert.equal([outcome.error, outcome.mounted, count(outcome, "POST upload-start")], [undefined, [], 1]);
});

for (const refusal of [401, 403, 404, 405, 500, "reset"] as const) {
  faults(`mount-${refusal}: the blob is sent`, async () => {
    const refuse = ({ response }: Exchange) => {
      if (refusal === "reset") response.destroy();
      else sendError(response, refusal, "DENIED");
      return true;
    };
    const outcome = await pushBlob(() => (exchange) => isMount(exchange) && refuse(exchange), { mountFrom: ["other"] });
    assert.is(outcome.error, undefined);
    assert.ok(outcome.registry.blobs.has(blob.digest));
  });
}

faults("mount-digest-mismatch: what was mounted is not taken for the blob", async () => {
  const other = digestBytes(Buffer.from("other"));
  const fault = () => (exchange: Exchange) =>
    isMount(exchange) && Boolean(exchange.response.writeHead(201, { "Docker-Content-Digest": other }).end());
  const outcome = await pushBlob(fault, { mountFrom: ["other"] });
  assert.equal([outcome.error, outcome.mounted, outcome.registry.blobs.has(blob.digest)], [undefined, [], true]);
});

const locations: readonly (readonly [string, (origin: string) => string])[] = [
  ["loc-relative", () => "session-1"],
  ["loc-path", () => "/v2/app/blobs/uploads/session-1"],
  ["loc-absolute", (origin) => `${origin}/v2/app/blobs/uploads/session-1`],
  ["loc-schemeless", (origin) => `${origin.replace("http:", "")}/v2/app/blobs/uploads/session-1`],
];

for (const [name, locate] of locations) {
  faults(`${name}: the Location is resolved`, async () => {
    const fault = (registry: () => FaultyRegistry) => (exchange: Exchange) => {
      if (exchange.kind === "upload-start") exchange.response.setHeader("Location", locate(registry().origin));
      return undefined;
    };
    const outcome = await pushBlob(fault);
    assert.is(outcome.error, undefined);
    assert.ok(outcome.registry.blobs.has(blob.digest));
  });
}

faults("loc-cross-host: credentials are not sent to the other host", async () => {
  const other = await startFaultyRegistry();
  const basic = `Basic ${Buffer.from("u:p").toString("base64")}`;
  const fault = () => (exchange: Exchange) => {
    if (exchange.kind === "upload-start")
      exchange.response.setHeader("Location", `${other.origin}/v2/app/blobs/uploads/1`);
    if (exchange.request.headers.authorization === basic) return undefined;
    exchange.response.setHeader("WWW-Authenticate", 'Basic realm="x"');
    sendError(exchange.response, 401, "UNAUTHORIZED");
    return true;
  };
  const outcome = await pushBlob(fault, {
    credentials: ({ host }) =>
      new RegistryClient({
        env: {},
        credentials: staticCredentials({ [host]: { type: "password", username: "u", password: "p" } }),
      }),
  });
  await other.close();
  assert.is(outcome.error, undefined);
  assert.equal([other.requests, other.headers[0]?.authorization], [["PUT upload"], undefined]);
});

faults("loc-query-opaque: the query's bytes are unchanged, the digest is behind it", async () => {
  let sent = "";
  const fault = () => (exchange: Exchange) => {
    const query = "?_state=a%2Bb%3D%3D&z=1&a=2&empty&sig=%7E";
    if (exchange.kind === "upload-start") exchange.response.setHeader("Location", `/v2/app/blobs/uploads/1${query}`);
    if (isPut(exchange)) sent = exchange.request.url ?? "";
    return undefined;
  };
  assert.is((await pushBlob(fault)).error, undefined);
  assert.is(
    sent,
    `/v2/app/blobs/uploads/1?_state=a%2Bb%3D%3D&z=1&a=2&empty&sig=%7E&digest=${encodeURIComponent(blob.digest)}`,
  );
});

faults("loc-missing: it is a fault of the protocol", async () => {
  const outcome = await pushBlob(
    () =>
      ({ kind, response }) =>
        kind === "upload-start" && Boolean(response.writeHead(202).end()),
  );
  assert.is(outcome.error?.code, "PROTOCOL_ERROR");
});

faults("put-413: the registry's limit is reported, although the body was still being sent", async () => {
  const outcome = await pushBlob(() => (exchange) => {
    if (!isPut(exchange)) return undefined;
    exchange.response.setHeader("Connection", "close");
    sendError(exchange.response, 413, "SIZE_INVALID");
    return true;
  });
  assert.is(outcome.error?.status, 413);
});

faults("session-404-midway: a new session is opened", async () => {
  const outcome = await pushBlob(() => async (exchange) => {
    if (!isPut(exchange) || exchange.count > 1) return undefined;
    await readBody(exchange.request);
    sendError(exchange.response, 404, "BLOB_UPLOAD_UNKNOWN");
    return true;
  });
  assert.equal([outcome.error, count(outcome, "POST upload-start")], [undefined, 2]);
});

faults("put-reset-at-N: the content is opened again and sent anew", async () => {
  const outcome = await pushBlob(() => (exchange) => {
    if (!isPut(exchange) || exchange.count > 2) return undefined;
    exchange.request.once("data", () => exchange.request.socket.resetAndDestroy());
    return true;
  });
  assert.is(outcome.error, undefined);
  assert.equal(outcome.registry.blobs.get(blob.digest), bytes);
});

faults("put-response-lost: what the registry has is not sent a second time", async () => {
  const outcome = await pushBlob((registry) => async (exchange) => {
    if (!isPut(exchange)) return undefined;
    registry().blobs.set(blob.digest, await readBody(exchange.request));
    exchange.request.socket.resetAndDestroy();
    return true;
  });
  assert.equal([outcome.error, count(outcome, "PUT upload")], [undefined, 1]);
});

const waits: readonly (readonly [string, number, () => string | undefined, number])[] = [
  ["put-503", 503, () => undefined, 0],
  ["put-429-retry-after-2", 429, () => "2", 2],
  ["put-429-date", 429, () => new Date(Date.now() + 2500).toUTCString(), 1.4],
  ["put-503-retry-after", 503, () => "1", 1],
];

for (const [name, status, retryAfter, seconds] of waits) {
  faults(`${name}: it waits ${seconds > 0 ? `about ${seconds} s` : "a moment"} and succeeds`, async () => {
    const outcome = await pushBlob(() => async (exchange) => {
      if (!isPut(exchange) || exchange.count > 1) return undefined;
      await readBody(exchange.request);
      const value = retryAfter();
      if (value) exchange.response.setHeader("Retry-After", value);
      sendError(exchange.response, status, "TOOMANYREQUESTS");
      return true;
    });
    assert.is(outcome.error, undefined);
    assert.ok(outcome.seconds >= seconds * 0.98 && outcome.seconds < seconds + 3, `${outcome.seconds} s`);
  });
}

faults("retry-after-6h: it fails at once and says when to come back", async () => {
  const outcome = await pushBlob(() => (exchange) => {
    exchange.response.setHeader("Retry-After", "21600");
    sendError(exchange.response, 429, "TOOMANYREQUESTS");
    return true;
  });
  assert.equal([outcome.error?.code, outcome.registry.requests.length], ["RATE_LIMITED", 1]);
  const waitMs = (outcome.error?.retryAt?.getTime() ?? 0) - Date.now();
  assert.ok(waitMs > 21_000_000 && waitMs < 22_000_000);
});

faults("put-200: less than 201 is believed when the blob is there, and not when it is not", async () => {
  for (const isStored of [true, false]) {
    const outcome = await pushBlob((registry) => async (exchange) => {
      if (!isPut(exchange)) return undefined;
      const body = await readBody(exchange.request);
      if (isStored) registry().blobs.set(blob.digest, body);
      exchange.response.writeHead(200).end();
      return true;
    });
    assert.is(outcome.error?.code, isStored ? undefined : "PROTOCOL_ERROR");
  }
});

faults("abort-during-put: the signal's reason comes out, the socket is closed, the session deleted", async () => {
  const stop = new AbortController();
  let isClosed = false;
  const registry = await startFaultyRegistry((exchange) => {
    if (!isPut(exchange)) return undefined;
    exchange.request.socket.once("close", () => {
      isClosed = true;
    });
    exchange.request.on("data", () => exchange.request.pause());
    const reading = setInterval(() => exchange.request.resume(), 20);
    exchange.request.socket.once("close", () => clearInterval(reading));
    setTimeout(() => stop.abort(new Error("stopped")), 20);
    return true;
  });
  const client = new RegistryClient({ credentials: anonymous, env: {} });
  const push = client.repository(`${registry.host}/app`).push(blob, fromBytes(bytes), { signal: stop.signal });
  const error = await push.catch((reason) => reason);
  for (let waits = 0; waits < 100 && !isClosed; waits++) await sleep(20);
  await registry.close();
  assert.is(error.message, "stopped");
  assert.ok(isClosed);
  assert.is(registry.requests.at(-1), "DELETE upload");
});

faults("manifest-blob-unknown-once: the children are sent once more", async () => {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory), "v1");
  const registry = await startFaultyRegistry((exchange) => {
    if (exchange.kind !== "manifest" || exchange.method !== "PUT" || exchange.count > 1) return undefined;
    sendError(exchange.response, 404, "MANIFEST_BLOB_UNKNOWN");
    return true;
  });
  const client = new RegistryClient({ credentials: anonymous, env: {} });
  await copy(memory, "v1", client.repository(`${registry.host}/app`), "v1");
  await registry.close();
  assert.is(registry.requests.filter((line) => line === "PUT upload").length, 4);
});

faults.run();
