import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("what is shown");

const ESC = "\u001b";
/** Clears the screen, sets the title, moves up, hides text, and reorders it. */
const EVIL = `${ESC}[2J${ESC}]0;evil${"\u0007"}${ESC}[1A${ESC}[8m\u202e`;
/** Control characters but newline and tab, and those that reorder text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

attacks.add(
  "text of the Dockerfile is shown, not sent to the terminal",
  {
    dockerfile: ["FROM busybox AS stage", `ENV X="${EVIL}"`, `RUN : '${EVIL}'; exit 3`],
  },
  ({ code, stderr }) => {
    assert.is(code, 3);
    assert.not.match(stderr, CONTROL);
  },
);

for (const [what, line] of [
  ["an instruction", `${EVIL}RUN x`],
  ["a flag", `RUN --mount=type=${EVIL},target=/x true`],
  ["a stage", `COPY --from=${EVIL} / /`],
  ["a source", `COPY ${EVIL} /`],
  ["a user", `USER ${EVIL}\nRUN true`],
] as const) {
  attacks.add(`an error about ${what} shows what it is`, { dockerfile: ["FROM busybox", line] }, ({ code, stderr }) => {
    assert.is(code, 1, stderr);
    assert.match(stderr, /^error: /m);
    assert.not.match(stderr, CONTROL);
  });
}

attacks.add(
  "names of files and of layers' members are shown, not sent",
  async () => ({
    images: { evil: await hostileImage({ layers: [tar(member({ name: `../${EVIL}`, data: "x" }))] }) },
    prepare: (context) => writeFileSync(join(context, `f${EVIL}`), "x"),
    dockerfile: ["FROM busybox", "COPY f* /", "FROM evil", "COPY --from=0 / /x"],
  }),
  ({ code, stderr }) => {
    assert.is(code, 1);
    assert.not.match(stderr, CONTROL);
  },
);

attacks.add(
  "what a step prints moves nothing but its own line",
  {
    dockerfile: [
      "FROM busybox",
      "RUN printf '\\033[2J\\033[1A\\rgone\\033]0;t\\007\\n\\033[31mred\\033[0m\\n'; printf 'a\\rb\\n'",
    ],
  },
  ({ code, stderr }) => {
    assert.is(code, 0, stderr);
    // Colours are let through, as BuildKit's plain progress does: they cannot overwrite other lines.
    for (const sequence of ["[2J", "[1A", "]0;"]) assert.not.ok(stderr.includes(`${ESC}${sequence}`), sequence);
    assert.ok(stderr.includes(`${ESC}[31mred${ESC}[0m`), stderr);
  },
);

attacks.run();
