import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { type Certificates, makeCertificates } from "../helpers/certificates.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { Outside } from "../helpers/outside.ts";
import { makeTempDir } from "../helpers/temp.ts";

const certs = suite("e2e: --ca-certs");

const outside = await Outside.start();
const store = makeTempDir("store");
let certificates: Certificates;
let server: ChildProcess;

/** A server of the machine's with a certificate of our authority, which steps reach as the host's gateway. */
const SERVER = `
  const { readFileSync } = require("node:fs");
  const [, cert, key] = process.argv;
  require("node:https")
    .createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => response.end("trusted\\n"))
    .listen(8443, "0.0.0.0", () => console.log("ready"));
`;

certs.before(async () => {
  certificates = await makeCertificates(makeTempDir("certificates"));
  const [file = "", ...args] = outside.commandLine([
    process.execPath,
    "-e",
    SERVER,
    certificates.certPath,
    certificates.keyPath,
  ]);
  server = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (server.stdout !== null) await once(server.stdout, "data");
});
certs.after(() => {
  server.kill("SIGKILL");
  outside.close();
});

async function build(lines: readonly string[], flags: readonly string[]) {
  const context = makeContext({ Dockerfile: dockerfile(...lines) });
  const node = ["--build-context", `node=oci-layout://${await baseImage("node")}:latest`];
  const common = ["build", "--store", store, "--progress", "plain", ...(await busyboxFlags()), ...node];
  return await outside.tsbuild([...common, ...flags, context]);
}

const GET = `RUN node -e 'require("https").get({ host: "192.0.0.101", port: 8443, servername: "localhost" }, (r) => r.pipe(process.stdout))'`;

certs("a program of the step trusts the authority, and did not before", async () => {
  const without = await build(["FROM node", GET], []);
  assert.is(without.code, 1);
  assert.match(without.stderr, /self-signed certificate|unable to (?:get|verify)/);
  const { code, stderr } = await build(["FROM node", GET], ["--ca-certs", certificates.caPath]);
  assert.is(code, 0, stderr);
  assert.match(stderr, /^#\d+ \d+\.\d+ trusted$/m);
});

certs("the bundle has the usual authorities too, and variables that are set stay as they are", async () => {
  const lines = [
    "FROM busybox",
    "ENV PIP_CERT=/own.pem",
    'RUN grep -c BEGIN "$SSL_CERT_FILE"; echo "$PIP_CERT"; cat "$APT_CONFIG"; touch "$SSL_CERT_FILE" || echo read-only',
  ];
  const { code, stderr } = await build(lines, ["--ca-certs", certificates.caPath]);
  assert.is(code, 0, stderr);
  const usual = readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8").match(/BEGIN/g)?.length ?? 0;
  assert.match(stderr, new RegExp(` ${usual + 1}$`, "m"));
  assert.match(stderr, / \/own\.pem$/m);
  assert.match(stderr, /Acquire::https::CAInfo "\/run\/tsbuild\/ca-certificates\.crt";/);
  assert.match(stderr, /read-only/);
});

certs("no layer, history or cache key knows of it", async () => {
  const lines = ["FROM busybox", "RUN true", "RUN ls /run > /seen"];
  const idFile = join(makeTempDir("id"), "id");
  const digests = [];
  for (const flags of [[], ["--no-cache", "--ca-certs", certificates.caPath], ["--ca-certs", certificates.caPath]]) {
    const { code, stderr } = await build(lines.slice(0, 2), [...flags, "--iidfile", idFile]);
    assert.is(code, 0, stderr);
    digests.push(readFileSync(idFile, "utf8"));
    if (flags.length === 2) assert.match(stderr, /CACHED/);
  }
  assert.is(new Set(digests).size, 1, digests.join());
});

for (const [name, text, message] of [
  ["no certificate", "hello\n", /holds no certificate in PEM/],
  [
    "a damaged one",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    /certificate number 1 is damaged/,
  ],
] as const) {
  certs(`refused before anything runs: a file with ${name}`, async () => {
    const path = join(makeTempDir("bad"), "ca.pem");
    writeFileSync(path, text);
    const { code, stderr } = await build(["FROM busybox"], ["--ca-certs", path]);
    assert.is(code, 1);
    assert.match(stderr, message);
    assert.match(stderr, /CA_CERTS_UNREADABLE/);
  });
}

certs.run();
