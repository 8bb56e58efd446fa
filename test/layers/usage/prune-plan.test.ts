import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { PrunePolicy } from "../../../layers/index.ts";
import type { StoreContents } from "../../../layers/usage/list-things.ts";
import { planPrune } from "../../../layers/usage/prune-plan.ts";
import type { StoredBlob } from "../../../layers/usage/stored-images.ts";
import type { StoredThing } from "../../../layers/usage/stored-thing.ts";
import type { Digest } from "../../../registry-client/index.ts";
import type { TreeUsage } from "../../../runtime-core/index.ts";

const test = suite("what a prune removes");

const HOUR = 3_600_000;
const NOW = 100 * HOUR;

/** Things of 100 bytes: `age` in hours. */
function thing(id: string, age: number, rest: Partial<StoredThing> = {}): StoredThing {
  return {
    id,
    type: "regular",
    description: id,
    parents: [],
    trees: [`/${id}`],
    blobs: [],
    references: [],
    isInUse: false,
    isShared: false,
    isListed: false,
    isMutable: false,
    createdMs: 0,
    usedMs: NOW - age * HOUR,
    ...rest,
  };
}

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

interface Given {
  readonly blobs?: readonly Digest[];
  readonly usedBlobs?: readonly Digest[];
  readonly linked?: Readonly<Record<string, string>>;
  readonly freeBytes?: number;
}

function plan(things: readonly StoredThing[], policy: PrunePolicy, given: Given = {}) {
  const blobs = new Map(
    (given.blobs ?? []).map((name): [Digest, StoredBlob] => [
      name,
      { digest: name, path: "", bytes: 10, size: 10, createdMs: 0, usedMs: 0 },
    ]),
  );
  const contents: StoreContents = { things, blobs, usedBlobs: given.usedBlobs ?? [], staleReferences: [] };
  const sizes = new Map(
    things
      .flatMap(({ trees }) => trees)
      .map((path): [string, TreeUsage] => {
        const inode = given.linked?.[path];
        return [path, { ownBytes: 100, linked: inode === undefined ? [] : [{ inode, bytes: 1000 }] }];
      }),
  );
  return planPrune(contents, policy, { sizes, nowMs: NOW, freeBytes: given.freeBytes ?? 1000 });
}

function removed(things: readonly StoredThing[], policy: PrunePolicy, given: Given = {}): readonly string[] {
  return plan(things, policy, given).removals.map((removal) => removal.thing.id);
}

test("what stands on another goes before it, whatever was used when", () => {
  const things = [
    thing("base", 9),
    thing("middle", 1, { parents: ["base"] }),
    thing("top", 5, { parents: ["middle"] }),
  ];
  assert.equal(removed(things, {}), ["top", "middle", "base"]);
});

test("what is in use stays with all that it stands on", () => {
  const things = [
    thing("base", 9),
    thing("used", 9, { parents: ["base"], isInUse: true }),
    thing("other", 9, { parents: ["base"] }),
  ];
  assert.equal(removed(things, { all: true }), ["other"]);
});

test("what an image is made of goes only with all, and an image that is listed never", () => {
  const image = thing("image", 9, { type: "image", trees: [], blobs: [digest("a")], isListed: true });
  const things = [image, thing("shared", 9, { blobs: [digest("a")], isShared: true }), thing("private", 9)];
  assert.equal(removed(things, {}), ["private"]);
  assert.equal(removed(things, { all: true }).slice().sort(), ["private", "shared"]);
});

test("a blob goes with the last that needs it, and one in use stays", () => {
  const [a, b] = [digest("a"), digest("b")];
  const things = [thing("one", 9, { blobs: [a, b] }), thing("two", 5, { blobs: [a] })];
  const { removals } = plan(things, {}, { blobs: [a, b], usedBlobs: [b] });
  assert.equal(
    removals.map(({ blobs }) => blobs),
    [[], [a]],
  );
});

test("what was used within the duration stays, and what it stands on", () => {
  const things = [thing("old", 30), thing("base", 30), thing("young", 1, { parents: ["base"] })];
  assert.equal(removed(things, { keepDurationMs: 24 * HOUR }), ["old"]);
});

test("with a bound the least recently used goes first, until the bound is met", () => {
  const things = [thing("a", 1), thing("b", 3), thing("c", 2), thing("d", 4)];
  assert.equal(removed(things, { maxUsedBytes: 250 }), ["d", "b"]);
  assert.equal(removed(things, { maxUsedBytes: 400 }), []);
  assert.equal(removed(things, { reservedBytes: 300 }), ["d"]);
  assert.equal(removed(things, { maxUsedBytes: 100, reservedBytes: 300 }), ["d"]);
});

test("what is used often outweighs what was used a little later", () => {
  const things = [thing("often", 3, { useCount: 9 }), thing("once", 2), thing("never", 1)];
  assert.equal(removed(things, { maxUsedBytes: 200 }), ["once"]);
});

test("a bound counts only what the policy may remove", () => {
  const things = [thing("shared", 9, { isShared: true }), thing("a", 2), thing("b", 1)];
  assert.equal(removed(things, { maxUsedBytes: 200 }), []);
  assert.equal(removed(things, { maxUsedBytes: 200, all: true }), ["shared"]);
});

test("free space that is there already removes nothing, and what lacks is removed", () => {
  const things = [thing("a", 1), thing("b", 3), thing("c", 2)];
  assert.equal(removed(things, { minFreeBytes: 1000 }), []);
  assert.equal(removed(things, { minFreeBytes: 1150 }), ["b", "c"]);
  assert.equal(removed(things, { minFreeBytes: 1150, reservedBytes: 200 }), ["b"]);
});

test("a filter chooses", () => {
  const things = [thing("a", 1), thing("cache", 3, { type: "exec.cachemount" })];
  assert.equal(removed(things, { filter: ({ type }) => type === "exec.cachemount" }), ["cache"]);
});

test("files with several names count once, and are freed with the last", () => {
  const things = [thing("a", 2), thing("b", 1)];
  const both = plan(things, {}, { linked: { "/a": "7", "/b": "7" } });
  assert.equal([both.freedBytes, both.leftBytes], [1200, 0]);
  const one = plan(things, { filter: ({ id }) => id === "a" }, { linked: { "/a": "7", "/b": "7" } });
  assert.equal([one.freedBytes, one.leftBytes], [100, 1100]);
});

test.run();
