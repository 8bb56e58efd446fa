import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { parseOpensshKey } from "./openssh-key.ts";
import { mpint, string } from "./wire.ts";

/** A key that an agent answers for. */
export interface SshKey {
  /** The public key: RFC 4253, section 6.6. */
  readonly blob: Buffer;
  readonly comment: string;
  /** A signature blob. `flags` choose between the hashes of RSA. */
  readonly sign: (data: Buffer, flags: number) => Buffer;
}

/** draft-miller-ssh-agent, section 4.5.1. */
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;

const EC_HASHES: Readonly<Record<string, string>> = { "P-256": "sha256", "P-384": "sha384", "P-521": "sha512" };

/** Reads a private key: OpenSSH's format or PEM. Throws Error saying what is wrong with it; never a part of it. */
export function parseSshKey(text: string, comment: string): SshKey {
  const key = parseOpensshKey(text) ?? parsePem(text);
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return ed25519Key(key, comment);
    case "rsa":
      return rsaKey(key, comment);
    case "ec":
      return ecKey(key, comment);
    default:
      throw new Error(`keys of type ${key.asymmetricKeyType} cannot be used`);
  }
}

function parsePem(text: string): KeyObject {
  if (/ENCRYPTED/.test(text)) throw new Error("it is protected by a passphrase");
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error("it is neither OpenSSH's format nor PEM");
  }
}

function ed25519Key(key: KeyObject, comment: string): SshKey {
  const type = string("ssh-ed25519");
  const blob = Buffer.concat([type, string(part(key, "x"))]);
  return { blob, comment, sign: (data) => Buffer.concat([type, string(sign(null, data, key))]) };
}

function rsaKey(key: KeyObject, comment: string): SshKey {
  const blob = Buffer.concat([string("ssh-rsa"), mpint(part(key, "e")), mpint(part(key, "n"))]);
  return {
    blob,
    comment,
    sign: (data, flags) => {
      const [name, hash] = rsaHash(flags);
      return Buffer.concat([string(name), string(sign(hash, data, key))]);
    },
  };
}

function rsaHash(flags: number): readonly [name: string, hash: string] {
  if ((flags & RSA_SHA2_512) !== 0) return ["rsa-sha2-512", "sha512"];
  return (flags & RSA_SHA2_256) !== 0 ? ["rsa-sha2-256", "sha256"] : ["ssh-rsa", "sha1"];
}

/** RFC 5656, section 3.1. */
function ecKey(key: KeyObject, comment: string): SshKey {
  const { crv = "" } = key.export({ format: "jwk" });
  const hash = EC_HASHES[crv];
  if (hash === undefined) throw new Error(`keys on the curve ${crv} cannot be used`);
  const curve = crv.replace("P-", "nistp");
  const type = string(`ecdsa-sha2-${curve}`);
  const point = Buffer.concat([Buffer.of(4), part(key, "x"), part(key, "y")]);
  return {
    blob: Buffer.concat([type, string(curve), string(point)]),
    comment,
    sign: (data) => {
      const both = sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
      const half = both.length / 2;
      return Buffer.concat([type, string(Buffer.concat([mpint(both.subarray(0, half)), mpint(both.subarray(half))]))]);
    },
  };
}

function part(key: KeyObject, name: "x" | "y" | "n" | "e"): Buffer {
  return Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url");
}
