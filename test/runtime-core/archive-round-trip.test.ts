import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import type { Compression } from "../../runtime-core/index.ts";
import { apply, describeTree, makeTree, pack } from "./archive-fixture.ts";
import { ODD_TREE } from "./archive-odd-tree.ts";

const suite = createSuite("layers: pack, apply, pack again");
const odd = makeTree(ODD_TREE);

const COMPRESSIONS: readonly Compression[] = [
  { type: "none" },
  { type: "gzip" },
  { type: "gzip", level: 1 },
  { type: "zstd" },
  { type: "zstd", level: 7 },
];

for (const compression of COMPRESSIONS) {
  const name = `${compression.type} ${compression.level ?? ""}`.trim();

  suite(`every odd entry survives ${name}`, async () => {
    const layer = await pack(odd, { compression });
    const applied = await apply(layer);
    assert.equal(describeTree(applied.path), describeTree(odd));
    assert.is(applied.diffId, layer.diffId);
    assert.is(applied.entries, layer.entries);
    assert.is(applied.tarSizeBytes, layer.tarSizeBytes);
    assert.is((await pack(applied.path, { compression })).digest, layer.digest);
  });

  suite(`${name} gives the same bytes with 1, 2, 3 and 8 threads`, async () => {
    const layers = [];
    for (const threads of [1, 2, 3, 8]) layers.push(await pack(odd, { compression, threads }));
    const [first, ...others] = layers.map((layer) => readFileSync(layer.path));
    for (const other of others) assert.ok(first?.equals(other));
  });
}

suite("user.* attributes are kept when asked for", async () => {
  const tree = makeTree(
    "mkdir d; echo >f; setfattr -n user.note -v hi f; setfattr -n user.dir -v there d; touch -d @9 f d",
  );
  const layer = await pack(tree, { userXattrs: true });
  assert.equal(describeTree((await apply(layer)).path), describeTree(tree));
  const without = await apply(await pack(tree));
  assert.not.match(describeTree(without.path).join(), /user\./);
});

suite("sockets are left out", async () => {
  const tree = makeTree("echo x >file");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(tree, "socket"), resolve));
  const layer = await pack(tree);
  await new Promise((resolve) => server.close(resolve));
  assert.is(layer.entries, 1);
});

suite("a bigger tree is the same after a round trip, in either compression", async () => {
  const tree = makeTree("cp -a /etc /usr/share/zoneinfo .");
  for (const type of ["gzip", "zstd"] as const) {
    const layer = await pack(tree, { compression: { type } });
    const applied = await apply(layer);
    assert.equal(describeTree(applied.path), describeTree(tree));
    assert.is((await pack(applied.path, { compression: { type }, threads: 1 })).digest, layer.digest);
  }
});

suite.run();
