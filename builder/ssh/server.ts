import { chmodSync, chownSync, closeSync, constants, mkdirSync, openSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { FAILURE, isAllowed, type SshAgent } from "./agent.ts";
import { readMessages, withLength } from "./messages.ts";
import type { SshSource } from "./source.ts";

export interface ServeAgentOptions {
  /** A directory that is made for the socket, and removed with it. */
  readonly directory: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** A socket in the file system that steps can ask. */
export interface ServedAgent {
  readonly path: string;
  close(): Promise<void>;
}

/** Serves an agent on a socket of its own: an agent of the host answers its own user alone, which a step is not. */
export async function serveAgent(source: SshSource, options: ServeAgentOptions): Promise<ServedAgent> {
  const { directory, uid, gid, mode } = options;
  mkdirSync(directory, { mode: 0o700 });
  const path = join(directory, "agent");
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    void answerClient(client, source).finally(() => clients.delete(client));
  });
  const close = async () => {
    for (const client of clients) client.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await listen(server, directory);
    chownSync(path, uid, gid);
    chmodSync(path, mode);
    return { path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** By way of a descriptor: unix(7) has room for 107 bytes of a path, and a store may lie deeper. */
async function listen(server: Server, directory: string): Promise<void> {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(`/proc/self/fd/${descriptor}/agent`, resolve);
    });
  } finally {
    closeSync(descriptor);
  }
}

async function answerClient(client: Socket, source: SshSource): Promise<void> {
  client.on("error", () => {});
  const { ask, close } = source.connect();
  try {
    for await (const message of readMessages(client)) client.write(withLength(await answerTo(message, ask)));
  } catch {
    // A client that breaks the protocol is cut off; it is the step's own loss.
  } finally {
    close();
    client.destroy();
  }
}

function answerTo(message: Buffer, ask: SshAgent): Buffer | Promise<Buffer> {
  return isAllowed(message) ? ask(message) : FAILURE;
}
