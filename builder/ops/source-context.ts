import { BuildError } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import type { SourceContext } from "../sources/index.ts";
import { type SshSource, serveAgent } from "../ssh/index.ts";
import type { OpContext } from "./context.ts";
import { placeOf } from "./place.ts";

/** What fetching works with, of what ops work with. */
export function sourceContext({ store, sourceDateEpoch, secrets, ssh }: OpContext): SourceContext {
  const agent = ssh.get("default");
  return {
    store,
    sourceDateEpoch,
    secret: (id) => secrets.read(id),
    ...(agent === undefined ? {} : { serveSsh: (directory: string) => serveOwn(agent, directory) }),
  };
}

/** For this user alone. */
function serveOwn(agent: SshSource, directory: string) {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  return serveAgent(agent, { directory, uid, gid, mode: 0o600 });
}

/** Runs what fetches for a vertex: its failure points at the address that was fetched from. */
export async function atSource<T>(vertex: Vertex, context: OpContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BuildError) || error.range !== undefined) throw error;
    const { code, message, hint, cause } = error;
    throw new BuildError(code, message, { hint, cause, ...placeOf(vertex, context) });
  }
}
