import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type RunSandboxOptions,
  runSandbox,
  type SandboxResult,
  type SandboxSpec,
  type WritableRootfs,
} from "../../runtime-core/index.ts";
import { makeBusyboxTree } from "../helpers/busybox-tree.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { specOf } from "./sandbox-spec.ts";

/** How a step ended, and all that it wrote. */
export interface Ran extends SandboxResult {
  readonly stdout: string;
  readonly stderr: string;
}

export type SpecChanges = Partial<SandboxSpec>;

const work = makeTempDir("sandbox");
let count = 0;

/** A busybox root: the lowest layer of the tests. */
export const busybox: string = await makeBusyboxTree(work);

/** A fresh upper and work directory over `lowers`, the busybox root unless given. */
export function freshRootfs(lowers: readonly string[] = [busybox]): WritableRootfs {
  const place = join(work, `step-${++count}`);
  for (const name of ["upper", "work"]) mkdirSync(join(place, name), { recursive: true });
  return { lowers, upper: join(place, "upper"), work: join(place, "work") };
}

/** A fresh directory, removed with the test. */
export function freshDirectory(): string {
  const place = join(work, `directory-${++count}`);
  mkdirSync(place, { recursive: true });
  return place;
}

/** A spec that runs `script` in the busybox root as root, with no limits and no network. */
export function stepSpec(script: string, changes: SpecChanges = {}): SandboxSpec {
  return { ...specOf(changes.rootfs ?? freshRootfs(), script), ...changes };
}

/** Runs a spec and collects its output. */
export async function run(spec: SandboxSpec, options: RunSandboxOptions = {}): Promise<Ran> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const io = { onStdout: (c: Uint8Array) => stdout.push(c), onStderr: (c: Uint8Array) => stderr.push(c) };
  const result = await runSandbox(spec, io, options);
  return { ...result, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs `script` and returns its standard output without the last newline. Throws when it fails. */
export async function output(script: string, changes: SpecChanges = {}): Promise<string> {
  const ran = await run(stepSpec(script, changes));
  if (ran.exitCode !== 0) throw new Error(`exit code ${ran.exitCode}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout.replace(/\n$/, "");
}

/** Every path below `root`, sorted. */
export function listTree(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
}

/** Owner and mode of a path on the host: `uid:gid mode`. */
export function ownership(path: string): string {
  const { uid, gid, mode } = statSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}
