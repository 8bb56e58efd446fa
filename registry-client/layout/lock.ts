import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryError } from "../errors.ts";
import { ownedName, ownerState, parseOwner } from "./owner.ts";

/** How long we wait for others before we give up; a holder needs milliseconds. */
const patienceMs = 30_000;
/** A lock whose holder we cannot see (another pid namespace or machine) is taken to be left behind after this long. */
const foreignAgeMs = 20_000;

/**
 * Runs `action` while no other process holds the lock at `path`.
 *
 * The lock is a directory that holds one file named after its owner. Taking it is rename(2) of a prepared directory onto
 * `path`, which succeeds only when that is absent or empty. Letting go, and clearing what a killed process left, is
 * unlink(2) of the owner's file *by its name*: it can never remove the lock of somebody who came later.
 * Throws LAYOUT_LOCKED after 30 seconds.
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
  const name = ownedName();
  await acquire(path, name, signal);
  try {
    return await action();
  } finally {
    await release(path, name);
  }
}

async function acquire(path: string, name: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + patienceMs;
  const prepared = `${path}.${name}`;
  try {
    await mkdir(prepared);
    await writeFile(join(prepared, name), "");
    for (let waitMs = 1; !(await tryRename(prepared, path)); waitMs = Math.min(waitMs * 2, 50)) {
      signal?.throwIfAborted();
      if (Date.now() > deadline) throw locked(path);
      await clearAbandoned(path);
      await sleep(waitMs * (0.5 + Math.random()), undefined, signal ? { signal } : {});
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(code)) return false;
    throw error;
  }
}

async function release(path: string, name: string): Promise<void> {
  await ignoreMissing(unlink(join(path, name)));
  // Only tidiness: fails when somebody has taken the lock meanwhile, as it should.
  await rmdir(path).catch(() => {});
}

async function clearAbandoned(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  for (const name of names) {
    if (await isAbandoned(path, name)) await ignoreMissing(unlink(join(path, name)));
  }
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const owner = parseOwner(name);
  const state = owner ? ownerState(owner) : "unknown";
  if (state !== "unknown") return state === "dead";
  // Gone meanwhile, or not ours to look at: not ours to remove either.
  const info = await stat(join(path, name)).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > foreignAgeMs;
}

async function ignoreMissing(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function locked(path: string): RegistryError {
  return new RegistryError("LAYOUT_LOCKED", `another process holds ${path}`, {
    hint: "wait for it to end; if none runs, remove that folder",
  });
}
