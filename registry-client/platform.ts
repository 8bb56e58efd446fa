import { arch } from "node:os";
import { fetchIndex } from "./documents.ts";
import { RegistryError } from "./errors.ts";
import { isIndexType } from "./media-type.ts";
import type { Descriptor, Platform } from "./oci.ts";
import type { CallOptions, ReadonlyStorage } from "./storage.ts";

/** Indexes within indexes that are followed before we call it hostile. */
const maxDepth = 8;

/** The linux platform of this machine. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: arch() });
}

/**
 * `linux/amd64`, `linux/arm/v7`; `arm64` alone is of linux, `linux` alone of this machine's architecture.
 * Throws INVALID_CONTENT with the words of containerd/platforms, whose Parse this is.
 */
export function parsePlatform(text: string): Platform {
  if (text.includes("*")) throw invalidPlatform(`${JSON.stringify(text)}: wildcards not yet supported`);
  const parts = text.split("/");
  const odd = parts.find((part) => !/^[A-Za-z0-9_.-]+$/.test(part));
  if (odd !== undefined) {
    const rule = 'platform specifier component must match "^[A-Za-z0-9_.-]+$"';
    throw invalidPlatform(`${JSON.stringify(odd)} is an invalid component of ${JSON.stringify(text)}: ${rule}`);
  }
  const [first = "", architecture, variant, ...rest] = parts.map((part) => part.toLowerCase());
  if (rest.length > 0) throw invalidPlatform(`${JSON.stringify(text)}: cannot parse platform specifier`);
  if (architecture === undefined) return parseLonePart(first, text);
  const os = osAliases.get(first) ?? first;
  return normalizePlatform(variant === undefined ? { os, architecture } : { os, architecture, variant });
}

function parseLonePart(part: string, text: string): Platform {
  const os = osAliases.get(part) ?? part;
  if (knownSystems.has(os)) return normalizePlatform({ os, architecture: arch() });
  const platform = normalizePlatform({ os: "linux", architecture: part });
  if (knownArchitectures.has(platform.architecture)) return platform;
  throw invalidPlatform(`${JSON.stringify(text)}: unknown operating system or architecture`);
}

function invalidPlatform(message: string): RegistryError {
  return new RegistryError("INVALID_CONTENT", `${message}: invalid argument`, {
    hint: "write os/architecture or os/architecture/variant, as in linux/arm64",
  });
}

const osAliases: ReadonlyMap<string, string> = new Map([["macos", "darwin"]]);

/** The systems and architectures of Go, which names platforms. */
const knownSystems: ReadonlySet<string> = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const knownArchitectures: ReadonlySet<string> = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
    "mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);

/** The inverse of `parsePlatform`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ? `/${platform.variant}` : "";
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** Go's names for an architecture and the variant that goes without saying left out (amd64/v1, arm64/v8; arm is arm/v7). */
export function normalizePlatform(platform: Platform): Platform {
  const { variant, architecture, ...rest } = platform;
  const [name, aliasVariant] = architectureAliases.get(architecture) ?? [architecture, undefined];
  const known = variant || aliasVariant || (name === "arm" ? "v7" : "");
  const shown = known === impliedVariants.get(name) ? "" : known;
  return shown ? { ...rest, architecture: name, variant: shown } : { ...rest, architecture: name };
}

const architectureAliases: ReadonlyMap<string, readonly [string, string | undefined]> = new Map([
  ["x64", ["amd64", undefined]],
  ["x86_64", ["amd64", undefined]],
  ["x86-64", ["amd64", undefined]],
  ["i386", ["386", undefined]],
  ["ia32", ["386", undefined]],
  ["aarch64", ["arm64", undefined]],
  ["armhf", ["arm", "v7"]],
  ["armel", ["arm", "v6"]],
] as const);

const impliedVariants: ReadonlyMap<string, string> = new Map([
  ["amd64", "v1"],
  ["arm64", "v8"],
]);

/**
 * The manifest for a platform: `root` itself unless it is an index. Nested indexes are entered; attestations and
 * entries of unknown platform are passed over. Throws PLATFORM_NOT_FOUND, listing what there is.
 */
export async function selectPlatform(
  storage: ReadonlyStorage,
  root: Descriptor,
  platform: Platform,
  options: CallOptions = {},
): Promise<Descriptor> {
  if (!isIndexType(root.mediaType)) return root;
  const candidates = await listManifests(storage, root, options, 0);
  const wanted = normalizePlatform(platform);
  const best = candidates
    .map((candidate) => ({ candidate, rank: rankMatch(candidate, wanted) }))
    .filter(({ rank }) => rank > 0)
    .reduce<{ candidate: Descriptor; rank: number } | undefined>((a, b) => (a && a.rank >= b.rank ? a : b), undefined);
  if (best) return best.candidate;
  throw notFound(root, wanted, candidates);
}

async function listManifests(
  storage: ReadonlyStorage,
  root: Descriptor,
  options: CallOptions,
  depth: number,
): Promise<Descriptor[]> {
  if (depth > maxDepth)
    throw new RegistryError("INVALID_CONTENT", `${root.digest} nests more than ${maxDepth} indexes`);
  const index = await fetchIndex(storage, root, options);
  const found: Descriptor[] = [];
  for (const entry of index.manifests) {
    if (isIndexType(entry.mediaType)) found.push(...(await listManifests(storage, entry, options, depth + 1)));
    else if (!isAttestation(entry)) found.push(entry);
  }
  return found;
}

function isAttestation(entry: Descriptor): boolean {
  const isUnknown = entry.platform?.os === "unknown" || entry.platform?.architecture === "unknown";
  return isUnknown || entry.annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

/** 0 is no match; the closest variant has the highest rank. An arm machine runs what older variants were built for. */
function rankMatch(candidate: Descriptor, wanted: Platform): number {
  if (!candidate.platform) return 0;
  const offered = normalizePlatform(candidate.platform);
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return 0;
  if (wanted["os.version"] && offered["os.version"] && wanted["os.version"] !== offered["os.version"]) return 0;
  const missing = (wanted["os.features"] ?? []).some((feature) => !offered["os.features"]?.includes(feature));
  if (missing) return 0;
  if (offered.variant === wanted.variant) return 100;
  const distance = variantNumber(wanted) - variantNumber(offered);
  return distance > 0 ? 100 - distance : 0;
}

function variantNumber(platform: Platform): number {
  const variant = platform.variant ?? impliedVariants.get(platform.architecture) ?? "v0";
  return Number(/^v(\d+)/.exec(variant)?.[1] ?? 0);
}

function notFound(root: Descriptor, wanted: Platform, candidates: readonly Descriptor[]): RegistryError {
  const known = candidates.flatMap((entry) => (entry.platform ? [formatPlatform(entry.platform)] : []));
  return new RegistryError("PLATFORM_NOT_FOUND", `${root.digest} has no image for ${formatPlatform(wanted)}`, {
    hint: known.length > 0 ? `it has ${[...new Set(known)].join(", ")}` : "its entries name no platform",
  });
}
