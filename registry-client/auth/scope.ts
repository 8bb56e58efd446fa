/** A right in the form of the token protocol: `repository:library/busybox:pull,push`. */
export type Scope = string;

/** The right to do `actions` in a repository. */
export function repositoryScope(repository: string, ...actions: readonly ("pull" | "push" | "delete")[]): Scope {
  return `repository:${repository}:${actions.join(",")}`;
}

/** One scope a resource, with the union of its actions, sorted: equal rights give equal lists. `*` is every action. */
export function mergeScopes(scopes: readonly Scope[]): readonly Scope[] {
  const byResource = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const { resource, actions } = splitScope(scope);
    const merged = byResource.get(resource) ?? new Set();
    for (const action of actions) merged.add(action);
    byResource.set(resource, merged);
  }
  return [...byResource].map(([resource, actions]) => joinScope(resource, actions)).sort();
}

/** Whether a token for `granted` serves where `wanted` is needed. Both merged. */
export function coversScopes(granted: readonly Scope[], wanted: readonly Scope[]): boolean {
  const rights = new Map(granted.map(splitScope).map(({ resource, actions }) => [resource, new Set(actions)]));
  return wanted.map(splitScope).every(({ resource, actions }) => {
    const held = rights.get(resource);
    return held !== undefined && (held.has("*") || actions.every((action) => held.has(action)));
  });
}

function splitScope(scope: Scope): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(":");
  if (colon < 0) return { resource: scope, actions: [] };
  return {
    resource: scope.slice(0, colon),
    actions: scope
      .slice(colon + 1)
      .split(",")
      .filter(Boolean),
  };
}

function joinScope(resource: string, actions: ReadonlySet<string>): Scope {
  if (actions.size === 0) return resource;
  return `${resource}:${actions.has("*") ? "*" : [...actions].sort().join(",")}`;
}
