import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  anonymous,
  copy,
  HttpTransport,
  MemoryTarget,
  RegistryClient,
  type RegistryError,
  registriesConfHosts,
} from "../../registry-client/index.ts";
import { type Certificates, makeCertificates } from "../helpers/certificates.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushRandomImage } from "./images.ts";

interface Context {
  certificates: Certificates;
  registry: TestRegistry;
}

const tls = suite<Context>("TLS");

tls.before(async (context) => {
  context.certificates = await makeCertificates(makeTempDir("certificates"));
  context.registry = await startRegistry({ tls: context.certificates });
});
tls.after(({ registry }) => registry.close());

async function push(client: RegistryClient, host: string): Promise<RegistryError | undefined> {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory), "v1");
  return copy(memory, "v1", client.repository(`${host}/app`), "v1").then(
    () => undefined,
    (error) => error,
  );
}

tls(
  "an authority of nobody's is not trusted, on loopback neither, and the hint says where to put it",
  async ({ registry }) => {
    const error = await push(
      new RegistryClient({ env: { HOME: "/nonexistent" }, credentials: anonymous }),
      registry.host,
    );
    assert.is(error?.code, "TLS_UNTRUSTED");
    assert.is(error?.hint, `put the authority's certificate into /etc/containers/certs.d/${registry.host}/ca.crt`);
  },
);

tls("an authority in certs.d is trusted for its host", async ({ registry, certificates }) => {
  const home = makeTempDir("home");
  const folder = join(home, ".config/containers/certs.d", registry.host);
  mkdirSync(folder, { recursive: true });
  copyFileSync(certificates.caPath, join(folder, "ca.crt"));
  assert.is(await push(new RegistryClient({ env: { HOME: home }, credentials: anonymous }), registry.host), undefined);
});

tls("an authority is trusted by SSL_CERT_FILE, and when a program gives it", async ({ registry, certificates }) => {
  const env = { HOME: "/nonexistent", SSL_CERT_FILE: certificates.caPath };
  assert.is(await push(new RegistryClient({ env, credentials: anonymous }), registry.host), undefined);
  const transport = new HttpTransport({ env: {}, extraCa: readFileSync(certificates.caPath, "utf8") });
  assert.is(await push(new RegistryClient({ env: {}, transport, credentials: anonymous }), registry.host), undefined);
});

tls("a certs.d folder that cannot be read is an error, not a folder that is not there", async ({ registry }) => {
  const home = makeTempDir("home");
  const parent = join(home, ".config/containers/certs.d");
  mkdirSync(parent, { recursive: true });
  symlinkSync(registry.host, join(parent, registry.host));
  const error = await push(new RegistryClient({ env: { HOME: home }, credentials: anonymous }), registry.host);
  assert.is(error?.code, "INVALID_CONFIG");
  assert.match(error?.message ?? "", `certs.d/${registry.host} cannot be read: ELOOP`);
});

tls("insecure = true takes any certificate, and still speaks TLS to a port that does", async ({ registry }) => {
  const conf = join(makeTempDir("conf"), "registries.conf");
  writeFileSync(conf, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true`);
  const client = new RegistryClient({
    hosts: registriesConfHosts(conf),
    env: { HOME: "/nonexistent" },
    credentials: anonymous,
  });
  assert.is(await push(client, registry.host), undefined);
});

tls("a certificate for another name is refused", async ({ registry, certificates }) => {
  const transport = new HttpTransport({ env: {}, extraCa: readFileSync(certificates.caPath, "utf8") });
  const client = new RegistryClient({ env: {}, transport, credentials: anonymous });
  const error = await push(client, `127.0.0.2:${registry.port}`);
  assert.ok(["TLS_UNTRUSTED", "REGISTRY_UNREACHABLE"].includes(error?.code ?? ""), error?.code);
});

tls.run();
