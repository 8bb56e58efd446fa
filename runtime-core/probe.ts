import { tmpdir } from "node:os";
import { lacking, type MachineCheck, ok } from "./machine/check.ts";
import { type Facts, readFacts } from "./machine/facts.ts";
import { idChecks } from "./machine/id-checks.ts";
import { namespaceChecks } from "./machine/namespace-checks.ts";
import { processChecks } from "./machine/process-checks.ts";
import { programChecks } from "./machine/program-checks.ts";
import { storageChecks } from "./machine/storage-checks.ts";
import type { SandboxCapabilities } from "./sandbox-capabilities.ts";
import { problemOf, type TriedSandbox, tryChroot, tryNamespaces } from "./try-sandbox.ts";

/**
 * Finds out what this machine allows by setting a sandbox up, empty, in a temporary directory, and by trying each part of it: some
 * 30 ms, synchronous. `directory` is where layers will be kept, since filesystems differ in what they allow; the system's temporary
 * directory unless given. Never throws and leaves nothing: what goes wrong is in `problems` and `checks`.
 */
export function probe(directory: string = tmpdir()): SandboxCapabilities {
  const sandbox = tryNamespaces(directory);
  const chroot = tryChroot(directory);
  const isolation = sandbox.available ? "namespaces" : chroot.problem === undefined ? "chroot" : "none";
  const checks = [...machineChecks(directory), ...isolationChecks(sandbox, chroot.problem)];
  return { ...sandbox, chroot: chroot.problem === undefined, isolation, checks };
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
      return [lacking("missing", ["probe", "probe"], problemOf(error))];
    }
  });
}

/** The sandbox as a whole, in each form. */
function isolationChecks(sandbox: TriedSandbox, chrootProblem: string | undefined): readonly MachineCheck[] {
  return [
    overlayCheck(sandbox),
    mapCheck(sandbox),
    cgroupCheck(sandbox),
    networkCheck(sandbox),
    sandboxCheck(sandbox),
    chrootCheck(sandbox, chrootProblem),
  ];
}

function overlayCheck({ available, overlay }: TriedSandbox): MachineCheck {
  const check = ["overlay", "overlay"] as const;
  if (available) return ok(...check, "layers are stacked without being copied");
  if (overlay) return lacking("limited", check, "not tried: the sandbox fails before it is mounted");
  return lacking(
    "missing",
    check,
    "layers cannot be stacked on the store's filesystem",
    "keep the store on ext4, xfs, btrfs or tmpfs: in a container on a volume, docker run -v tsbuild:/var/lib/tsbuild",
  );
}

function mapCheck({ userNamespace }: TriedSandbox): MachineCheck {
  const check = ["idmap", "idmapped mounts"] as const;
  if (userNamespace === "idmapped") return ok(...check, "root of a step is an ordinary user of the machine");
  const detail =
    userNamespace === "identity"
      ? "a step has the caller's own ids, in a user namespace"
      : "there is no sandbox to map ids for";
  return lacking(
    "limited",
    check,
    detail,
    "as root of the machine, on Linux 5.19 or newer, with the store on ext4, xfs or btrfs",
  );
}

function cgroupCheck({ cgroup }: TriedSandbox): MachineCheck {
  const check = ["cgroup", "cgroup"] as const;
  if (cgroup !== "none") return ok(...check, `steps have one of their own, ${cgroup}`);
  const remedy = "systemd-run --user --scope -p Delegate=yes tsbuild …; in a container, mount /sys/fs/cgroup writable";
  return lacking("limited", check, "steps have none: no limits but ulimits and the timeout", remedy);
}

function networkCheck({ available, privateNetwork, networkProblem }: TriedSandbox): MachineCheck {
  const check = ["network", "private network"] as const;
  if (privateNetwork) return ok(...check, "steps reach the outside, and not this machine's own services");
  const detail = networkProblem ?? (available ? "steps have none" : "there is no sandbox to have one");
  return lacking("limited", check, detail);
}

function sandboxCheck({ problems }: TriedSandbox): MachineCheck {
  const [problem] = problems;
  const check = ["sandbox", "sandbox"] as const;
  return problem === undefined ? ok(...check, "RUN steps have all namespaces") : lacking("missing", check, problem);
}

/** Where the sandbox can be had, nobody needs it. */
function chrootCheck({ available }: TriedSandbox, problem: string | undefined): MachineCheck {
  const check = ["chroot", "chroot isolation"] as const;
  if (problem === undefined) return ok(...check, "RUN steps can have a root of their own alone");
  return lacking(available ? "limited" : "missing", check, problem);
}
