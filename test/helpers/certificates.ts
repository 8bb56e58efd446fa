import { join } from "node:path";
import { commandOutput } from "./command.ts";

/** PEM files of an authority of our own and of a server that it vouches for. */
export interface Certificates {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** Makes an authority, and a certificate for localhost and 127.0.0.1 signed by it, in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const path = (name: string) => join(folder, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const openssl = (...args: string[]) => commandOutput(["openssl", ...args]);
  const subject = (name: string) => ["-subj", `/CN=${name}`];
  const ca = ["-keyout", path("ca.key"), "-out", path("ca.crt"), "-days", "2"];
  await openssl("req", "-x509", ...newKey, ...ca, ...subject("tsbuild test authority"));
  const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
  const signer = ["-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-days", "2"];
  await openssl(
    "req",
    "-x509",
    ...newKey,
    ...signer,
    ...names,
    "-keyout",
    path("server.key"),
    "-out",
    path("server.crt"),
    ...subject("localhost"),
  );
  return { caPath: path("ca.crt"), certPath: path("server.crt"), keyPath: path("server.key") };
}
