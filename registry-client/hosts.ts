import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { RegistryError } from "./errors.ts";
import { Reference } from "./reference.ts";

/** One place that a reference may be had from. */
export interface HostEndpoint {
  readonly registry: string;
  readonly repository: string;
  /** Plain HTTP and unverified certificates are allowed. */
  readonly isInsecure: boolean;
  readonly isMirror: boolean;
  readonly accepts: "all" | "digest-only" | "tag-only";
}

export interface HostEndpoints {
  /** In the order they are tried; the registry itself is the last. */
  readonly pull: readonly HostEndpoint[];
  readonly push: HostEndpoint;
}

/** Where references lead. */
export interface HostResolver {
  /** Throws REGISTRY_BLOCKED, or INVALID_CONFIG. */
  endpoints(reference: Reference): Promise<HostEndpoints>;
}

/**
 * The system's registries.conf, read when it is first needed: `$CONTAINERS_REGISTRIES_CONF`, and then that file alone; else
 * `~/.config/containers/registries.conf`, else `/etc/containers/registries.conf`, with the `*.conf` files of the
 * registries.conf.d folders beside them. `unqualified-search-registries` is not used: a short name is Docker Hub's, as in Docker.
 * Reference: containers-registries.conf(5), version 2.
 */
export function systemHosts(env: NodeJS.ProcessEnv = process.env): HostResolver {
  let rules: Promise<readonly RegistryRule[]> | undefined;
  return {
    async endpoints(reference) {
      rules ??= readSystemRules(env);
      return resolveEndpoints(reference, await rules);
    },
  };
}

/** The hosts of registries.conf files; of two rules for one prefix the later file's counts. */
export function registriesConfHosts(...paths: readonly string[]): HostResolver {
  let rules: Promise<readonly RegistryRule[]> | undefined;
  return {
    async endpoints(reference) {
      rules ??= readRules(paths);
      return resolveEndpoints(reference, await rules);
    },
  };
}

/** `[[registry]]` of a registries.conf. */
interface RegistryRule {
  readonly prefix: string;
  readonly location: string | undefined;
  readonly isInsecure: boolean;
  readonly isBlocked: boolean;
  readonly mirrors: readonly MirrorRule[];
}

interface MirrorRule {
  readonly location: string;
  readonly isInsecure: boolean;
  readonly accepts: HostEndpoint["accepts"];
}

async function readSystemRules(env: NodeJS.ProcessEnv): Promise<readonly RegistryRule[]> {
  const named = env["CONTAINERS_REGISTRIES_CONF"];
  if (named) return readRules([named]);
  const own = join(env["XDG_CONFIG_HOME"] || join(env["HOME"] ?? homedir(), ".config"), "containers");
  const main = [join(own, "registries.conf"), "/etc/containers/registries.conf"];
  const existing: string[] = [];
  for (const path of main) if (existing.length === 0 && (await exists(path))) existing.push(path);
  const dropIns = [
    ...(await listConf("/etc/containers/registries.conf.d")),
    ...(await listConf(join(own, "registries.conf.d"))),
  ];
  return readRules([...existing, ...dropIns]);
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

async function listConf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .map((name) => join(folder, name));
}

async function readRules(paths: readonly string[]): Promise<readonly RegistryRule[]> {
  const byPrefix = new Map<string, RegistryRule>();
  for (const path of paths) {
    for (const rule of await readConf(path)) byPrefix.set(rule.prefix, rule);
  }
  return [...byPrefix.values()];
}

