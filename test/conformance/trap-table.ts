import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { dispatch } from "../../builder/dispatch/index.ts";
import { parseDockerfile } from "../../builder/dockerfile/index.ts";
import { readInstructions } from "../../builder/dockerfile/parse.ts";
import { BuildError } from "../../builder/errors.ts";
import { canonicalJson } from "../../builder/llb/index.ts";
import type { ContainerConfig } from "../../registry-client/index.ts";
import { AMD64, image, options } from "../builder/dispatch/harness.ts";
import { dump, segments } from "./s-expression.ts";
import type { ConformanceTable, LeftOut } from "./table.ts";
import { expectedOps, opRows, type TrapOp } from "./trap-ops.ts";

/** A Dockerfile, what it is built with, and what BuildKit makes of it. A field that is absent was not to be had. */
interface Trap {
  readonly n: number;
  readonly title: string;
  readonly doc: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  readonly img?: { readonly config: ContainerConfig };
  readonly dump?: string;
  readonly segments?: string;
  readonly syntax?: string;
  readonly heredocs?: readonly object[];
  readonly parseError?: string;
  readonly instrError?: string;
  readonly buildError?: string;
  readonly config?: ContainerConfig;
  readonly history?: readonly string[] | null;
  readonly ops?: readonly TrapOp[];
}

/** Where BuildKit's outcome is its mistake. Everything else of these Dockerfiles is checked in the tests of dispatch. */
const MISTAKES: ReadonlyMap<number, string> = new Map([
  [65, "BuildKit reads flags byte by byte and makes Ã© of é; the flag is kept as it is written"],
  [141, "BuildKit loses the text before a substitution with a default in EXPOSE, and opens another port; it is kept"],
]);

/** Dockerfiles with a catch: syntax, errors, config, history and ops. */
export function trapTable(folder: string): ConformanceTable {
  const traps: readonly Trap[] = JSON.parse(readFileSync(join(folder, "dockerfile-traps.json"), "utf8"));
  const cases = traps.filter(({ n }) => !MISTAKES.has(n));
  return {
    name: "dockerfile-traps",
    cases: cases.map((trap) => ({ name: `${trap.n}: ${trap.title}`, check: () => checkTrap(trap) })),
    leftOut: traps.flatMap(({ n, title }): LeftOut[] => {
      const reason = MISTAKES.get(n);
      return reason === undefined ? [] : [{ name: `${n}: ${title}`, reason }];
    }),
  };
}

async function checkTrap(trap: Trap): Promise<void> {
  checkSyntax(trap);
  checkParsed(trap);
  await checkBuild(trap);
}

function checkSyntax({ doc, parseError, ...trap }: Trap): void {
  if (parseError !== undefined) return;
  const instructions = [...readInstructions({ file: "Dockerfile", text: doc })];
  assert.is(dump(instructions), trap.dump);
  assert.is(segments(instructions), trap.segments);
  const heredocs = instructions
    .flatMap((instruction) => instruction.heredocs)
    .map(({ name, fileDescriptor, quoted, chomp, content }) => {
      return { Name: name, FileDescriptor: fileDescriptor ?? 0, Expand: !quoted, Chomp: chomp, Content: content };
    });
  assert.equal(heredocs, trap.heredocs);
}

async function checkBuild(trap: Trap): Promise<void> {
  try {
    const { image: draft, target } = await plan(trap);
    assert.is(undefined, trap.buildError);
    assert.is(canonicalJson(draft.config), canonicalJson(trap.config));
    const rows = draft.history.slice(draft.baseHistory).map((row) => row.created_by);
    assert.equal(rows, trap.history ?? []);
    assert.equal(opRows(target.vertex), expectedOps(trap.ops ?? []));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    assertText(error, trap.buildError);
  }
}

async function plan({ doc, target, args, platform, img }: Trap) {
  const overrides = {
    ...(target === undefined ? {} : { target }),
    buildArgs: args ?? {},
    buildPlatform: platform === undefined ? AMD64 : { os: "linux", architecture: "arm64" },
    resolveImage: async (name: string) => image(name, img?.config ?? { Env: ["PATH=/usr/bin:/bin"] }),
  };
  return await dispatch(parseDockerfile(doc), options(overrides));
}

function checkParsed({ doc, syntax, parseError, instrError }: Trap): void {
  try {
    const { directives } = parseDockerfile(doc);
    assert.is(undefined, parseError ?? instrError);
    assert.is(directives.syntax, syntax);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    assertText(error, parseError ?? instrError);
  }
}

/** Where BuildKit puts a suggestion into the message, ours is the hint; where it has none, ours may have one. */
function assertText({ message, hint }: BuildError, expected: string | undefined): void {
  const meant = /^did you mean (?:--)?(.*)\?$/.exec(hint ?? "")?.[1];
  if (message !== expected) assert.is(`${message} (did you mean ${meant}?)`, expected);
}
