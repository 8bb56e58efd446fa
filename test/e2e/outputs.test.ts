import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TSBUILD, tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { runCommand } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { inspectConfig, inspectDigest, runWithRunc } from "../helpers/peers.ts";
import { makeTempDir } from "../helpers/temp.ts";

const outputs = suite("e2e: outputs");

const FILES = {
  Dockerfile: dockerfile(
    "FROM busybox AS tools",
    "RUN mkdir -p /out/bin && echo tool > /out/bin/tool && chmod 4755 /out/bin/tool && ln -s tool /out/bin/alias",
    "FROM scratch AS files",
    "COPY --from=tools /out /",
    "FROM busybox",
    "ARG GREETING=unset",
    "ENV GREETING=$GREETING",
    "RUN rm /etc/group && rm -r /home && mkdir /home && touch /home/new",
    "COPY --from=tools /out /opt",
    'CMD ["sh", "-c", "echo $GREETING; ls /home /opt/bin; test ! -e /etc/group && echo gone"]',
  ),
};
const store = makeTempDir("store");

async function build(...flags: readonly string[]): Promise<string> {
  return (await tsbuildOk(["build", "--store", store, ...(await busyboxFlags()), ...flags, makeContext(FILES)])).stdout;
}

outputs("type=oci writes a tarball that skopeo reads, with the digest that --quiet prints", async () => {
  const dest = join(makeTempDir("output"), "image.tar");
  const printed = await build("--quiet", "--tag", "example.com/app:1", "--output", `type=oci,dest=${dest}`);
  assert.is(await inspectDigest(`oci-archive:${dest}`), printed.trim());
});

outputs("type=oci,tar=false writes a directory that umoci unpacks and runc runs", async () => {
  const dest = join(makeTempDir("output"), "image");
  const argument = ["--build-arg", "GREETING=good morning"];
  await build(...argument, "--tag", "app:1", "--output", `type=oci,dest=${dest},tar=false`);
  const config = await inspectConfig(`oci:${dest}`);
  assert.ok((config.config["Env"] as string[]).includes("GREETING=good morning"));
  const index = JSON.parse(readFileSync(join(dest, "index.json"), "utf8"));
  const tag = index.manifests[0].annotations["org.opencontainers.image.ref.name"];
  const result = await runWithRunc(dest, tag, makeTempDir("runc"));
  assert.is(result.stdout, "good morning\n/home:\nnew\n\n/opt/bin:\nalias\ntool\ngone\n");
});

outputs("type=local writes the files of the stage", async () => {
  const dest = join(makeTempDir("output"), "files");
  await build("--target", "files", "--output", `type=local,dest=${dest}`);
  assert.is(readFileSync(join(dest, "bin/tool"), "utf8"), "tool\n");
  assert.is(statSync(join(dest, "bin/tool")).mode & 0o7777, 0o4755);
  assert.ok(lstatSync(join(dest, "bin/alias")).isSymbolicLink());
  assert.is(readlinkSync(join(dest, "bin/alias")), "tool");
  assert.not.ok(existsSync(join(dest, "etc")));
});

outputs("--iidfile and --metadata-file name the image for other programs", async () => {
  const folder = makeTempDir("output");
  const files = ["--iidfile", join(folder, "iid"), "--metadata-file", join(folder, "metadata.json")];
  const digest = (await build("--quiet", "--tag", "app:1", "--tag", "example.com/app:2", ...files)).trim();
  const metadata = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
  assert.match(readFileSync(join(folder, "iid"), "utf8"), /^sha256:[0-9a-f]{64}$/);
  assert.is(metadata["containerimage.digest"], digest);
  assert.is(metadata["image.name"], "docker.io/library/app:1,example.com/app:2");
});

const UNWRITABLE: readonly {
  readonly name: string;
  readonly flags: (folder: string) => readonly string[];
  readonly told: (folder: string) => string;
}[] = [
  {
    name: "metadata in a folder that is not there",
    flags: (folder) => ["--metadata-file", `${folder}/none/m.json`],
    told: (folder) => `--metadata-file ${folder}/none/m.json cannot be written: there is no directory ${folder}/none`,
  },
  {
    name: "metadata in place of a directory",
    flags: (folder) => ["--metadata-file", `${folder}/directory`],
    told: (folder) => `--metadata-file ${folder}/directory cannot be written: it is a directory`,
  },
  {
    name: "an iidfile below a file",
    flags: (folder) => ["--iidfile", `${folder}/file/iid`],
    told: (folder) => `--iidfile ${folder}/file/iid cannot be written: ${folder}/file is not a directory`,
  },
  {
    name: "an iidfile in /proc",
    flags: () => ["--iidfile", "/proc/iid"],
    told: () => "--iidfile /proc/iid cannot be written: ENOENT: no such file or directory",
  },
  {
    name: "an archive in a folder that is not there",
    flags: (folder) => ["--output", `type=oci,dest=${folder}/none/app.tar`],
    told: (folder) => `the output ${folder}/none/app.tar cannot be written: there is no directory ${folder}/none`,
  },
  {
    name: "an archive in place of a directory",
    flags: (folder) => ["--output", `type=oci,dest=${folder}/directory`],
    told: (folder) => `the output ${folder}/directory cannot be written: it is a directory`,
  },
  {
    name: "files below a file",
    flags: (folder) => ["--output", `type=local,dest=${folder}/file/out`],
    told: (folder) => `the output ${folder}/file/out cannot be written: ${folder}/file is not a directory`,
  },
];

for (const { name, flags, told } of UNWRITABLE) {
  outputs(`${name} is refused before anything runs`, async () => {
    const folder = makeTempDir("output");
    mkdirSync(join(folder, "directory"));
    writeFileSync(join(folder, "file"), "");
    const args = ["build", "--store", store, ...(await busyboxFlags()), "--progress", "plain"];
    const { code, stderr } = await tsbuild([...args, ...flags(folder), makeContext(FILES)]);
    assert.is(code, 1, stderr);
    assert.match(stderr, `error: ${told(folder)}  [OUTPUT_UNWRITABLE]\n`);
    assert.match(stderr, /^hint: .*name a file|^hint: name a directory/m);
    assert.not.match(stderr, "RUN");
  });
}

outputs("a build that fails leaves nothing of an earlier one in --iidfile and --metadata-file", async () => {
  const folder = makeTempDir("output");
  const paths = ["iid", "metadata.json"].map((name) => join(folder, name));
  for (const path of paths) writeFileSync(path, "of an earlier build");
  const files = ["--iidfile", paths[0] ?? "", "--metadata-file", paths[1] ?? ""];
  const failing = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN false") });
  const { code } = await tsbuild(["build", "--store", store, ...(await busyboxFlags()), ...files, failing]);
  assert.is(code, 1);
  assert.equal(readdirSync(folder), []);
});

outputs("a pipe or a device takes the metadata as it is", async () => {
  const args = ["build", "--store", store, ...(await busyboxFlags()), "--iidfile", "/dev/null", makeContext(FILES)];
  const command = [...TSBUILD, ...args, "--metadata-file", "/dev/stdout"];
  const { stdout } = await runCommand(["sh", "-c", '"$@" | cat', "sh", ...command]);
  assert.match(JSON.parse(stdout)["containerimage.digest"], /^sha256:/);
  assert.ok(statSync("/dev/null").isCharacterDevice());
});

outputs("the store is an OCI layout that skopeo reads as it lies", async () => {
  const digest = (await build("--quiet", "--tag", "example.com/app:3")).trim();
  assert.is(await inspectDigest(`oci:${store}:example.com/app:3`), digest);
});

outputs.run();
