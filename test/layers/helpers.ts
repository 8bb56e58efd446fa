import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ActiveSnapshot, EMPTY_SNAPSHOT, type Snapshot, Store } from "../../layers/index.ts";

/** Runs `use` with a path for a store, and removes what is there afterwards. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "tsbuild-layers-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  return await withDirectory(async (directory) => {
    const store = await Store.open(join(directory, "store"));
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  });
}

/** A snapshot on `parent` with these files. */
export async function commitFiles(
  store: Store,
  files: Readonly<Record<string, string>>,
  parent: Snapshot = EMPTY_SNAPSHOT,
): Promise<Snapshot> {
  return await store.snapshotter.commit(await writeFiles(store, files, parent));
}

export async function writeFiles(
  store: Store,
  files: Readonly<Record<string, string>>,
  parent: Snapshot = EMPTY_SNAPSHOT,
): Promise<ActiveSnapshot> {
  const active = await store.snapshotter.prepare(parent);
  for (const [name, text] of Object.entries(files)) await writeFile(join(active.rootfs.upper, name), text);
  return active;
}

/** Starts a script in a process of its own; what it prints is its messages. */
export function spawnScript(script: URL, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", fileURLToPath(script), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
