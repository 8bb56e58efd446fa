import { tmpdir } from "node:os";
import { lacking, type MachineCheck, ok } from "./machine/check.ts";
import { type Facts, readFacts } from "./machine/facts.ts";
import { idChecks } from "./machine/id-checks.ts";
import { namespaceChecks } from "./machine/namespace-checks.ts";
import { processChecks } from "./machine/process-checks.ts";
import { programChecks } from "./machine/program-checks.ts";
import { storageChecks } from "./machine/storage-checks.ts";
import { mountRefusal } from "./mount-refusal.ts";
import type { SandboxCapabilities } from "./sandbox-capabilities.ts";
import { NETWORK_REMEDY } from "./sandbox-error.ts";
import { problemOf, type TriedSandbox, type Trouble, tryChroot, tryNamespaces } from "./try-sandbox.ts";

/**
 * Finds out what this machine allows by setting a sandbox up, empty, in a temporary directory, and by trying each part of it: some
 * 30 ms, synchronous. `directory` is where layers will be kept, since filesystems differ in what they allow; the system's temporary
 * directory unless given. Never throws and leaves nothing: what goes wrong is in `problems` and `checks`.
 */
export function probe(directory: string = tmpdir()): SandboxCapabilities {
  const tried = tryNamespaces(directory);
  const chroot = tryChroot(directory).trouble;
  const isolation = tried.available ? "namespaces" : chroot === undefined ? "chroot" : "none";
  const checks = [...machineChecks(directory), ...isolationChecks(tried, chroot)];
  const { trouble: _, ...sandbox } = tried;
  return { ...sandbox, chroot: chroot === undefined, isolation, checks };
}

/** What is looked at one by one. A look that fails itself is a check too. */
function machineChecks(directory: string): readonly MachineCheck[] {
  const facts = readFacts();
  const looks: readonly ((facts: Facts) => readonly MachineCheck[])[] = [
    processChecks,
    namespaceChecks,
    idChecks,
    () => storageChecks(directory),
    programChecks,
  ];
  return looks.flatMap((look) => {
    try {
      return look(facts);
    } catch (error) {
      return [lacking("missing", ["probe", "probe"], problemOf(error), "report this: it should not happen")];
    }
  });
}

/** The sandbox as a whole, in each form. */
function isolationChecks(sandbox: TriedSandbox, chroot: Trouble | undefined): readonly MachineCheck[] {
  const remedy = sandboxRemedy(sandbox);
  return [
    overlayCheck(sandbox, remedy),
    mapCheck(sandbox, remedy),
    cgroupCheck(sandbox),
    networkCheck(sandbox, remedy),
    sandboxCheck(sandbox, remedy),
    chrootCheck(sandbox, chroot),
  ];
}

/** What the sandbox needs first. As root, what is refused even a mount is in a container. */
function sandboxRemedy({ available, trouble }: TriedSandbox): string {
  const refusal = available || process.geteuid?.() !== 0 ? undefined : mountRefusal();
  return refusal?.remedy ?? trouble?.remedy ?? "change what is missing above";
}

function overlayCheck({ available, overlay }: TriedSandbox, remedy: string): MachineCheck {
  const check = ["overlay", "overlay"] as const;
  if (available) return ok(...check, "layers are stacked without being copied");
  if (overlay) return lacking("limited", check, "not tried: the sandbox fails before it is mounted", remedy);
  return lacking(
    "missing",
    check,
    "layers cannot be stacked on the store's filesystem",
    "keep the store on ext4, xfs, btrfs or tmpfs: in a container on a volume, docker run -v tsbuild:/var/lib/tsbuild",
  );
}

function mapCheck({ userNamespace }: TriedSandbox, remedy: string): MachineCheck {
  const check = ["idmap", "idmapped mounts"] as const;
  if (userNamespace === "idmapped") return ok(...check, "root of a step is an ordinary user of the machine");
  if (userNamespace === "none") return lacking("limited", check, "there is no sandbox to map ids for", remedy);
  return lacking(
    "limited",
    check,
    "a step has the caller's own ids, in a user namespace",
    "as root of the machine, on Linux 5.19 or newer, with the store on ext4, xfs or btrfs",
  );
}

function cgroupCheck({ cgroup }: TriedSandbox): MachineCheck {
  const check = ["cgroup", "cgroup"] as const;
  if (cgroup !== "none") return ok(...check, `steps have one of their own, ${cgroup}`);
  const remedy = "systemd-run --user --scope -p Delegate=yes tsbuild …; in a container, mount /sys/fs/cgroup writable";
  return lacking("limited", check, "steps have none: no limits but ulimits and the timeout", remedy);
}

function networkCheck({ privateNetwork, networkProblem }: TriedSandbox, remedy: string): MachineCheck {
  const check = ["network", "private network"] as const;
  if (privateNetwork) return ok(...check, "steps reach the outside, and not this machine's own services");
  if (networkProblem === undefined) return lacking("limited", check, "there is no sandbox to have one", remedy);
  return lacking("limited", check, networkProblem.replace(`: ${NETWORK_REMEDY}`, ""), NETWORK_REMEDY);
}

function sandboxCheck({ trouble }: TriedSandbox, remedy: string): MachineCheck {
  const check = ["sandbox", "sandbox"] as const;
  if (trouble === undefined) return ok(...check, "RUN steps have all namespaces");
  return lacking("missing", check, trouble.reason, remedy);
}

/** Where the sandbox can be had, nobody needs it. */
function chrootCheck({ available }: TriedSandbox, trouble: Trouble | undefined): MachineCheck {
  const check = ["chroot", "chroot isolation"] as const;
  if (trouble === undefined) return ok(...check, "RUN steps can have a root of their own alone");
  const remedy = trouble.remedy ?? "change what is missing above";
  return lacking(available ? "limited" : "missing", check, trouble.reason, remedy);
}
