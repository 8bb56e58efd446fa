import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SandboxUsage, StepReport } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { makeTempDir } from "../helpers/temp.ts";

const accounting = suite("e2e: what steps used");

const STEPS = dockerfile(
  "FROM busybox AS files",
  "RUN mkdir /many && i=0 && while [ $i -lt 1100 ]; do echo 123 > /many/$i; i=$((i+1)); done",
  "FROM busybox",
  "RUN yes | head -c 5000000 > /five && yes | head -c 1000000 > /gone && rm /gone",
  "COPY --from=files /many/7 /seven",
  "RUN true",
);

/** Builds, as somebody, with `--metadata-file`. */
interface Builder {
  readonly metadataFile: string;
  build(text: string, ...flags: readonly string[]): Promise<CommandResult>;
}

function asRoot(): Builder {
  const directory = makeTempDir("accounting");
  const metadataFile = join(directory, "metadata.json");
  const flags = ["build", "--store", join(directory, "store"), "--metadata-file", metadataFile];
  return {
    metadataFile,
    build: async (text, ...more) =>
      await tsbuild([...flags, ...more, ...(await busyboxFlags()), makeContext({ Dockerfile: text })]),
  };
}

function asOrdinaryUser(): Builder {
  const user = new OrdinaryUser();
  const metadataFile = join(user.home, "metadata.json");
  return {
    metadataFile,
    build: async (text, ...more) => {
      const base = `busybox=oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;
      const flags = ["build", "--metadata-file", metadataFile, "--build-context", base, ...more];
      return await user.tsbuild([...flags, user.contextOf(makeContext({ Dockerfile: text }))]);
    },
  };
}

function stepsOf({ metadataFile }: Builder): readonly StepReport[] {
  return (JSON.parse(readFileSync(metadataFile, "utf8")) as { "tsbuild.steps": StepReport[] })["tsbuild.steps"];
}

for (const [who, make] of Object.entries({ root: asRoot, "an ordinary user": asOrdinaryUser })) {
  const builder = make();

  accounting(`as ${who}, every RUN has its numbers in the progress and in the metadata`, async () => {
    const { code, stderr } = await builder.build(STEPS, "--progress", "plain");
    assert.is(code, 0, stderr);
    const steps = stepsOf(builder);
    const names = ["[stage-1 2/4] RUN yes", "[files 2/2] RUN mkdir", "[stage-1 4/4] RUN true"];
    assert.equal(
      steps.map(({ name, cached }) => [names.find((start) => name.startsWith(start)), cached]),
      names.map((name) => [name, false]),
    );
    const [five, many, nothing] = steps.map(({ usage }) => usage as SandboxUsage);
    assert.equal([many?.layerBytes, five?.layerBytes, nothing?.layerBytes], [4400, 5_000_000, 0]);
    assert.ok((five?.ioWrittenBytes ?? 0) >= 6_000_000);
    for (const usage of [many, five, nothing]) assert.ok(usage !== undefined && usage.wallMs > 0);
    assert.is(stderr.match(/^#\d+ used \d+\.\ds cpu/gm)?.length, 3, stderr);
    assert.match(stderr, /^#(\d+) used .* 6\.\d\dMB written, 5\.00MB added.*\n#\1 DONE/m);
  });

  accounting(`as ${who}, steps from the cache used nothing`, async () => {
    const { code, stderr } = await builder.build(STEPS, "--progress", "plain");
    assert.is(code, 0, stderr);
    assert.ok(stepsOf(builder).length > 0);
    for (const { cached, usage } of stepsOf(builder)) assert.equal([cached, usage], [true, undefined]);
    assert.not.match(stderr, / used /);
  });

  accounting(`as ${who}, a step that fails has its numbers too`, async () => {
    const text = dockerfile("FROM busybox", "RUN yes | head -c 3000000 > /three; exit 3");
    const plain = await builder.build(text, "--progress", "plain");
    assert.match(plain.stderr, /^#(\d+) used .* 3\.\d\dMB written.*\n#\1 ERROR: /m);
    const raw = await builder.build(text, "--progress", "rawjson");
    const lines = raw.stderr.split("\n").filter((line) => line.startsWith('{"usages"'));
    const [usage, ...others] = lines.flatMap((line) => (JSON.parse(line) as { usages: SandboxUsage[] }).usages);
    assert.equal([(usage?.ioWrittenBytes ?? 0) >= 3_000_000, others], [true, []]);
  });
}

accounting.run();
