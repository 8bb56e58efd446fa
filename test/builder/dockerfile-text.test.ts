import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decodeDockerfile } from "../../builder/dockerfile-text.ts";
import { BuildError } from "../../builder/errors.ts";

const test = suite("the text of a Dockerfile");
const latin1 = (text: string) => Buffer.from(text, "latin1");

function failure(bytes: Uint8Array): string {
  try {
    return decodeDockerfile(bytes, "Dockerfile");
  } catch (error) {
    assert.instance(error, BuildError);
    const { code, message, hint, range } = error as BuildError;
    return `${code} ${range?.start.line}:${range?.start.column}: ${message}: ${hint}`;
  }
}

test("UTF-8 is read as it is, a mark at its head included", () => {
  assert.is(decodeDockerfile(Buffer.from("\ufeffFROM a # é \ufffd"), "Dockerfile"), "\ufeffFROM a # é \ufffd");
});

test("a comment may be in any encoding", () => {
  assert.is(decodeDockerfile(latin1("# Ren\u00e9\n  # \u00e9\nFROM a\n"), "f"), "# Ren\ufffd\n  # \ufffd\nFROM a\n");
});

for (const [what, bytes, place] of [
  ["an instruction", latin1("FROM a\nENV n=\u00e9\n"), "2:7"],
  ["what looks like a comment below a heredoc", latin1("FROM a\nCOPY <<E /x\n# \u00e9\nE\n"), "3:3"],
] as const) {
  test(`${what} may not`, () => {
    assert.is(failure(bytes), `DOCKERFILE_UNREADABLE ${place}: Dockerfile is not UTF-8 text: save it as UTF-8`);
  });
}

test("UTF-16 is called by its name", () => {
  assert.match(failure(Buffer.from("\ufeffFROM a\n", "utf16le")), "it is UTF-16, as some programs of Windows write");
});

test.run();
