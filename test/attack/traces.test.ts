import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { type Attacker, Attacks } from "./rig.ts";

const attacks = new Attacks("secrets and traces");

const TOKEN = `token-${"0123456789abcdef".repeat(2)}`;

attacks.each("a secret is in no layer, record, message or log of tsbuild's own", async (attacker) => {
  const { code, stderr } = await attacker.build({
    env: { BAIT_TOKEN: TOKEN },
    flags: ["--secret", "id=t,env=BAIT_TOKEN"],
    dockerfile: [
      "FROM busybox",
      "RUN --mount=type=secret,id=t test -s /run/secrets/t",
      'RUN --mount=type=secret,id=t,env=T test -n "$T"',
      "RUN --mount=type=secret,id=t,target=/etc/t,mode=0444 --mount=type=cache,target=/c --mount=type=tmpfs,target=/tmp/x test -s /etc/t",
      "RUN --mount=type=secret,id=t,target=/etc/t,uid=1000 ! touch /etc/t 2> /dev/null; ! chmod 777 /etc/t 2> /dev/null; ! rm /etc/t 2> /dev/null; exit 7",
    ],
  });
  assert.is(code, 7, stderr);
  assert.not.ok(stderr.includes(TOKEN), stderr);
  assert.equal(filesOfStore(attacker, TOKEN), []);
});

attacks.each("steps that change nothing leave nothing: no mount point, no time, no file", async (attacker) => {
  const { code, stderr } = await attacker.build({
    flags: ["--secret", "id=s,src=/etc/hostname", "--tag", "traces"],
    dockerfile: [
      "FROM busybox",
      "RUN --mount=type=secret,id=s --mount=type=cache,target=/etc/cache --mount=type=tmpfs,target=/a/b/c --mount=target=/ctx true",
      "RUN --mount=type=bind,target=/etc/deep/er true; ls -d /etc/deep && false || true",
    ],
  });
  assert.is(code, 0, stderr);
  const index = JSON.parse(readFileSync(join(attacker.store, "index.json"), "utf8"));
  const blob = (digest: string) => readFileSync(join(attacker.store, "blobs/sha256", digest.slice(7)));
  const manifest = JSON.parse(blob(index.manifests.at(-1).digest).toString());
  // The empty layers are left out: what remains is the base image's.
  assert.is(manifest.layers.length, 1, JSON.stringify(manifest));
});

attacks.add(
  "variables of the builder are not the step's",
  {
    env: { AWS_SECRET_ACCESS_KEY: TOKEN, LD_PRELOAD_X: TOKEN, DOCKER_AUTH: TOKEN },
    dockerfile: ["FROM busybox", "RUN env; cat /proc/*/environ 2> /dev/null | tr '\\0' '\\n'"],
  },
  ({ code, stderr }) => {
    assert.is(code, 0, stderr);
    assert.not.ok(stderr.includes(TOKEN), stderr);
  },
);

/** Blobs that are gzip are looked into. */
function filesOfStore({ store }: Attacker, text: string): readonly string[] {
  if (!existsSync(store)) return [];
  return readdirSync(store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).includes(text);
    });
}

attacks.run();
