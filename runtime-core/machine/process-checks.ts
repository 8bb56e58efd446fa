import { release } from "node:os";
import { lacking, type MachineCheck, ok } from "./check.ts";
import { CAP_MKNOD, CAP_SYS_ADMIN, CAP_SYS_CHROOT, type Facts, has } from "./facts.ts";
import { CONTAINER_REMEDY } from "./remedies.ts";

/** The kernel, who this process is, and what a container leaves it. */
export function processChecks(facts: Facts): readonly MachineCheck[] {
  return [kernel(), user(facts), seccomp(facts), ...container(facts)];
}

/** openat2(2) and close_range(2) are what nothing can do without. */
const OLDEST = [5, 9] as const;

function kernel(): MachineCheck {
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))
    return ok("kernel", "kernel", `Linux ${release()}`);
  const detail = `Linux ${release()} is older than ${OLDEST.join(".")}`;
  return lacking("missing", ["kernel", "kernel"], detail, "run a newer kernel");
}

function user(facts: Facts): MachineCheck {
  const where = facts.isInUserNamespace ? "of a user namespace" : "of the machine";
  const place = facts.isContainer ? ", in a container" : "";
  if (facts.uid !== 0) return ok("user", "user", `uid ${facts.uid}, an ordinary user${place}`);
  if (has(facts, CAP_SYS_ADMIN)) return ok("user", "user", `root ${where}${place}`);
  const detail = `root ${where} without CAP_SYS_ADMIN${place}: it may neither mount nor make namespaces`;
  return lacking("limited", ["user", "user"], detail, CONTAINER_REMEDY);
}

function seccomp({ isFiltered, noNewPrivileges }: Facts): MachineCheck {
  const check = ["seccomp", "seccomp"] as const;
  if (isFiltered) {
    const detail = "this process runs under a filter of system calls, which may refuse what a sandbox is made of";
    return lacking("limited", check, detail, "docker run --security-opt seccomp=unconfined");
  }
  if (!noNewPrivileges) return ok(...check, "steps get a filter of system calls");
  const detail = "no_new_privs is set: sudo and newuidmap gain nothing";
  return lacking("limited", check, detail, "start tsbuild without no_new_privs");
}

function container(facts: Facts): readonly MachineCheck[] {
  const checks: MachineCheck[] = [];
  if (facts.maskedProc.length > 0) {
    const detail = `${facts.maskedProc.slice(0, 3).join(", ")}${facts.maskedProc.length > 3 ? ", …" : ""} are hidden: the kernel then refuses a step its own /proc`;
    const remedy = "docker run --security-opt systempaths=unconfined, or procMount: Unmasked in Kubernetes";
    checks.push(lacking("missing", ["proc", "/proc"], detail, remedy));
  } else checks.push(ok("proc", "/proc", "nothing is hidden in it"));
  return [...checks, ...chrootCapabilities(facts)];
}

/** Only of interest to who is root: an ordinary user enters a user namespace, and has them there. */
function chrootCapabilities(facts: Facts): readonly MachineCheck[] {
  const wanted = [
    ["CAP_SYS_CHROOT", CAP_SYS_CHROOT],
    ["CAP_MKNOD", CAP_MKNOD],
  ] as const;
  const missing = wanted.filter(([, capability]) => !has(facts, capability)).map(([name]) => name);
  if (facts.uid !== 0 || missing.length === 0) return [];
  const remedy = `docker run ${missing.map((name) => `--cap-add ${name.slice("CAP_".length)}`).join(" ")}`;
  return [
    lacking(
      "limited",
      ["capabilities", "capabilities"],
      `${missing.join(" and ")} is withheld: no chroot isolation`,
      remedy,
    ),
  ];
}
