import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { RegistryError } from "../errors.ts";
import { credentialKey } from "../reference.ts";
import { askCredentialHelper } from "./credential-helper.ts";
import { type Credential, type CredentialScope, type CredentialStore, chainCredentials } from "./credentials.ts";

/**
 * Where `docker login` and `podman login` keep credentials, in this order: `$DOCKER_CONFIG/config.json`, else
 * `~/.docker/config.json`; `$REGISTRY_AUTH_FILE`; `$XDG_RUNTIME_DIR/containers/auth.json`; `~/.config/containers/auth.json`.
 */
export function systemCredentials(env: NodeJS.ProcessEnv = process.env): CredentialStore {
  const home = env["HOME"] ?? homedir();
  const paths = [
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
    env["REGISTRY_AUTH_FILE"],
    env["XDG_RUNTIME_DIR"] && join(env["XDG_RUNTIME_DIR"], "containers/auth.json"),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers/auth.json"),
  ];
  return chainCredentials(...paths.filter((path) => path).map((path) => dockerConfigCredentials(path as string, env)));
}

/**
 * The credentials of one file in the form of Docker's config.json: `credHelpers`, then `credsStore`, then `auths`.
 * A file that is not there has none. Read once, each helper asked once a server.
 * Reference: containers-auth.json(5) and docker-login(1).
 */
export function dockerConfigCredentials(path: string, env: NodeJS.ProcessEnv = process.env): CredentialStore {
  let config: Promise<DockerConfig> | undefined;
  const helped = new Map<string, Promise<Credential | undefined>>();
  const ask = (helper: string, server: string): Promise<Credential | undefined> => {
    const key = `${helper}\0${server}`;
    const asked = helped.get(key) ?? askCredentialHelper(helper, server, env);
    helped.set(key, asked);
    return asked;
  };
  return {
    async get(scope) {
      config ??= readConfig(path);
      return lookUp(await config, scope, ask, path);
    },
  };
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

type AskHelper = (helper: string, server: string) => Promise<Credential | undefined>;

async function lookUp(
  config: DockerConfig,
  scope: CredentialScope,
  ask: AskHelper,
  path: string,
): Promise<Credential | undefined> {
  const key = credentialKey(scope.registry);
  const helper = config.credHelpers?.[scope.registry] ?? config.credHelpers?.[key];
  if (helper) return ask(helper, key);
  const stored = config.credsStore ? await ask(config.credsStore, key) : undefined;
  return stored ?? readEntry(findEntry(config.auths ?? {}, scope), scope, path);
}

async function readConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return {};
    throw new RegistryError("INVALID_CONFIG", `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
  const config = parseConfig(text);
  if (!config)
    throw new RegistryError("INVALID_CONFIG", `${path} is no JSON object`, { hint: "log in again, or mend the file" });
  return config;
}

/** The parser's own message would show a piece of the file, and so perhaps of a password. */
function parseConfig(text: string): DockerConfig | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The longest key that names the repository, a namespace above it, or its registry. */
function findEntry(auths: Readonly<Record<string, AuthEntry>>, scope: CredentialScope): AuthEntry | undefined {
  const entries = new Map(Object.entries(auths));
  for (
    let name = `${scope.registry}/${scope.repository}`;
    name !== "";
    name = name.slice(0, Math.max(0, name.lastIndexOf("/")))
  ) {
    const entry = entries.get(name);
    if (entry) return entry;
  }
  const key = credentialKey(scope.registry);
  if (entries.has(key)) return entries.get(key);
  const wanted = normalizeKey(key);
  return [...entries].find(([candidate]) => normalizeKey(candidate) === wanted)?.[1];
}

/** `https://host/v1/`, `http://host` and `host` are one registry. */
function normalizeKey(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/\/v[12]\/?$|\/$/, "");
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}

function readEntry(entry: AuthEntry | undefined, scope: CredentialScope, path: string): Credential | undefined {
  if (!entry) return undefined;
  if (entry.registrytoken) return { type: "registry-token", token: entry.registrytoken };
  const pair = entry.auth
    ? decodePair(entry.auth, scope, path)
    : { username: entry.username, password: entry.password };
  if (entry.identitytoken) {
    return {
      type: "identity-token",
      token: entry.identitytoken,
      ...(pair.username ? { username: pair.username } : {}),
    };
  }
  if (!pair.username && !pair.password) return undefined;
  return { type: "password", username: pair.username ?? "", password: pair.password ?? "" };
}

/** base64 of user:password. The password may hold colons; old clients padded it with NULs. */
function decodePair(
  auth: string,
  scope: CredentialScope,
  path: string,
): { readonly username: string; readonly password: string } {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon < 0)
    throw new RegistryError("INVALID_CONFIG", `${path}: the entry for ${scope.registry} holds no user and password`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
