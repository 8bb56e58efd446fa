import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { parseDockerfile } from "../../builder/dockerfile/index.ts";
import { readInstructions } from "../../builder/dockerfile/parse.ts";
import { BuildError } from "../../builder/errors.ts";
import { dump, segments } from "./s-expression.ts";

interface Trap {
  readonly n: number;
  readonly title: string;
  readonly doc: string;
  readonly dump?: string;
  readonly segments?: string;
  readonly syntax?: string;
  readonly heredocs?: readonly TrapHeredoc[];
  readonly parseError?: string;
  readonly instrError?: string;
}

interface TrapHeredoc {
  readonly Name: string;
  readonly FileDescriptor: number;
  readonly Expand: boolean;
  readonly Chomp: boolean;
  readonly Content: string;
}

// BuildKit reads flags bytewise and so mangles text that is not ASCII; we keep it.
const UNMANGLED: ReadonlyMap<number, string> = new Map([[65, '(from "alpine")\n(copy ["--chown=é"] "a" "/b")']]);

const traps: readonly Trap[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/dockerfile-traps.json"), "utf8"),
);
const suite = createSuite("conformance: Dockerfiles with a catch");

for (const trap of traps) {
  suite(`${trap.n}: ${trap.title}`, () => {
    assert.is(parseFailure(trap.doc), trap.parseError ?? trap.instrError);
    if (trap.parseError !== undefined) return;
    const instructions = [...readInstructions({ file: "Dockerfile", text: trap.doc })];
    assert.is(dump(instructions), UNMANGLED.get(trap.n) ?? trap.dump);
    assert.is(segments(instructions), trap.segments);
    const heredocs = instructions
      .flatMap((instruction) => instruction.heredocs)
      .map((heredoc) => ({
        Name: heredoc.name,
        FileDescriptor: heredoc.fileDescriptor ?? 0,
        Expand: !heredoc.quoted,
        Chomp: heredoc.chomp,
        Content: heredoc.content,
      }));
    assert.equal(heredocs, trap.heredocs);
    if (trap.instrError === undefined) assert.is(parseDockerfile(trap.doc).directives.syntax, trap.syntax);
  });
}

/** BuildKit puts the suggestion into the message; ours is the hint. */
function parseFailure(text: string): string | undefined {
  try {
    parseDockerfile(text);
    return undefined;
  } catch (error) {
    assert.instance(error, BuildError);
    const { message, hint } = error as BuildError;
    const meant = /^did you mean (?:--)?(.*)\?$/.exec(hint ?? "")?.[1];
    return meant === undefined ? message : `${message} (did you mean ${meant}?)`;
  }
}

suite.run();
