import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatByteSize } from "../../builder/byte-size.ts";

const test = suite("sizes in bytes");

const TEXTS: readonly (readonly [number, string])[] = [
  [0, "0 bytes"],
  [1, "1 byte"],
  [2, "2 bytes"],
  [1024, "1 KiB"],
  [1.5 * 1024 ** 3, "1.5 GiB"],
];

for (const [bytes, text] of TEXTS) {
  test(`${bytes} is told as ${text}`, () => assert.is(formatByteSize(bytes), text));
}

test.run();
