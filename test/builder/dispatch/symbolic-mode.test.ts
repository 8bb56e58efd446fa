import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSymbolicMode } from "../../../builder/dispatch/symbolic-mode.ts";

const test = suite("symbolic modes");

const set = (bits: number) => ({ op: "set", bits });
const clear = (bits: number) => ({ op: "clear", bits });
const executable = (bits: number) => ({ op: "set-if-executable", bits });
const copied = (op: string, shift: number, bits: number) => ({ op, shift, bits });

for (const [text, expected] of [
  ["+x", [set(0o111)]],
  ["u+x", [set(0o100)]],
  ["a-w", [clear(0o222)]],
  ["go=", [clear(0o2077), set(0)]],
  ["=r", [clear(0o6777), set(0o444)]],
  ["u=rwX,go=rX", [clear(0o4700), set(0o600), executable(0o100), clear(0o2077), set(0o044), executable(0o011)]],
  ["g=X", [clear(0o2070), set(0), executable(0o010)]],
  ["a+X", [executable(0o111)]],
  ["a-X", [clear(0o111)]],
  ["u+s", [set(0o4000)]],
  ["g+s", [set(0o2000)]],
  ["+s", [set(0o6000)]],
  ["o+s", []],
  ["+t", [set(0o1000)]],
  ["a+t", [set(0o1000)]],
  ["o+t", []],
  ["u-x+w", [clear(0o100), set(0o200)]],
  ["g=u", [copied("copy", 6, 0o070)]],
  ["go=u-w", [copied("copy", 6, 0o077), clear(0o022)]],
  ["o+g", [copied("copy-set", 3, 0o007)]],
  ["ug-o", [copied("copy-clear", 0, 0o770)]],
  ["+u", [copied("copy-set", 6, 0o777)]],
] as const) {
  test(`${text} is read as chmod(1) reads it`, () => {
    assert.equal(parseSymbolicMode(text), expected);
  });
}

for (const text of ["", "u", "rwx", "x+", "u+q", "u+x,", ",u+x", "u +x", "8", "u=rwx;g=r", "+x\n"]) {
  test(`${JSON.stringify(text)} is no mode`, () => {
    assert.is(parseSymbolicMode(text), undefined);
  });
}

test.run();
