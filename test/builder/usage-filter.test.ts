import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type UsageRecord } from "../../builder/index.ts";
import { parseUsageFilters } from "../../builder/usage-filter.ts";

const test = suite("filters of du and prune");

const NOW = Date.parse("2026-03-02T12:00:00Z");
const RECORD: UsageRecord = {
  id: "abc123def4",
  type: "regular",
  description: "[2/4] RUN npm ci",
  parents: ["zyx987wvu6"],
  sizeBytes: 1,
  createdAt: "2026-03-01T00:00:00.000Z",
  lastUsedAt: "2026-03-01T12:00:00.000Z",
  inUse: false,
  shared: true,
  mutable: false,
  reclaimable: true,
};

const MATCHING: readonly (readonly string[])[] = [
  [],
  ["type=regular"],
  ["type!=image"],
  ["type==regular"],
  ["id=abc"],
  ["id=^abc.*4$"],
  ["id~=f4$"],
  ["description~=npm"],
  ["description=[2/4] RUN npm ci"],
  ["parent=zyx987wvu6"],
  ["parents=zyx987wvu6"],
  ["shared"],
  ["shared=true"],
  ["private=false"],
  ["inuse=0"],
  ["inuse!=true"],
  ["immutable"],
  ["until=24h"],
  ["until=1h30m"],
  ["unused-for=23h"],
  ["until=2026-03-01T12:00:00Z"],
  ["until=2026-03-02"],
  [`until=${NOW / 1000}`],
  ["TYPE=regular", "shared", "until=1h"],
];

for (const filters of MATCHING) {
  test(`${JSON.stringify(filters)} means the record`, () => assert.ok(parseUsageFilters(filters)(RECORD, NOW)));
}

const OTHERS: readonly (readonly string[])[] = [
  ["type=image"],
  ["type!=regular"],
  ["id=xyz"],
  ["description=npm"],
  ["inuse"],
  ["private"],
  ["mutable=true"],
  ["name"],
  ["until=25h"],
  ["until=2026-03-01"],
  ["type=regular", "inuse"],
];

for (const filters of OTHERS) {
  test(`${JSON.stringify(filters)} does not mean the record`, () => {
    assert.not(parseUsageFilters(filters)(RECORD, NOW));
  });
}

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [["typ=regular"], /unknown field "typ"/],
  [[""], /unknown field ""/],
  [["type=a", "type=b"], /filters expect only one value/],
  [["until=1h", "unused-for=2h"], /filters expect only one value/],
  [["until"], /not a duration and not a time/],
  [["until=yesterday"], /not a duration and not a time/],
  [["until!=24h"], /not a duration and not a time/],
  [["shared=perhaps"], /it is true or false/],
  [["id=("], /Invalid regular expression/],
];

for (const [filters, message] of REFUSED) {
  test(`${JSON.stringify(filters)} is refused`, () => {
    assert.throws(
      () => parseUsageFilters(filters),
      (error: unknown) => error instanceof BuildError && error.code === "INVALID_FILTER" && message.test(error.message),
    );
  });
}

test.run();
