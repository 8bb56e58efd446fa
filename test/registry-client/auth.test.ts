import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Credential,
  copy,
  dockerConfigCredentials,
  MemoryTarget,
  RegistryClient,
  RegistryError,
  systemCredentials,
} from "../../registry-client/index.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { startTokenServer, type TokenServer } from "../helpers/token-server.ts";
import { pushRandomImage } from "./images.ts";

interface Context {
  htpasswd: TestRegistry;
  tokens: TokenServer;
  token: TestRegistry;
}

const auth = suite<Context>("authentication");
const user = { username: "user", password: "pass:word" };

auth.before(async (context) => {
  context.htpasswd = await startRegistry({ auth: { type: "htpasswd", ...user } });
  const certificates = await makeCertificates(makeTempDir("certificates"));
  context.tokens = await startTokenServer({ certificates, ...user });
  const { realm, service, issuer } = context.tokens;
  context.token = await startRegistry({
    auth: { type: "token", realm, service, issuer, certPath: certificates.certPath },
  });
});

auth.after(async ({ htpasswd, tokens, token }) => {
  await Promise.all([htpasswd.close(), tokens.close(), token.close()]);
});

/** A client that finds these in the config.json that `docker login` writes. */
function clientWith(auths: object): RegistryClient {
  const folder = makeTempDir("docker-config");
  writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
  return new RegistryClient({ env: { DOCKER_CONFIG: folder, HOME: folder } });
}

const encoded = (username: string, password: string) => ({
  auth: Buffer.from(`${username}:${password}`).toString("base64"),
});

async function push(client: RegistryClient, host: string, name = "app"): Promise<RegistryError | undefined> {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory), "v1");
  return copy(memory, "v1", client.repository(`${host}/${name}`), "v1").then(
    () => undefined,
    (error) => error,
  );
}

for (const kind of ["htpasswd", "token"] as const) {
  auth(`${kind}: the user of docker login pushes and pulls`, async (context) => {
    const { host } = context[kind];
    const client = clientWith({ [host]: encoded(user.username, user.password) });
    assert.is(await push(client, host), undefined);
    const pulled = new MemoryTarget();
    await copy(client.repository(`${host}/app`), "v1", pulled, "v1");
  });

  auth(`${kind}: a wrong password is refused, and said so without showing it`, async (context) => {
    const { host } = context[kind];
    const error = await push(clientWith({ [host]: encoded("user", "wr0ng") }), host);
    assert.is(error?.code, "UNAUTHORIZED");
    assert.match(error?.hint ?? "", `credentials were refused by ${host}`);
    assert.not.match(JSON.stringify(error) + error?.message, "wr0ng");
  });

  auth(`${kind}: without credentials the want of them is named`, async (context) => {
    const { host } = context[kind];
    const error = await push(clientWith({}), host);
    assert.is(error?.code, "UNAUTHORIZED");
    assert.match(error?.hint ?? "", `no credentials found for host ${host}`);
  });
}

auth("token: a push of many blobs asks for one token", async ({ token, tokens }) => {
  const client = clientWith({ [token.host]: encoded(user.username, user.password) });
  assert.is(await push(client, token.host, "one-token"), undefined);
  // A request of a push that failed before may still come in.
  const scopes = tokens.requests.map((query) => query.getAll("scope"));
  const asked = scopes.filter((scope) => scope.some((text) => text.startsWith("repository:one-token:")));
  assert.equal(asked, [["repository:one-token:pull,push"]]);
});

auth("token: a mount asks for the right to pull from the other repository", async ({ token, tokens }) => {
  const client = clientWith({ [token.host]: encoded(user.username, user.password) });
  assert.is(await push(client, token.host, "mount-from"), undefined);
  const mounted: string[] = [];
  await copy(client.repository(`${token.host}/mount-from`), "v1", client.repository(`${token.host}/mount-to`), "v1", {
    onProgress: ({ state, descriptor }) => void (state === "mounted" && mounted.push(descriptor.digest)),
  });
  assert.is(mounted.length, 2);
  assert.ok(tokens.requests.some((query) => query.getAll("scope").includes("repository:mount-from:pull")));
});

const password = (username: string, secret: string): Credential => ({ type: "password", username, password: secret });

