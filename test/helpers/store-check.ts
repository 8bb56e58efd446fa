import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is wrong with a store that should hold only whole things, a line each: blobs that are not what their name says, mounts left in it. */
export function storeProblems(store: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const below = mounts.map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${store}/`));
  return [...blobProblems(store), ...below.map((path) => `${path} is still mounted`)];
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

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
