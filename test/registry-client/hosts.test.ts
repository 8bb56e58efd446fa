import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  anonymous,
  copy,
  MemoryTarget,
  Reference,
  RegistryClient,
  RegistryError,
  registriesConfHosts,
  staticCredentials,
  systemHosts,
} from "../../registry-client/index.ts";
import { refuse, sendError, startFaultyRegistry } from "../helpers/faulty-registry.ts";
import { freePort } from "../helpers/free-port.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushRandomImage } from "./images.ts";

const hosts = suite<{ registry: TestRegistry }>("hosts");

hosts.before(async (context) => {
  context.registry = await startRegistry();
});
hosts.after(({ registry }) => registry.close());

function writeConf(text: string): string {
  const path = join(makeTempDir("conf"), "registries.conf");
  writeFileSync(path, text);
  return path;
}

/** `registry/repository`, with what is said of it, for each place to pull from. */
async function placesOf(conf: string, reference: string): Promise<readonly string[] | string> {
  try {
    const { pull } = await registriesConfHosts(writeConf(conf)).endpoints(Reference.parse(reference));
    return pull.map(({ registry, repository, isInsecure, isMirror, accepts }) =>
      [`${registry}/${repository}`, isMirror && "mirror", isInsecure && "insecure", accepts !== "all" && accepts]
        .filter(Boolean)
        .join(" "),
    );
  } catch (error) {
    return error instanceof RegistryError ? error.code : String(error);
  }
}

const hub = '[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\n';

const rules: readonly (readonly [string, string, string, readonly string[] | string])[] = [
  ["no rule", "", "busybox", ["docker.io/library/busybox"]],
  [
    "mirrors in order, the registry last",
    `${hub}[[registry.mirror]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n[[registry.mirror]]\nlocation = "m.io/hub"`,
    "busybox",
    ["127.0.0.1:5000/library/busybox mirror insecure", "m.io/hub/library/busybox mirror", "docker.io/library/busybox"],
  ],
  [
    "a rule without prefix is for its location",
    '[[registry]]\nlocation = "r.io:5000"\ninsecure = true',
    "r.io:5000/x",
    ["r.io:5000/x insecure"],
  ],
  [
    "the longest prefix, at a boundary",
    '[[registry]]\nprefix = "r.io/a"\nlocation = "s.io/b"\n[[registry]]\nprefix = "r.io/a/long"\nlocation = "t.io"',
    "r.io/a/long/x",
    ["t.io/x"],
  ],
  ["a prefix is no piece of a word", '[[registry]]\nprefix = "r.io/a"\nlocation = "s.io/b"', "r.io/abc", ["r.io/abc"]],
  [
    "a wildcard for hosts",
    '[[registry]]\nprefix = "*.example.com"\ninsecure = true',
    "a.b.example.com/x",
    ["a.b.example.com/x insecure"],
  ],
  [
    "a wildcard is not for the domain itself",
    '[[registry]]\nprefix = "*.example.com"\ninsecure = true',
    "example.com/x",
    ["example.com/x"],
  ],
  ["a blocked registry", '[[registry]]\nprefix = "docker.io"\nblocked = true', "busybox", "REGISTRY_BLOCKED"],
  [
    "a mirror for digests only, asked for either way",
    `${hub}mirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.io"\n[[registry.mirror]]\nlocation = "n.io"\npull-from-mirror = "tag-only"`,
    "busybox",
    ["m.io/library/busybox mirror digest-only", "n.io/library/busybox mirror tag-only", "docker.io/library/busybox"],
  ],
  [
    "short-name search is Docker's",
    'unqualified-search-registries = ["quay.io"]',
    "busybox",
    ["docker.io/library/busybox"],
  ],
  ["no TOML", "[[registry", "busybox", "INVALID_CONFIG"],
  ["the version 1 format", '[registries.search]\nregistries = ["a"]', "busybox", "INVALID_CONFIG"],
  ["a mirror without a location", `${hub}[[registry.mirror]]\ninsecure = true`, "busybox", "INVALID_CONFIG"],
  ["insecure as a word", '[[registry]]\nlocation = "r.io"\ninsecure = "yes"', "busybox", "INVALID_CONFIG"],
];

for (const [name, conf, reference, expected] of rules) {
  hosts(`${name}: ${reference} is at ${typeof expected === "string" ? expected : expected.join(", ")}`, async () => {
    assert.equal(await placesOf(conf, reference), expected);
  });
}

hosts("a file that is named and not there is an error, one at the usual place is not", async () => {
  const named = systemHosts({ CONTAINERS_REGISTRIES_CONF: "/nonexistent/registries.conf" });
  const error = await named.endpoints(Reference.parse("x")).catch((reason: RegistryError) => reason);
  assert.is(error instanceof RegistryError && error.code, "INVALID_CONFIG");
});

hosts("the user's file and its drop-ins are read, the later rule counts", async () => {
  const home = makeTempDir("home");
  const folder = join(home, ".config/containers");
  mkdirSync(join(folder, "registries.conf.d"), { recursive: true });
  writeFileSync(join(folder, "registries.conf"), '[[registry]]\nprefix = "r.io"\nlocation = "one.io"');
  writeFileSync(join(folder, "registries.conf.d/10.conf"), '[[registry]]\nprefix = "r.io"\nlocation = "two.io"');
  const { push } = await systemHosts({ HOME: home }).endpoints(Reference.parse("r.io/x"));
  assert.is(push.registry, "two.io");
});

