import type { Reference } from "../reference.ts";

/** What proves who we are to a registry; one of the three. */
export type Credential =
  | { readonly type: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token. */
  | { readonly type: "identity-token"; readonly token: string; readonly username?: string }
  /** A bearer token that is sent as it is. */
  | { readonly type: "registry-token"; readonly token: string };

/** Whose credentials are wanted: podman keeps some for single repositories. */
export type CredentialScope = Pick<Reference, "registry" | "repository">;

export interface CredentialStore {
  /** undefined: there are none, go on without. Throws CREDENTIALS_FAILED or INVALID_CONFIG. */
  get(scope: CredentialScope): Promise<Credential | undefined>;
}

/** No credentials for anybody. */
export const anonymous: CredentialStore = { get: async () => undefined };

/** Credentials by registry name (`docker.io`, `127.0.0.1:5000`), given by the program. */
export function staticCredentials(byRegistry: Readonly<Record<string, Credential>>): CredentialStore {
  const known = new Map(Object.entries(byRegistry));
  return { get: async ({ registry }) => known.get(registry) };
}

/** The first store that has some wins. */
export function chainCredentials(...stores: readonly CredentialStore[]): CredentialStore {
  return {
    async get(scope) {
      for (const store of stores) {
        const found = await store.get(scope);
        if (found) return found;
      }
      return undefined;
    },
  };
}