async function readConf(path: string): Promise<readonly RegistryRule[]> {
  let document: Record<string, unknown>;
  try {
    // Most machines have no such file.
    const { parse } = await import("smol-toml");
    document = parse(await readFile(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n", 1)[0] : "";
    throw new RegistryError("INVALID_CONFIG", `${path} cannot be read: ${reason}`, { cause });
  }
  if (document["registries"] !== undefined) {
    throw invalid(path, "is in the version 1 format", "write [[registry]] tables, as in containers-registries.conf(5)");
  }
  return tables(document["registry"], path, "registry").map((table) => readRule(table, path));
}

type Table = Readonly<Record<string, unknown>>;

function readRule(table: Table, path: string): RegistryRule {
  const location = optionalString(table, "location", path);
  const prefix = optionalString(table, "prefix", path) ?? location;
  if (!prefix) throw invalid(path, "has a [[registry]] with neither prefix nor location");
  const isDigestOnly = optionalBoolean(table, "mirror-by-digest-only", path);
  return {
    prefix,
    location,
    isInsecure: optionalBoolean(table, "insecure", path),
    isBlocked: optionalBoolean(table, "blocked", path),
    mirrors: tables(table["mirror"], path, "registry.mirror").map((mirror) => readMirror(mirror, path, isDigestOnly)),
  };
}

function readMirror(table: Table, path: string, isDigestOnly: boolean): MirrorRule {
  const location = optionalString(table, "location", path);
  if (!location) throw invalid(path, "has a mirror without a location");
  const accepts = optionalString(table, "pull-from-mirror", path) ?? (isDigestOnly ? "digest-only" : "all");
  if (accepts !== "all" && accepts !== "digest-only" && accepts !== "tag-only") {
    throw invalid(path, `has an unknown pull-from-mirror ${JSON.stringify(accepts)}`);
  }
  return { location, accepts, isInsecure: optionalBoolean(table, "insecure", path) };
}

function tables(value: unknown, path: string, name: string): readonly Table[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null)) return value;
  throw invalid(path, `has a ${name} that is no list of tables`, `write [[${name}]]`);
}

function optionalString(table: Table, key: string, path: string): string | undefined {
  const value = table[key];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw invalid(path, `has a ${key} that is no string`);
  return value;
}

function optionalBoolean(table: Table, key: string, path: string): boolean {
  const value = table[key] ?? false;
  if (typeof value !== "boolean") throw invalid(path, `has a ${key} that is neither true nor false`);
  return value;
}

function invalid(path: string, reason: string, hint?: string): RegistryError {
  return new RegistryError("INVALID_CONFIG", `${path} ${reason}`, { hint });
}

function resolveEndpoints(reference: Reference, rules: readonly RegistryRule[]): HostEndpoints {
  const rule = findRule(reference, rules);
  const primary: HostEndpoint = {
    ...(rule?.location
      ? rewritten(reference, rule.prefix, rule.location)
      : { registry: reference.registry, repository: reference.repository }),
    isInsecure: rule?.isInsecure ?? false,
    isMirror: false,
    accepts: "all",
  };
  if (rule?.isBlocked) {
    throw new RegistryError("REGISTRY_BLOCKED", `registries.conf blocks ${reference.name}`, {
      hint: `its rule is for ${rule.prefix}`,
    });
  }
  const mirrors = (rule?.mirrors ?? []).map(({ location, ...mirror }) => ({
    ...rewritten(reference, rule?.prefix ?? "", location),
    ...mirror,
    isMirror: true,
  }));
  return { pull: [...mirrors, primary], push: primary };
}

/** The longest prefix that the name is under. `*.example.com` matches the hosts below example.com. */
function findRule(reference: Reference, rules: readonly RegistryRule[]): RegistryRule | undefined {
  const matching = rules.filter(({ prefix }) => matchedLength(reference, prefix) > 0);
  return matching.reduce<RegistryRule | undefined>(
    (a, b) => (a && a.prefix.length >= b.prefix.length ? a : b),
    undefined,
  );
}

/** How much of `registry/repository` a prefix covers; 0 for none of it. */
function matchedLength(reference: Reference, prefix: string): number {
  if (prefix.startsWith("*.")) {
    const hostname = reference.registry.replace(/:\d+$/, "");
    return hostname.endsWith(prefix.slice(1)) ? reference.registry.length : 0;
  }
  const isBelow = reference.name === prefix || reference.name.startsWith(`${prefix}/`);
  return isBelow ? prefix.length : 0;
}

function rewritten(
  reference: Reference,
  prefix: string,
  location: string,
): Pick<HostEndpoint, "registry" | "repository"> {
  const name = `${location}${reference.name.slice(matchedLength(reference, prefix))}`;
  const slash = name.indexOf("/");
  // A rewritten name is spoken as it stands: docker.io's library/ belongs to names that people write.
  const registry = slash < 0 ? name : name.slice(0, slash);
  const repository = slash < 0 ? "" : name.slice(slash + 1);
  if (repository === "")
    throw new RegistryError(
      "INVALID_CONFIG",
      `registries.conf makes ${name} of ${reference.name}, which names no repository`,
    );
  return { registry: Reference.parse(`${registry}/${repository}`).registry, repository };
}
