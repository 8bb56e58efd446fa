import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { CallOptions } from "../../registry-client/index.ts";
import { removeTree } from "../../runtime-core/index.ts";
import type { ServedSsh, SourceContext } from "./context.ts";
import { gitEnvironment } from "./git-environment.ts";
import { runGit } from "./git-process.ts";

/** git for one remote, in a directory that is removed when the work is done. */
export interface GitSession {
  /** Empty at the start. */
  readonly directory: string;
  run(args: readonly string[], cwd?: string): Promise<string>;
}

/** Runs `work` with a session. Nothing of it stays, whatever happens. */
export async function withGit<T>(
  remote: string,
  context: SourceContext,
  options: CallOptions,
  work: (git: GitSession) => Promise<T>,
): Promise<T> {
  const root = context.store.workspace.path();
  const [home, directory] = [join(root, "home"), join(root, "work")];
  for (const path of [root, home, directory]) await mkdir(path, { mode: 0o700 });
  let agent: ServedSsh | undefined;
  try {
    if (isSsh(remote)) agent = await context.serveSsh?.(join(root, "ssh"));
    const env = { ...(await gitEnvironment(remote, home, context)), ...agentVariable(agent, directory) };
    return await work({
      directory,
      run: (args, cwd = directory) => runGit(args, { ...options, env, cwd }),
    });
  } finally {
    await agent?.close();
    await removeTree(root);
  }
}

/** `ssh://host/path` and `user@host:path`: no other server is shown that there are keys. */
function isSsh(remote: string): boolean {
  return !/^(?:https?|git):\/\//.test(remote);
}

/** unix(7) has room for 107 bytes of a path: a store that lies deeper is reached from where git runs. */
function agentVariable(agent: ServedSsh | undefined, directory: string): Readonly<Record<string, string>> {
  if (agent === undefined) return {};
  const isShort = Buffer.byteLength(agent.path) < 108;
  return { SSH_AUTH_SOCK: isShort ? agent.path : relative(directory, agent.path) };
}