const configs: readonly (readonly [string, object, string, Credential | string | undefined])[] = [
  ["a plain entry", { auths: { "ghcr.io": encoded("u", "p:q") } }, "ghcr.io/a/b", password("u", "p:q")],
  [
    "an entry with a scheme",
    { auths: { "https://ghcr.io/v1/": encoded("u", "p") } },
    "ghcr.io/a/b",
    password("u", "p"),
  ],
  [
    "Docker Hub's key",
    { auths: { "https://index.docker.io/v1/": encoded("u", "p") } },
    "docker.io/library/x",
    password("u", "p"),
  ],
  [
    "podman's key for Docker Hub",
    { auths: { "docker.io": encoded("u", "p") } },
    "docker.io/library/x",
    password("u", "p"),
  ],
  [
    "the longest of podman's keys",
    {
      auths: {
        "r.io": encoded("a", "a"),
        "r.io/ns": encoded("b", "b"),
        "r.io/ns/repo": encoded("c", "c"),
        "r.io/n": encoded("d", "d"),
      },
    },
    "r.io/ns/repo/x",
    password("c", "c"),
  ],
  ["another registry's entry", { auths: { "r.io": encoded("u", "p") } }, "r.io.evil.com/x", undefined],
  [
    "an identity token",
    { auths: { "r.io": { auth: "", identitytoken: "t" } } },
    "r.io/x",
    { type: "identity-token", token: "t" },
  ],
  ["a registry token", { auths: { "r.io": { registrytoken: "t" } } }, "r.io/x", { type: "registry-token", token: "t" }],
  ["a password padded with NULs", { auths: { "r.io": encoded("u", "p\0\0") } }, "r.io/x", password("u", "p")],
  ["an entry without a colon", { auths: { "r.io": { auth: "abcd" } } }, "r.io/x", "INVALID_CONFIG"],
  ["an empty entry", { auths: { "r.io": {} } }, "r.io/x", undefined],
  ["no object", [], "r.io/x", "INVALID_CONFIG"],
  ["a helper that is a path", { credHelpers: { "r.io": "../../bin/sh" } }, "r.io/x", "CREDENTIALS_FAILED"],
];

for (const [name, config, reference, expected] of configs) {
  auth(`config.json, ${name}: ${typeof expected === "object" ? expected.type : (expected ?? "none")}`, async () => {
    const path = join(makeTempDir("config"), "config.json");
    writeFileSync(path, JSON.stringify(config));
    const slash = reference.indexOf("/");
    const scope = { registry: reference.slice(0, slash), repository: reference.slice(slash + 1) };
    const found = await dockerConfigCredentials(path)
      .get(scope)
      .catch((error: RegistryError) => error.code);
    assert.equal(found, expected);
  });
}

auth("a broken config.json is reported without a piece of it", async () => {
  const path = join(makeTempDir("config"), "config.json");
  writeFileSync(path, '{"auths": {"r.io": {"auth": "c2VjcmV0" ');
  const error = await dockerConfigCredentials(path)
    .get({ registry: "r.io", repository: "x" })
    .catch((reason: RegistryError) => reason);
  assert.ok(error instanceof RegistryError);
  assert.is(error.message, `${path} is no JSON object`);
});

auth("credentials are looked for in Docker's place and then in podman's", async () => {
  const home = makeTempDir("home");
  const write = (path: string, registry: string) => {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), JSON.stringify({ auths: { [registry]: encoded(path, "p") } }));
  };
  for (const [path, registry] of [
    [".docker/config.json", "a.io"],
    ["auth-file.json", "b.io"],
    ["run/containers/auth.json", "c.io"],
    [".config/containers/auth.json", "d.io"],
  ] as const) {
    write(path, registry);
  }
  const env = { HOME: home, REGISTRY_AUTH_FILE: join(home, "auth-file.json"), XDG_RUNTIME_DIR: join(home, "run") };
  const store = systemCredentials(env);
  for (const registry of ["a.io", "b.io", "c.io", "d.io"])
    assert.ok(await store.get({ registry, repository: "x" }), registry);
  assert.is(await store.get({ registry: "e.io", repository: "x" }), undefined);
});

auth.run();
