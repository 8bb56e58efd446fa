import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeError } from "./errors.ts";
import { binding, nativeFailure } from "./native.ts";
import type { SandboxCapabilities, SandboxSpec } from "./sandbox.ts";
import { nativeSandboxError, networkProblem, setupError } from "./sandbox-error.ts";
import { request } from "./sandbox-process.ts";
import { parseStatus, type StepEnd } from "./sandbox-status.ts";

/**
 * Finds out what this machine allows by setting a sandbox up, empty, in a temporary directory: about 10 ms, synchronous.
 * `directory` is where layers will be kept, since filesystems differ in what they allow; the system's temporary
 * directory unless given. Never throws: what goes wrong is in `problems`.
 */
export function probe(directory: string = tmpdir()): SandboxCapabilities {
  try {
    const end = tryOut(directory);
    return { ...found(end), cgroup: binding().sandboxCgroupVersion() as SandboxCapabilities["cgroup"] };
  } catch (error) {
    return { ...NOTHING, problems: [problem(error)] };
  }
}

const NOTHING = {
  available: false,
  cgroup: "none",
  userNamespace: "none",
  overlay: false,
  privateNetwork: false,
} as const;

function found(end: StepEnd): Omit<SandboxCapabilities, "cgroup"> {
  const network = networkOf(end);
  if (end.waitStatus === undefined) {
    const overlay = end.failure?.step !== "overlay" && end.failure?.step !== "idmapped mount";
    return { ...NOTHING, overlay, problems: [problem(setupError(end.failure))] };
  }
  return {
    available: true,
    problems: [],
    userNamespace: end.idmapped ? "idmapped" : "identity",
    overlay: true,
    ...network,
  };
}

function networkOf({ networkErrno }: StepEnd): Pick<SandboxCapabilities, "privateNetwork" | "networkProblem"> {
  if (networkErrno === undefined) return { privateNetwork: true };
  return { privateNetwork: false, networkProblem: networkProblem(networkErrno) };
}

function tryOut(directory: string): StepEnd {
  const place = mkdtempSync(join(directory, "tsbuild-probe-"));
  try {
    for (const name of ["upper", "work"]) mkdirSync(join(place, name));
    return parseStatus(Buffer.from(binding().probeSandbox(request(emptyStep(place), { probe: true }))));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function emptyStep(place: string): SandboxSpec {
  return {
    rootfs: { lowers: [], upper: join(place, "upper"), work: join(place, "work") },
    argv: ["/probe"],
    env: [],
    cwd: "/",
    user: { uid: 0, gid: 0, additionalGids: [] },
    hostname: "probe",
    network: "private",
    hosts: "",
    resolvConf: "",
    limits: {},
    noNewPrivileges: false,
    mounts: [],
  };
}

function problem(error: unknown): string {
  const failure = nativeFailure(error);
  const known = failure === undefined ? error : nativeSandboxError(failure);
  if (!(known instanceof RuntimeError)) return String(known);
  return known.hint === undefined ? known.message : `${known.message} (${known.hint})`;
}
