import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What is wrong with a store that should hold only whole things, a line each: blobs that are not what their name says, images of
 * its index and snapshots that lack a part, mounts left in it.
 */
export function storeProblems(store: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const below = mounts.map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${store}/`));
  const lacking = [...imageProblems(store), ...snapshotProblems(store)];
  return [...blobProblems(store), ...lacking, ...below.map((path) => `${path} is still mounted`)];
}

/** The manifest digest of a tag in an OCI layout, or undefined. */
export function taggedDigest(layout: string, name: string): string | undefined {
  const path = join(layout, "index.json");
  if (!existsSync(path)) return undefined;
  const { manifests } = JSON.parse(readFileSync(path, "utf8"));
  for (const { digest, annotations = {} } of manifests) {
    if (annotations["org.opencontainers.image.ref.name"] === name) return digest;
  }
  return undefined;
}

function blobProblems(store: string): string[] {
  const folder = join(store, "blobs", "sha256");
  if (!existsSync(folder)) return [];
  const wrong = readdirSync(folder).filter((name) => sha256(join(folder, name)) !== name);
  return wrong.map((name) => `the blob ${name} is not what its name says`);
}

interface Listed {
  readonly digest: string;
}

interface Document {
  readonly manifests?: readonly Listed[];
  readonly config?: Listed;
  readonly layers?: readonly Listed[];
}

function imageProblems(store: string): string[] {
  const index = join(store, "index.json");
  return existsSync(index) ? listedIn(index).flatMap((digest) => missingBelow(store, digest)) : [];
}

/** The platforms of an index that were not pulled are nothing that lacks. */
function missingBelow(store: string, manifest: string): string[] {
  const pathOf = (digest: string) => join(store, "blobs", digest.replace(":", "/"));
  if (!existsSync(pathOf(manifest))) return [`${manifest}, which the index lists, is not there`];
  const missing = listedIn(pathOf(manifest)).filter((digest) => !existsSync(pathOf(digest)));
  return missing.map((digest) => `${digest}, which ${manifest} needs, is not there`);
}

function listedIn(path: string): readonly string[] {
  const { manifests = [], config, layers = [] }: Document = JSON.parse(readFileSync(path, "utf8"));
  return [...manifests, ...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest);
}

function snapshotProblems(store: string): string[] {
  const folder = join(store, "snapshots");
  const ids = existsSync(folder) ? readdirSync(folder).filter((name) => /^[a-z0-9]{10}$/.test(name)) : [];
  return ids.flatMap((id) => {
    const { chain }: { readonly chain: readonly string[] } = JSON.parse(
      readFileSync(join(folder, id, "snapshot.json"), "utf8"),
    );
    const missing = chain.filter((parent) => !existsSync(join(folder, parent, "fs")));
    return missing.map((parent) => `the snapshot ${id} stands on ${parent}, which is not there`);
  });
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
