import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuildOk } from "../helpers/cli.ts";
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

outputs("the store is an OCI layout that skopeo reads as it lies", async () => {
  const digest = (await build("--quiet", "--tag", "example.com/app:3")).trim();
  assert.is(await inspectDigest(`oci:${store}:example.com/app:3`), digest);
});

outputs.run();
