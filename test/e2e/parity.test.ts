import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { makeTempDir } from "../helpers/temp.ts";
import { type BuiltImage, readDockerImage, readOurImage } from "./differential/builders.ts";
import { BUILDAH_CASES } from "./parity/buildah-cases.ts";
import { dockerCase, makeContext, type Place, tsbuildCase } from "./parity/builders.ts";
import type { ParityCase, Written } from "./parity/case.ts";
import { FILE_CASES } from "./parity/file-cases.ts";
import { INSTRUCTION_CASES } from "./parity/instruction-cases.ts";
import { MOUNT_CASES } from "./parity/mount-cases.ts";
import { PATTERN_CASES } from "./parity/pattern-cases.ts";
import { type Peers, startPeers } from "./parity/peers.ts";
import { REFUSED_CASES } from "./parity/refused-cases.ts";
import { LANGUAGE, usesOf } from "./parity/uses.ts";
import { WRITTEN_CASES } from "./parity/written-cases.ts";

// Every instruction and every flag, through the command line: the image is the one that Docker's BuildKit makes of it, or buildah
// where only it knows the feature, or, where neither does, the one written out beside the Dockerfile.

const AT_ONCE = 4;
const ALL = [...INSTRUCTION_CASES, ...MOUNT_CASES, ...FILE_CASES, ...PATTERN_CASES, ...BUILDAH_CASES, ...WRITTEN_CASES];
const only = process.env["PARITY_ONLY"];
const CASES = only === undefined ? ALL : ALL.filter(({ name }) => name.includes(only));

type Attempt = BuiltImage | { readonly stderr: string };

const parity = suite("e2e: parity");
const cases = makeTempDir("parity");
const store = makeTempDir("store");
const attempts = new Map<ParityCase, { readonly ours: Attempt; readonly theirs: Attempt | undefined }>();
let peers: Peers;

parity.before(async () => {
  peers = await startPeers(makeTempDir("peers"), cases);
  const waiting = [...CASES.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, one] = next;
      attempts.set(
        one,
        await attempt(`case${index}`, one).catch((error) => ({ ours: { stderr: String(error) }, theirs: undefined })),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});
parity.after(() => peers?.close());

async function attempt(tag: string, one: ParityCase) {
  const place = { ...peers, work: join(cases, tag), url: urlOf(one) };
  mkdirSync(place.work);
  const input = await makeContext(place, one);
  const [ours, theirs] = await Promise.all([
    ourAttempt({ ...place, input }, one),
    theirAttempt(tag, { ...place, input }, one),
  ]);
  return { ours, theirs };
}

function urlOf(one: ParityCase): string {
  return `${peers.web.url}/case${CASES.indexOf(one)}`;
}

async function ourAttempt(place: Place, one: ParityCase): Promise<Attempt> {
  const { code, stderr } = await tsbuildCase(place, one, store);
  return code === 0 ? readOurImage(place.work) : { stderr };
}

async function theirAttempt(tag: string, place: Place, one: ParityCase): Promise<Attempt | undefined> {
  if (one.peer.kind === "written") return undefined;
  if (one.peer.kind === "buildkit") {
    const { code, stderr } = await dockerCase(peers.dockerd, tag, place, one);
    return code === 0 ? readDockerImage(peers.dockerd, tag, place.work) : { stderr };
  }
  const { code, stderr } = await peers.buildah.build(tag, place, one);
  return code === 0 ? peers.buildah.read(tag, place.work) : { stderr };
}

for (const one of CASES) {
  parity(`${one.name}: as ${one.peer.kind === "written" ? "BuildKit's rules say" : one.peer.kind}`, () => {
    const { ours, theirs } = attempts.get(one) ?? {};
    if (one.peer.kind === "written") assertWritten(built("tsbuild", ours), one.peer, urlOf(one));
    else if (one.peer.kind === "buildkit")
      assertBuildKit(built("tsbuild", ours), without(built("BuildKit", theirs), one.peer.leaves));
    else assertBuildah(built("tsbuild", ours), without(built("buildah", theirs), one.peer.leaves));
  });
}

function built(who: string, attempt: Attempt | undefined): BuiltImage {
  if (attempt === undefined) throw new Error("not built");
  if ("stderr" in attempt) throw new Error(`${who}:\n${attempt.stderr}`);
  return attempt;
}

/** The files that differ, those of tsbuild first. */
function assertSameFiles(ours: BuiltImage, theirs: BuiltImage): void {
  const missing = (lines: readonly string[], others: readonly string[]) =>
    lines.filter((line) => !others.includes(line));
  assert.equal(missing(ours.tree, theirs.tree), missing(theirs.tree, ours.tree));
}

/** An image without some paths. */
function without(image: BuiltImage, directories: readonly string[] = []): BuiltImage {
  return { ...image, tree: image.tree.filter((line) => !directories.some((path) => line.startsWith(`${path} `))) };
}

function assertBuildKit(ours: BuiltImage, theirs: BuiltImage): void {
  assertSameFiles(ours, theirs);
  assert.is(ours.image.author, theirs.image.author);
  assert.is(ours.image.platform, theirs.image.platform);
  assert.equal(ours.image.config, theirs.image.config);
  assert.equal(ours.image.history, theirs.image.history);
  assert.not.ok(ours.image.hasLayer.some((has, row) => has && !theirs.image.hasLayer[row]));
}

/** Buildah has history rows of its own kind, and a label with its version. */
function assertBuildah(ours: BuiltImage, theirs: BuiltImage): void {
  assertSameFiles(ours, theirs);
  assert.is(ours.image.author, theirs.image.author);
  assert.is(ours.image.platform, theirs.image.platform);
  assert.equal(plainConfig(ours), plainConfig(theirs));
}

function plainConfig({ image }: BuiltImage): Record<string, unknown> {
  const isEmpty = (value: unknown) => Object.keys(Object(value)).length === 0;
  const { ArgsEscaped: _, Labels, ...config } = image.config;
  const labels = Object.entries(Object(Labels)).filter(([name]) => name !== "io.buildah.version");
  const entries = Object.entries({ ...config, Labels: Object.fromEntries(labels) });
  return Object.fromEntries(entries.filter(([, value]) => typeof value === "string" || !isEmpty(value)));
}

const BASE_CONFIG = { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] };
const BASE_ROWS = 1;

function assertWritten(ours: BuiltImage, written: Written, url: string): void {
  const base = new Set(peers.baseTree);
  const tree = ours.tree.map((line) => line.replaceAll(url, "@WEB@"));
  const now = new Set(tree);
  const added = tree.filter((line) => !base.has(line));
  const gone = [...base].filter((line) => !now.has(line)).map((line) => `- ${line}`);
  assert.equal([...added, ...gone], written.files);
  assert.equal(ours.image.config, { ...BASE_CONFIG, ...written.config });
  const comment = " (buildkit.dockerfile.v0)";
  assert.equal(
    ours.image.history.slice(BASE_ROWS).map((row) => row.replaceAll(url, "@WEB@")),
    written.history.map((row) => `${row}${comment}`),
  );
}

parity("every instruction, flag and form is in a case", () => {
  const refused = REFUSED_CASES.filter(({ code }) => code === "UNSUPPORTED_FLAG");
  const used = new Set([...ALL, ...refused].flatMap(usesOf));
  assert.equal(
    LANGUAGE.filter((use) => !used.has(use)),
    [],
  );
});

parity.run();
