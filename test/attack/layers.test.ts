import * as assert from "uvu/assert";
import { gnuLong, member, pax, type RawMember, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("layers of base images");
const { bait } = attacks.host;
const UP = "../".repeat(16);

const link = (name: string, target: string): RawMember => ({ name, type: "2", link: target });
const hard = (name: string, target: string): RawMember => ({ name, type: "1", link: target });
const file = (name: string, more: Partial<RawMember> = {}): RawMember => ({ name, data: "x", ...more });

type Layers = readonly (readonly (RawMember | Uint8Array)[])[];

/** Applied, and inside the root. */
const CONTAINED: Readonly<Record<string, Layers>> = {
  "absolute names": [[file(`${bait}/absolute`), file("//etc//absolute")]],
  "a file through a link of the same layer": [[link("l", bait), file("l/through")]],
  "a file through a link of the layer below": [[link("l", bait)], [file("l/through")]],
  "a file through a link that climbs": [[link("l", `${UP}${bait.slice(1)}`)], [file("l/through")]],
  "a file over a link": [[link("l", `${bait}/file`)], [file("l")]],
  "a whiteout through a link": [[link("l", bait)], [file("l/.wh.file"), file("l/.wh..wh..opq")]],
  "an opaque root": [[file(".wh..wh..opq"), { name: "bin", type: "5", mode: 0o755 }]],
  "whiteouts of AUFS": [[file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs")]],
  "attributes of overlayfs": [
    [
      pax({ "SCHILY.xattr.trusted.overlay.redirect": `/../../..${bait}`, "SCHILY.xattr.user.overlay.redirect": bait }),
      { name: "d", type: "5", mode: 0o755 },
      pax({ "SCHILY.xattr.trusted.overlay.metacopy": "", "SCHILY.xattr.user.overlay.metacopy": "" }),
      file("f"),
      pax({ "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.overlay.opaque": "y" }),
      { name: "etc", type: "5", mode: 0o755 },
    ],
  ],
  "a whiteout device": [[{ name: "etc/passwd", type: "3", device: [0, 0], mode: 0 }]],
  "one name many times": [[file("d"), { name: "d", type: "5", mode: 0o755 }, link("d", bait), file("d/f"), file("d")]],
  "a link to itself on the way": [[link("etc/loop", "loop")], [file("etc/loop2/x"), link("etc/loop2", "loop2")]],
};

/** Refused as a whole. */
const REFUSED: Readonly<Record<string, readonly [layers: Layers, code: string]>> = {
  "names that climb": [[[file(`${UP}${bait.slice(1)}/climbed`)]], "LAYER_UNSAFE_PATH"],
  "names that climb from a directory": [[[file(`etc/${UP}${bait.slice(1)}/climbed`)]], "LAYER_UNSAFE_PATH"],
  "a hard link to a file of the machine": [[[hard("h", `${bait}/file`)]], "LAYER_CORRUPT"],
  "a hard link that climbs": [[[hard("h", `${UP}${bait.slice(1)}/file`)]], "LAYER_UNSAFE_PATH"],
  "a hard link through a link": [[[link("l", bait), hard("h", "l/file"), file("h")]], "LAYER_CORRUPT"],
  "a whiteout that climbs": [[[file(".wh..."), file("etc/.wh.")]], "LAYER_UNSAFE_PATH"],
  "a name of 5,000 bytes": [[[gnuLong("L", "n/".repeat(2500)), file("n")]], "LAYER_UNSAFE_PATH"],
};

async function imageOf(layers: Layers): Promise<string> {
  const bytes = (item: RawMember | Uint8Array) => (item instanceof Uint8Array ? item : member(item));
  return await hostileImage({ layers: layers.map((members) => tar(...members.map(bytes))) });
}

const contained = await Promise.all(
  Object.entries(CONTAINED).map(async ([what, layers]) => [what, await imageOf(layers)] as const),
);

attacks.add(
  `applied inside the root: ${Object.keys(CONTAINED).join(", ")}`,
  {
    images: Object.fromEntries(contained.map(([, image], index) => [`evil${index}`, image])),
    dockerfile: [
      ...contained.flatMap((_, index) => [
        `FROM evil${index} AS s${index}`,
        "COPY --from=busybox /bin/busybox /busybox",
        `RUN ["/busybox", "sh", "-c", "/busybox cat ${bait}/file /l/file /d/file; echo x > /marker${index}"]`,
      ]),
      "FROM scratch",
      ...contained.map((_, index) => `COPY --from=s${index} /marker${index} /`),
    ],
  },
  ({ code, stderr }) => assert.is(code, 0, stderr),
);

for (const [what, [layers, code]] of Object.entries(REFUSED)) {
  attacks.add(
    `refused: ${what}`,
    async () => ({ images: { evil: await imageOf(layers) }, dockerfile: ["FROM evil", "RUN true"] }),
    ({ code: ended, stderr }) => {
      assert.is(ended, 1);
      assert.match(stderr, new RegExp(`^error: .*\\[${code}\\]$`, "m"));
      assert.ok(stderr.length < 20_000, "a message of bounded length");
    },
  );
}

const honest = tar(member({ name: "f", data: "honest" }));
const FORGED = {
  "a blob that is not what its digest says": await hostileImage({
    layers: [honest],
    forge: ({ layers }) => {
      const [first, last] = [layers[0], layers.at(-1)];
      if (first !== undefined && last !== undefined) last.digest = first.digest;
    },
  }),
  "a digest that is a path": await hostileImage({
    layers: [honest],
    forge: ({ layers }) => {
      const last = layers.at(-1);
      if (last !== undefined) last.digest = `sha256:../../../../../../../..${bait}/file`;
    },
  }),
  "a size that is not the blob's": await hostileImage({
    layers: [honest],
    forge: ({ layers }) => {
      const last = layers.at(-1);
      if (last !== undefined) last.size = 1 << 30;
    },
  }),
  "a foreign layer": await hostileImage({
    layers: [honest],
    forge: ({ layers }) => {
      const last = layers.at(-1);
      if (last !== undefined) last.mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    },
  }),
  "a config that is no config": await hostileImage({
    layers: [honest],
    forge: ({ config, layers }) => Object.assign(config, layers[0]),
  }),
};

for (const [what, image] of Object.entries(FORGED)) {
  attacks.add(
    what,
    { images: { evil: image }, dockerfile: ["FROM evil", "RUN cat /f"] },
    ({ code, stderr, printed }) => {
      if (what === "a foreign layer" && code === 0) return assert.equal(printed, ["honest"]);
      assert.is(code, 1);
      assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
    },
  );
}

attacks.add(
  "an image config cannot reach out: user, directory, environment, triggers",
  async () => ({
    images: {
      evil: await hostileImage({
        layers: [],
        config: {
          User: "../../etc/passwd",
          WorkingDir: `${UP}${bait}`,
          Env: ["A\u0000B=c", "LD_PRELOAD=/x", "=x", "PATH"],
          OnBuild: ["FROM scratch", "MAINTAINER x", "ONBUILD RUN true"],
          Volumes: { "/../../etc": {} },
        },
      }),
    },
    dockerfile: ["FROM evil", "RUN true"],
  }),
  ({ code, stderr }) => {
    assert.is(code, 1);
    assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
  },
);

attacks.run();
