import type { SshMount } from "../llb/index.ts";
import { serveAgent } from "../ssh/index.ts";
import { missing } from "./mount-missing.ts";
import type { MountWork, OpenMount } from "./mounts.ts";

/** An agent's socket; nothing when the build has none and needs none. */
export async function openSsh(ssh: SshMount, { vertex, context }: MountWork): Promise<OpenMount> {
  const { id, target, required, uid, gid, mode } = ssh;
  const source = context.ssh.get(id);
  if (source === undefined) {
    if (!required) return {};
    const hint = `give it with --ssh ${id}, or with a socket or keys: --ssh ${id}=PATH`;
    throw missing(`no SSH key ${JSON.stringify(id)} forwarded from the client`, `ssh ${id}`, hint, { vertex, context });
  }
  const agent = await serveAgent(source, { directory: context.store.workspace.path(), uid, gid, mode });
  return {
    mount: { type: "bind", source: agent.path, target, readonly: false },
    release: () => agent.close(),
  };
}
