import type { SshKey } from "./key.ts";
import { SshReader, string, uint32 } from "./wire.ts";

/** Answers one message of a client: draft-miller-ssh-agent, section 4. Neither has its length in front. */
export type SshAgent = (message: Buffer) => Buffer | Promise<Buffer>;

export const FAILURE: Buffer = Buffer.of(5);

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const EXTENSION = 27;

/** What a step may ask of any agent: which keys there are, and signatures. It adds, removes and locks nothing. */
export function isAllowed(message: Buffer): boolean {
  const type = message[0];
  return type === REQUEST_IDENTITIES || type === SIGN_REQUEST || type === EXTENSION;
}

/** An agent that has these keys. */
export function keyAgent(keys: readonly SshKey[]): SshAgent {
  return (message) => {
    try {
      return answer(keys, message);
    } catch {
      return FAILURE;
    }
  };
}

function answer(keys: readonly SshKey[], message: Buffer): Buffer {
  const reader = new SshReader(message);
  const type = reader.byte();
  if (type === REQUEST_IDENTITIES) return identities(keys);
  if (type !== SIGN_REQUEST) return FAILURE;
  const [blob, data, flags] = [reader.string(), reader.string(), reader.uint32()];
  const key = keys.find((one) => one.blob.equals(blob));
  if (key === undefined) return FAILURE;
  return Buffer.concat([Buffer.of(SIGN_RESPONSE), string(key.sign(data, flags))]);
}

function identities(keys: readonly SshKey[]): Buffer {
  const list = keys.flatMap(({ blob, comment }) => [string(blob), string(comment)]);
  return Buffer.concat([Buffer.of(IDENTITIES_ANSWER), uint32(keys.length), ...list]);
}
