import { copyFileSync, cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuildOk } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { inspectConfig, inspectDigest, runWithRunc, startPodman } from "../helpers/peers.ts";
import { startRegistry } from "../helpers/registry.ts";
import { makeTempDir } from "../helpers/temp.ts";

const nodeApp = suite("e2e: a Node application");

const OUTPUT = "hello world, built with kleur 4.1.5, uid 990\n";
const registry = await startRegistry();
const reference = `${registry.host}/team/node-app:1.0`;
const podman = startPodman(makeTempDir("podman"));
let pushed = "";

nodeApp.before(async () => {
  const flags = ["--store", makeTempDir("store"), ...proxyArguments()];
  const base = ["--build-context", `node=oci-layout://${await baseImage("node")}:latest`];
  const image = ["--tag", reference, "--push", "--build-arg", "VERSION=1.0", "--quiet"];
  const result = await tsbuildOk(["build", ...flags, ...base, ...image, await makeApp()], { timeoutMs: 400_000 });
  pushed = result.stdout.trim();
});
nodeApp.after(async () => {
  await podman.close();
  await registry.close();
});

/** The application, with this machine's npm registry and certificate authorities so that `npm ci` works behind its proxy. */
async function makeApp(): Promise<string> {
  const context = makeTempDir("node-app");
  cpSync(new URL("fixtures/node-app", import.meta.url), context, { recursive: true });
  const npmRegistry = (await commandOutput(["npm", "config", "get", "registry"])).trim();
  writeFileSync(join(context, ".npmrc"), `registry=${npmRegistry}\ncafile=/app/ca.crt\n`);
  copyFileSync(process.env["NODE_EXTRA_CA_CERTS"] ?? "/etc/ssl/certs/ca-certificates.crt", join(context, "ca.crt"));
  return context;
}

function proxyArguments(): string[] {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  return names.filter((name) => process.env[name]).flatMap((name) => ["--build-arg", `${name}=${process.env[name]}`]);
}

nodeApp("podman pulls it from the registry and runs it", async () => {
  await podman.pull(reference);
  const { stdout, stderr } = await podman.run(reference);
  assert.is(stdout, OUTPUT, stderr);
});

nodeApp("umoci unpacks it and runc runs it", async () => {
  const layout = join(makeTempDir("umoci"), "layout");
  await commandOutput([
    "skopeo",
    "copy",
    "--quiet",
    "--src-tls-verify=false",
    `docker://${reference}`,
    `oci:${layout}:app`,
  ]);
  const { stdout, stderr } = await runWithRunc(layout, "app", makeTempDir("runc"));
  assert.is(stdout, OUTPUT, stderr);
});

nodeApp("skopeo agrees with the Dockerfile on how it runs", async () => {
  const { config, architecture, os } = await inspectConfig(`docker://${reference}`);
  assert.equal(config, {
    User: "app",
    ExposedPorts: { "8080/tcp": {}, "9090/udp": {} },
    Env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      `NODE_VERSION=${process.versions.node}`,
      "NODE_ENV=production",
      "GREETING=hello world",
    ],
    Entrypoint: ["tini", "--"],
    Cmd: ["node", "server.js"],
    ArgsEscaped: true,
    WorkingDir: "/app",
    Labels: { "org.opencontainers.image.title": "node app", "org.opencontainers.image.version": "1.0" },
  });
  assert.is(`${os}/${architecture}`, `linux/${process.arch === "x64" ? "amd64" : process.arch}`);
});

nodeApp("the digest that --quiet prints is the registry's", async () => {
  assert.is(await inspectDigest(`docker://${reference}`), pushed);
});

nodeApp("history has a line for each instruction, and a layer for each line that is not empty", async () => {
  const { history, rootfs } = await inspectConfig(`docker://${reference}`);
  const own = history.slice(2).map(({ created_by = "" }) => created_by.split(" ")[0]);
  const words = [
    "ARG",
    "LABEL",
    "RUN",
    "RUN",
    "ENV",
    "WORKDIR",
    "COPY",
    "COPY",
    "COPY",
    "USER",
    "EXPOSE",
    "ENTRYPOINT",
    "CMD",
  ];
  assert.equal(own, words);
  assert.is(history.filter(({ empty_layer }) => empty_layer !== true).length, rootfs.diff_ids.length);
});

nodeApp.run();
