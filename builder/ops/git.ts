import type { GitOp, Vertex } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import type { GitCommit } from "../sources/index.ts";
import type { OpContext } from "./context.ts";
import { opKey } from "./op-key.ts";
import { atSource, sourceContext } from "./source-context.ts";

/** ADD of a git repository: its commit is the key, so that one that is known is not fetched again. */
export function gitRunner(vertex: Vertex, { reference }: GitOp, context: OpContext): OpRunner {
  let resolved: Promise<GitCommit> | undefined;
  return {
    cacheMap: (options) =>
      atSource(vertex, context, async () => {
        const { gitIdentity, resolveGit } = await import("../sources/index.ts");
        const sources = sourceContext(context);
        resolved = resolveGit(reference, sources, options);
        return { digest: opKey("git", gitIdentity(reference, await resolved, sources)), inputs: [] };
      }),
    exec: (_inputs, options) =>
      atSource(vertex, context, async () => {
        const { checkoutGit, resolveGit } = await import("../sources/index.ts");
        const sources = sourceContext(context);
        const commit = await (resolved ?? resolveGit(reference, sources, options));
        return { type: "snapshot", snapshot: await checkoutGit(reference, commit, sources, options) };
      }),
  };
}
