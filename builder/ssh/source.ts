import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { BuildError } from "../errors.ts";
import { keyAgent, type SshAgent } from "./agent.ts";
import { parseSshKey, type SshKey } from "./key.ts";
import { AgentConnection } from "./relay.ts";

/** Where the answers to a step's questions come from. */
export interface SshSource {
  /** For one client. */
  connect(): { readonly ask: SshAgent; readonly close: () => void };
}

/** What `--ssh` names: sockets of agents, and files of private keys. */
export interface SshOptions {
  /** One socket, or one key or more. */
  readonly paths: readonly string[];
}

/** A private key is a few thousand bytes. */
const MAX_KEY_BYTES = 100 * 1024;

/**
 * The agents of a build by their ids. A path that is a socket is an agent's, and stands alone; any other is a private key.
 * Throws BuildError INVALID_SSH, SSH_NOT_FOUND.
 */
export function openSshSources(ssh: Readonly<Record<string, SshOptions>>): ReadonlyMap<string, SshSource> {
  return new Map(Object.entries(ssh).map(([id, { paths }]) => [id, openSource(id, paths)]));
}

function openSource(id: string, paths: readonly string[]): SshSource {
  const [first, ...others] = paths;
  if (first === undefined) {
    const hint = "start an agent, or name its socket or a key: --ssh default=PATH";
    throw new BuildError("INVALID_SSH", "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set", { hint });
  }
  const sockets = paths.filter((path) => isSocket(id, path));
  if (sockets.length === 0) return keySource(paths.map((path) => readKey(id, path)));
  if (others.length > 0) throw new BuildError("INVALID_SSH", `ssh ${id} is one socket or several keys, not both`);
  return {
    connect: () => {
      const agent = new AgentConnection(first);
      return { ask: agent.ask, close: () => agent.close() };
    },
  };
}

function keySource(keys: readonly SshKey[]): SshSource {
  const ask = keyAgent(keys);
  return { connect: () => ({ ask, close: () => {} }) };
}

function isSocket(id: string, path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.isSocket();
  throw new BuildError("SSH_NOT_FOUND", `ssh ${id}: there is no ${path}`, {
    hint: "it is the socket of an agent, or the file of a private key",
  });
}

function readKey(id: string, path: string): SshKey {
  if (statSync(path).size > MAX_KEY_BYTES) throw invalidKey(id, path, "it is too large");
  try {
    return parseSshKey(readFileSync(path, "utf8"), basename(path));
  } catch (error) {
    throw invalidKey(id, path, (error as Error).message);
  }
}

function invalidKey(id: string, path: string, problem: string): BuildError {
  const hint = "a key with a passphrase can be used through an agent: ssh-add it, and give --ssh without a path";
  return new BuildError("INVALID_SSH", `ssh ${id}: ${path} is no key that can be used: ${problem}`, { hint });
}
