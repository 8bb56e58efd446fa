import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import type { SandboxMount } from "../runtime-core/index.ts";
import { BuildError } from "./errors.ts";
import type { CertificatesOfSteps } from "./ops/index.ts";

/** Where a step finds it. A directory of its own: tools that renew an image's bundle rename over their own file. */
const BUNDLE = "/run/tsbuild/ca-certificates.crt";
const APT_CONFIG = "/run/tsbuild/apt.conf";

/** What programs look for the file in: OpenSSL and Go, curl, Python's requests and pip, Node, git, cargo, AWS, Nix, Deno, Hex. */
const VARIABLES = [
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "CARGO_HTTP_CAINFO",
  "AWS_CA_BUNDLE",
  "NIX_SSL_CERT_FILE",
  "DENO_CERT",
  "HEX_CACERTS_PATH",
];

/** Where distributions keep theirs. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * The authorities of a PEM file, with the usual ones, for the steps of one build: mounted while they run, so that no layer, history
 * line or cache key knows of them. `place` is where the bundle is kept until then. Throws CA_CERTS_UNREADABLE.
 */
export function openCaBundle(path: string, place: string): CertificatesOfSteps {
  const own = readCertificates(path);
  // Most of the variables replace what a program trusts otherwise.
  writeFileSync(place, [...own, usualCertificates(), ""].join("\n"), { mode: 0o644 });
  return {
    mounts: [
      { type: "bind", source: place, target: BUNDLE, readonly: true },
      configFile(APT_CONFIG, `Acquire::https::CAInfo "${BUNDLE}";\n`),
    ],
    env: [...VARIABLES.map((name) => `${name}=${BUNDLE}`), `APT_CONFIG=${APT_CONFIG}`],
  };
}

function configFile(target: string, text: string): SandboxMount {
  return { type: "file", content: Buffer.from(text), uid: 0, gid: 0, mode: 0o444, target, readonly: true };
}

function readCertificates(path: string): readonly string[] {
  const certificates = readText(path).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw unreadable(path, "it holds no certificate in PEM");
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch {
      throw unreadable(path, `its certificate number ${index + 1} is damaged`);
    }
  }
  return certificates;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(path, (error as Error).message);
  }
}

function unreadable(path: string, problem: string): BuildError {
  return new BuildError("CA_CERTS_UNREADABLE", `--ca-certs ${path}: ${problem}`, {
    hint: "it is a file of certificates, -----BEGIN CERTIFICATE----- and so on",
  });
}

/** This machine's, else those that Node comes with. */
function usualCertificates(): string {
  for (const path of SYSTEM_BUNDLES) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // Another distribution's place.
    }
  }
  return rootCertificates.join("\n");
}
