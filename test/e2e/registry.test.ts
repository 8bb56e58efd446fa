import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pushBaseImage } from "../helpers/base-images.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { freePort } from "../helpers/free-port.ts";
import { inspectDigest } from "../helpers/peers.ts";
import { startRegistry } from "../helpers/registry.ts";
import { storeProblems, taggedDigest } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const registries = suite("e2e: registries");

const open = await startRegistry();
const locked = await startRegistry({ auth: { type: "htpasswd", username: "ann", password: "right:password" } });
const store = makeTempDir("store");

registries.before(() => pushBaseImage("busybox", `${open.host}/library/busybox:latest`));
registries.after(async () => {
  await open.close();
  await locked.close();
});

/** A docker config folder in which `docker login` has stored this password. */
function loggedIn(password: string): Record<string, string> {
  const config = makeTempDir("docker-config");
  const auth = Buffer.from(`ann:${password}`).toString("base64");
  writeFileSync(join(config, "config.json"), JSON.stringify({ auths: { [locked.host]: { auth } } }));
  return { DOCKER_CONFIG: config };
}

const app = (from: string) => makeContext({ Dockerfile: dockerfile(`FROM ${from}`, "RUN echo app > /app") });
const fromOpen = () => app(`${open.host}/library/busybox`);

registries("a base image is pulled, and the result is pushed under every tag", async () => {
  const tags = [`${open.host}/app:1`, `${open.host}/other/app:latest`];
  const flags = tags.flatMap((tag) => ["--tag", tag]);
  const { stdout } = await tsbuildOk(["build", "--quiet", "--push", "--store", store, ...flags, fromOpen()]);
  for (const tag of tags) assert.is(await inspectDigest(`docker://${tag}`), stdout.trim());
});

registries("docker login's credentials are used to push", async () => {
  const tag = `${locked.host}/private/app:1`;
  const args = ["build", "--push", "--store", store, "--tag", tag, fromOpen()];
  await tsbuildOk(args, { env: loggedIn("right:password") });
  assert.match(locked.requests().join("\n"), /PUT \/v2\/private\/app\/manifests\/1 201/);
});

registries("a wrong password is one error without the password, and nothing is pushed", async () => {
  const tag = `${locked.host}/private/wrong:1`;
  const args = ["build", "--push", "--store", store, "--tag", tag, fromOpen()];
  const { code, stderr } = await tsbuild(args, { env: loggedIn("wr0ng-secret") });
  assert.is(code, 1);
  assert.match(stderr, /^error: .*\[UNAUTHORIZED\]$/m);
  assert.match(stderr, /^hint: /m);
  assert.not.match(stderr, /wr0ng-secret/);
  assert.not.match(locked.requests().join("\n"), /PUT \/v2\/private\/wrong/);
});

registries("a registry that is down is one error at the FROM that needs it", async () => {
  const port = await freePort();
  const { code, stderr } = await tsbuild([
    "build",
    "--store",
    store,
    "--tag",
    "down:1",
    app(`127.0.0.1:${port}/app:1`),
  ]);
  assert.is(code, 1);
  assert.match(stderr, /^error: .*\[REGISTRY_UNREACHABLE\]$/m);
  assert.match(stderr, /┌─ Dockerfile:1:6\n/);
  assert.equal(storeProblems(store), []);
});

registries("a registry that is down when the image is pushed leaves the tag as it was", async () => {
  const tag = `127.0.0.1:${await freePort()}/app:1`;
  const { code, stderr } = await tsbuild(["build", "--push", "--store", store, "--tag", tag, fromOpen()]);
  assert.is(code, 1);
  assert.match(stderr, /^error: .*\[REGISTRY_UNREACHABLE\]$/m);
  assert.is(taggedDigest(store, tag), undefined);
});

registries("a base image that the registry does not have is one error at its FROM", async () => {
  const { code, stderr } = await tsbuild([
    "build",
    "--store",
    store,
    "--tag",
    "missing:1",
    app(`${open.host}/no/such:tag`),
  ]);
  assert.is(code, 1);
  assert.match(stderr, /^error: .*\[BASE_IMAGE_NOT_FOUND\]$/m);
  assert.match(stderr, /┌─ Dockerfile:1:6\n/);
});

registries("FROM busybox comes from the mirror that registries.conf names", async () => {
  const conf = join(makeTempDir("conf"), "registries.conf");
  const mirror = ["[[registry.mirror]]", `location = "${open.host}"`, "insecure = true"];
  writeFileSync(conf, ["[[registry]]", 'location = "docker.io"', ...mirror, ""].join("\n"));
  const env = { CONTAINERS_REGISTRIES_CONF: conf };
  await tsbuildOk(["build", "--store", makeTempDir("store"), "--tag", "mirrored:1", app("busybox")], { env });
});

registries.run();
