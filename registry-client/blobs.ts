import { repositoryScope } from "./auth/scope.ts";
import type { Digest } from "./digest.ts";
import type { Remote } from "./session.ts";
import type { ExistsOptions } from "./storage.ts";

/** Where a blob is asked for. */
export function blobPath(remote: Remote, digest: Digest): string {
  return `/v2/${remote.repository}/blobs/${digest}`;
}

/** Whether the repository has a blob. Reference: distribution-spec v1.1, "Checking if content exists in the registry". */
export async function hasBlob(remote: Remote, digest: Digest, options: ExistsOptions = {}): Promise<boolean> {
  const actions = options.isBeforePush ? (["pull", "push"] as const) : (["pull"] as const);
  return remote.session.lanes.documents.run(options.signal, async () => {
    const response = await remote.session.send({
      method: "HEAD",
      target: blobPath(remote, digest),
      repository: remote.repository,
      scopes: [repositoryScope(remote.repository, ...actions)],
      accepts: [200, 404],
      signal: options.signal,
    });
    await response.discard();
    return response.status === 200;
  });
}
