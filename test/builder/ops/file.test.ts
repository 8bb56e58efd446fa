import { lstatSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build } from "../../../builder/index.ts";
import { baseImage } from "../../helpers/base-images.ts";
import { dockerfile, makeContext } from "../../helpers/context.ts";
import { makeTempDir } from "../../helpers/temp.ts";

const test = suite("file ops");

/** The owners of `paths` in what the lines after those of the stage `made` build. */
async function owners(lines: readonly string[], paths: readonly string[]): Promise<readonly string[]> {
  const made = [
    "FROM busybox AS made",
    "RUN mkdir -p /out/kept && echo a > /out/kept/file && ln -s file /out/kept/link && chown -hR 33:50 /out",
  ];
  const dest = makeTempDir("output");
  await build({
    context: makeContext({ Dockerfile: dockerfile(...made, ...lines), local: "a" }),
    store: makeTempDir("store"),
    buildContexts: { busybox: `oci-layout://${await baseImage("busybox")}:latest` },
    outputs: [{ type: "local", dest }],
  });
  return paths.map((path) => {
    const { uid, gid } = lstatSync(join(dest, path));
    return `${path} ${uid}:${gid}`;
  });
}

test("COPY --from keeps the owners of a stage; the parents it makes are root's", async () => {
  const lines = ["FROM scratch", "COPY --from=made /out /copy", "COPY --from=made /out/kept/file /one/"];
  assert.equal(await owners(lines, ["copy", "copy/kept", "copy/kept/file", "copy/kept/link", "one", "one/file"]), [
    "copy 0:0",
    "copy/kept 33:50",
    "copy/kept/file 33:50",
    "copy/kept/link 33:50",
    "one 0:0",
    "one/file 33:50",
  ]);
});

test("COPY --from --chown gives one owner to what it copies and to the parents it makes", async () => {
  const lines = ["FROM scratch", "COPY --from=made --chown=7:8 /out /copy"];
  assert.equal(await owners(lines, ["copy", "copy/kept", "copy/kept/file"]), [
    "copy 7:8",
    "copy/kept 7:8",
    "copy/kept/file 7:8",
  ]);
});

test("COPY from the context and a heredoc are root's, whoever owns the files here", async () => {
  const lines = ["FROM busybox", "USER 33", "COPY local /local", "COPY <<text /text", "a", "text"];
  assert.equal(await owners(lines, ["local", "text"]), ["local 0:0", "text 0:0"]);
});

test.run();
