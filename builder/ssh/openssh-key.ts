import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { SshReader } from "./wire.ts";

const MAGIC = "openssh-key-v1\0";
const ARMOR = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/;

/** A private key in OpenSSH's own format; undefined for text of another one. Throws Error when it is encrypted or damaged. */
export function parseOpensshKey(text: string): KeyObject | undefined {
  const armored = ARMOR.exec(text)?.[1];
  if (armored === undefined) return undefined;
  const reader = new SshReader(Buffer.from(armored, "base64"));
  if (reader.take(MAGIC.length).toString("latin1") !== MAGIC) throw new Error("it has no openssh-key-v1 in front");
  if (reader.text() !== "none") throw new Error("it is protected by a passphrase");
  reader.string();
  reader.string();
  if (reader.uint32() !== 1) throw new Error("it holds several keys");
  reader.string();
  return readPrivate(new SshReader(reader.string()));
}

/** PROTOCOL.key of OpenSSH, section 3. */
function readPrivate(reader: SshReader): KeyObject {
  const checks = [reader.uint32(), reader.uint32()];
  if (checks[0] !== checks[1]) throw new Error("it is damaged");
  const type = reader.text();
  if (type === "ssh-ed25519") return fromJwk(ed25519(reader));
  if (type === "ssh-rsa") return fromJwk(rsa(reader));
  if (type.startsWith("ecdsa-sha2-nistp")) return fromJwk(ecdsa(reader));
  throw new Error(`keys of type ${type} cannot be used`);
}

function fromJwk(key: JsonWebKey): KeyObject {
  return createPrivateKey({ key, format: "jwk" });
}

function ed25519(reader: SshReader): JsonWebKey {
  const publicKey = reader.string();
  return { kty: "OKP", crv: "Ed25519", x: base64(publicKey), d: base64(reader.string().subarray(0, 32)) };
}

function rsa(reader: SshReader): JsonWebKey {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => unsigned(reader.string())) as Six<Buffer>;
  const rest = (prime: Buffer) => unsigned(bytesOf(numberOf(d) % (numberOf(prime) - 1n)));
  const parts = { n, e, d, p, q, dp: rest(p), dq: rest(q), qi };
  return {
    kty: "RSA",
    ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64(value)])),
  };
}

type Six<T> = [T, T, T, T, T, T];

function ecdsa(reader: SshReader): JsonWebKey {
  const curve = reader.text();
  const point = reader.string();
  const size = (point.length - 1) / 2;
  const scalar = unsigned(reader.string());
  const d = Buffer.concat([Buffer.alloc(Math.max(0, size - scalar.length)), scalar]);
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
  return { kty: "EC", crv: curve.replace("nistp", "P-"), x: base64(x), y: base64(y), d: base64(d) };
}

/** An mpint without the zero in front. */
function unsigned(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? Buffer.alloc(0) : bytes.subarray(start);
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex") || "0"}`);
}

function bytesOf(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64url");
}
