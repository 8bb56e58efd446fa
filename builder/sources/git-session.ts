import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { CallOptions } from "../../registry-client/index.ts";
import { removeTree } from "../../runtime-core/index.ts";
import type { SourceContext } from "./context.ts";
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
  try {
    const env = await gitEnvironment(remote, home, context);
    return await work({
      directory,
      run: (args, cwd = directory) => runGit(args, { ...options, env, cwd }),
    });
  } finally {
    await removeTree(root);
  }
}
