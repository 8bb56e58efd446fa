import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RuntimeError } from "./errors.ts";
import { binding, nativeFailure } from "./native.ts";
import { releaseTrees } from "./plain-trees.ts";
import type { SandboxCapabilities } from "./sandbox-capabilities.ts";
import { nativeSandboxError, networkProblem, setupError } from "./sandbox-error.ts";
import { request } from "./sandbox-process.ts";
import type { SandboxSpec } from "./sandbox-spec.ts";
import { parseStatus, type StepEnd } from "./sandbox-status.ts";

/** What went wrong, and what to do about it where that is known. */
export interface Trouble {
  readonly reason: string;
  readonly remedy?: string;
}

/** What one sandbox that was set up, empty, tells. */
export type TriedSandbox = Omit<SandboxCapabilities, "chroot" | "isolation" | "checks"> & {
  /** Why it could not be: `problems` as data. */
  readonly trouble?: Trouble;
};

const NOTHING = {
  available: false,
  cgroup: "none",
  userNamespace: "none",
  overlay: false,
  privateNetwork: false,
} as const;

/** Sets a sandbox up in `directory` and takes it down: about 10 ms, synchronous. Never throws. */
export function tryNamespaces(directory: string): TriedSandbox {
  try {
    return { ...found(tryOut(directory)), cgroup: binding().sandboxCgroupVersion() as TriedSandbox["cgroup"] };
  } catch (error) {
    return { ...NOTHING, ...troubled(error) };
  }
}

function found(end: StepEnd): Omit<TriedSandbox, "cgroup"> {
  const network = networkOf(end);
  if (end.waitStatus === undefined) {
    const overlay = end.failure?.step !== "overlay" && end.failure?.step !== "idmapped mount";
    return { ...NOTHING, overlay, ...troubled(setupError(end.failure)) };
  }
  return {
    available: true,
    problems: [],
    userNamespace: end.idmapped ? "idmapped" : "identity",
    overlay: true,
    ...network,
  };
}

function troubled(error: unknown): Pick<TriedSandbox, "problems" | "trouble"> {
  const trouble = troubleOf(error);
  return { problems: [sentence(trouble)], trouble };
}

function networkOf({ networkErrno }: StepEnd): Pick<TriedSandbox, "privateNetwork" | "networkProblem"> {
  if (networkErrno === undefined) return { privateNetwork: true };
  return { privateNetwork: false, networkProblem: networkProblem(networkErrno) };
}

/** Says what is wrong with isolation by chroot(2) in `directory`; nothing where it can be had. */
export function tryChroot(directory: string): { readonly problem?: string; readonly trouble?: Trouble } {
  const told = (error: unknown) => ({ problem: problemOf(error), trouble: troubleOf(error) });
  try {
    const end = tryOut(directory, { isPlain: true });
    return end.waitStatus === undefined ? told(setupError(end.failure)) : {};
  } catch (error) {
    return told(error);
  }
}

function tryOut(directory: string, { isPlain = false }: { readonly isPlain?: boolean } = {}): StepEnd {
  const place = mkdtempSync(join(directory, "tsbuild-probe-"));
  const trees = join(place, "trees");
  try {
    for (const name of ["upper", "work"]) mkdirSync(join(place, name));
    const step = emptyStep(place);
    const spec: SandboxSpec = isPlain ? { ...step, network: "host", rootfs: { ...step.rootfs, trees } } : step;
    return parseStatus(Buffer.from(binding().probeSandbox(request(spec, { probe: true }))));
  } finally {
    if (isPlain) releaseTrees(trees);
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

/** An error as a sentence, with what to do about it. */
export function problemOf(error: unknown): string {
  return sentence(troubleOf(error));
}

function sentence({ reason, remedy }: Trouble): string {
  return remedy === undefined ? reason : `${reason} (${remedy})`;
}

function troubleOf(error: unknown): Trouble {
  const failure = nativeFailure(error);
  const known = failure === undefined ? error : nativeSandboxError(failure);
  if (!(known instanceof RuntimeError)) return { reason: String(known) };
  return { reason: known.message, ...(known.hint === undefined ? {} : { remedy: known.hint }) };
}
