import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { RegistryError } from "../errors.ts";

/** What a TLS connection to one host is made with. */
export interface TlsSettings {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

const systemBundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/**
 * The certificates for a host: Node's, the system's, `extraCa`, and those of certs.d (`*.crt` are authorities, `*.cert`
 * with `*.key` is what we show). Reference: containers-certs.d(5).
 */
export async function tlsSettings(
  host: string,
  env: NodeJS.ProcessEnv,
  extraCa: string | undefined,
): Promise<TlsSettings> {
  const own = await readCertsFolders(host, env);
  const ca = [
    ...rootCertificates,
    ...(await systemAuthorities(env)),
    ...(extraCa ? [extraCa] : []),
    ...own.authorities,
  ];
  return own.cert === undefined || own.key === undefined ? { ca } : { ca, cert: own.cert, key: own.key };
}

interface HostCertificates {
  readonly authorities: readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

async function readCertsFolders(host: string, env: NodeJS.ProcessEnv): Promise<HostCertificates> {
  const home = env["HOME"] ?? homedir();
  for (const parent of [join(home, ".config/containers/certs.d"), "/etc/containers/certs.d", "/etc/docker/certs.d"]) {
    const folder = join(parent, host);
    const names = await readdir(folder).catch(ignoreMissing);
    if (names) return readCertsFolder(folder, names.sort());
  }
  return { authorities: [] };
}

async function readCertsFolder(folder: string, names: readonly string[]): Promise<HostCertificates> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const authorities = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const certName = names.find((name) => name.endsWith(".cert") && names.includes(name.replace(/cert$/, "key")));
  if (!certName) return { authorities };
  return { authorities, cert: await read(certName), key: await read(certName.replace(/cert$/, "key")) };
}

async function systemAuthorities(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const named = [env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]].filter((path) => path !== undefined);
  const found: string[] = [];
  // As OpenSSL does: a bundle that is named but not there adds nothing.
  for (const path of named) found.push((await readFile(path, "utf8").catch(ignoreMissing)) ?? "");
  for (const path of env["SSL_CERT_FILE"] ? [] : systemBundles) {
    const bundle = await readFile(path, "utf8").catch(ignoreMissing);
    if (bundle !== undefined) return [...found, bundle];
  }
  return found;
}

/** A folder or bundle that cannot be read is not missing: passing over it would change who is trusted. */
function ignoreMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return;
  throw new RegistryError("INVALID_CONFIG", `${cause.path} cannot be read: ${cause.code}`, { cause });
}
