import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuild } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { REFUSED_CASES, type RefusedCase } from "./parity/refused-cases.ts";

// What BuildKit refuses is refused in its words, with a code, and at the word at fault.

const AT_ONCE = 3;

const refusals = suite("e2e: refusals");
const store = makeTempDir("store");
const reports = new Map<RefusedCase, { readonly code: number; readonly stderr: string }>();

refusals.before(async () => {
  const busybox = await busyboxFlags();
  const waiting = REFUSED_CASES.values();
  const work = async () => {
    for (const one of waiting) {
      const context = makeContext({ Dockerfile: dockerfile(...one.dockerfile) });
      reports.set(one, await tsbuild(["build", "--store", store, ...busybox, ...(one.flags ?? []), context]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});

for (const one of REFUSED_CASES) {
  refusals(`${one.text} (${one.dockerfile.at(-1)})`, () => {
    const { code, stderr } = reports.get(one) ?? { code: -1, stderr: "not built" };
    const error = stderr.split("\n").find((line) => line.startsWith("error: ")) ?? stderr;
    assert.is(code, 1, stderr);
    assert.ok(error.includes(one.text), error);
    assert.is(/\[([A-Z_]+)\]$/.exec(error)?.[1], one.code);
    assert.is(/Dockerfile:(\d+:\d+)$/m.exec(stderr)?.[1], one.place, stderr);
  });
}

refusals.run();