/** A client for which docker.io is at these places only, the last of them standing for Docker Hub itself. */
function clientFor(mirrors: readonly string[], primary: string): RegistryClient {
  const tables = mirrors.map((location) => `[[registry.mirror]]\nlocation = "${location}"`);
  const conf = `[[registry]]\nprefix = "docker.io"\nlocation = "${primary}"\n${tables.join("\n")}`;
  return new RegistryClient({
    hosts: registriesConfHosts(writeConf(conf)),
    credentials: anonymous,
    env: {},
    retry: { tries: 2, baseDelayMs: 1 },
  });
}

async function pushBase(host: string, name: string): Promise<void> {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory), "v1");
  const client = new RegistryClient({ credentials: anonymous, hosts: registriesConfHosts(), env: {} });
  await copy(memory, "v1", client.repository(`${host}/${name}`), "v1");
}

hosts("FROM busybox comes from a loopback registry", async ({ registry }) => {
  await pushBase(registry.host, "library/busybox");
  const conf = writeConf(`[[registry]]\nprefix = "docker.io"\nlocation = "${registry.host}"`);
  const client = new RegistryClient({ env: { CONTAINERS_REGISTRIES_CONF: conf, HOME: "/nonexistent" } });
  await copy(client.repository("busybox:v1"), "", new MemoryTarget(), "x");
});

for (const fault of ["down", "404", "401", "500"] as const) {
  hosts(`mirror-${fault}: the next place is asked, and asked first from then on`, async ({ registry }) => {
    await pushBase(registry.host, "library/fallback");
    const mirror = await startFaultyRegistry(({ response }) => {
      sendError(response, Number(fault), "NAME_UNKNOWN");
      return true;
    });
    if (fault === "down") await mirror.close();
    await copy(clientFor([mirror.host], registry.host).repository("fallback:v1"), "v1", new MemoryTarget(), "x");
    if (fault !== "down") await mirror.close();
    assert.ok(mirror.requests.length <= 3, mirror.requests.join());
  });
}

hosts("mirror-cut: what a mirror began the registry ends", async ({ registry }) => {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory, { layerBytes: [500_000] }), "v1");
  await copy(
    memory,
    "v1",
    new RegistryClient({ credentials: anonymous, env: {} }).repository(`${registry.host}/library/cut`),
    "v1",
  );
  const mirror = await startFaultyRegistry(({ kind, request, response, url }) => {
    if (kind !== "blob" || request.method !== "GET") return undefined;
    if (request.headers.range) return refuse(response, 500, "UNKNOWN");
    const blob = mirror.blobs.get(url.pathname.split("/").at(-1) ?? "");
    response.writeHead(200, { "Content-Length": blob?.length ?? 0 });
    response.write(blob?.subarray(0, 50), () => setTimeout(() => request.socket.resetAndDestroy(), 20));
    return true;
  });
  await copy(
    memory,
    "v1",
    new RegistryClient({ credentials: anonymous, env: {} }).repository(`${mirror.host}/library/cut`),
    "v1",
  );
  const pulled = new MemoryTarget();
  await copy(clientFor([mirror.host], registry.host).repository("cut:v1"), "v1", pulled, "x");
  await mirror.close();
  assert.is((await pulled.resolve("x")).digest, (await memory.resolve("v1")).digest);
});

hosts("the registry's credentials are never shown to a mirror", async ({ registry }) => {
  await pushBase(registry.host, "library/secret");
  const mirror = await startFaultyRegistry(({ response }) => {
    response.setHeader("WWW-Authenticate", 'Basic realm="give me"');
    sendError(response, 401, "UNAUTHORIZED");
    return true;
  });
  const conf = `[[registry]]\nprefix = "docker.io"\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
  const user = { type: "password", username: "u", password: "p" } as const;
  const credentials = staticCredentials({ "docker.io": user, [registry.host]: user });
  const client = new RegistryClient({ hosts: registriesConfHosts(writeConf(conf)), credentials, env: {} });
  await copy(client.repository("secret:v1"), "v1", new MemoryTarget(), "x");
  await mirror.close();
  assert.ok(mirror.headers.length > 0 && mirror.headers.every(({ authorization }) => authorization === undefined));
});

hosts("when all fail, the error has the registry's code and each place's reason", async ({ registry }) => {
  const down = `127.0.0.1:${await freePort()}`;
  const error = await clientFor([down], registry.host)
    .repository("no-such:v1")
    .resolve("v1")
    .catch((reason: RegistryError) => reason);
  assert.ok(error instanceof RegistryError);
  assert.is(error.code, "MANIFEST_UNKNOWN");
  assert.match(
    error.message,
    `docker.io/library/no-such: ${down}: HEAD http://${down}/v2/library/no-such/manifests/v1: connection refused; `,
  );
  assert.match(error.message, "404 MANIFEST_UNKNOWN");
});

hosts("a registry that is down is said so, with a hint", async () => {
  const down = `127.0.0.1:${await freePort()}`;
  const client = new RegistryClient({ credentials: anonymous, hosts: registriesConfHosts(), env: {} });
  const error = await client
    .repository(`${down}/x`)
    .resolve("v1")
    .catch((reason: RegistryError) => reason);
  assert.ok(error instanceof RegistryError);
  assert.equal([error.code, error.hint], ["REGISTRY_UNREACHABLE", "is the registry running, and is the port right"]);
});

hosts.run();
