import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PersistentMap } from "../../../builder/dispatch/persistent-map.ts";

const test = suite("persistent map");
const rows = (map: PersistentMap<string>) => [...map].map(([name, value]) => `${name}=${value}`).join(" ");

test("setting a name gives another map, and leaves this one", () => {
  const first = new PersistentMap<string>([["a", "1"]]);
  const second = first.with("b", "2");
  const third = second.with("a", "3");
  assert.equal([rows(first), rows(second), rows(third)], ["a=1", "a=1 b=2", "a=3 b=2"]);
  assert.equal([first.size, first.has("b"), second.get("a"), third.get("a")], [1, false, "1", "3"]);
});

test("maps that go different ways from one stay apart, in whatever order they are read", () => {
  const base = new PersistentMap<string>([["a", "0"]]).with("b", "0");
  const left = base.with("c", "1").with("a", "1");
  const right = base.with("d", "2").with("b", "2");
  for (let round = 0; round < 2; round++) {
    assert.is(rows(left), "a=1 b=0 c=1");
    assert.is(rows(right), "a=0 b=2 d=2");
    assert.is(rows(base), "a=0 b=0");
  }
});

test("a loop over a map may make new ones of it", () => {
  let next = new PersistentMap<string>([
    ["a", "1"],
    ["b", "2"],
  ]);
  for (const [name, value] of next) next = next.with(`${name}${name}`, value);
  assert.is(rows(next), "a=1 b=2 aa=1 bb=2");
});

test("it agrees with copies, whatever is done", () => {
  const versions: (readonly [PersistentMap<string>, ReadonlyMap<string, string>])[] = [
    [new PersistentMap(), new Map()],
  ];
  for (let step = 0; step < 500; step++) {
    const [map, copy] = versions[(step * 7919) % versions.length] ?? [new PersistentMap<string>(), new Map()];
    const [name, value] = [`n${(step * 31) % 17}`, `${step}`];
    versions.push([map.with(name, value), new Map([...copy, [name, value]])]);
  }
  for (const [map, copy] of versions) assert.equal([...map], [...copy]);
});

test.run();
