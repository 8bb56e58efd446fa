import { binding } from "../native.ts";
import { lacking, type MachineCheck, ok } from "./check.ts";
import { CAP_SYS_ADMIN, errnoText, type Facts, has, readText } from "./facts.ts";
import { CONTAINER_REMEDY, NAMESPACE_SWITCHES, sysctlPath } from "./remedies.ts";

const ENOSPC = 28;
const EUSERS = 87;

/** Each of the eight kinds, tried: namespaces(7). */
export function namespaceChecks(facts: Facts): readonly MachineCheck[] {
  const tried = binding().tryNamespaces(!has(facts, CAP_SYS_ADMIN));
  return tried.map(({ name, errno }) => {
    const check = [`namespaces.${name}`, `${name} namespace`] as const;
    if (errno == null) return ok(...check, "can be made");
    const { detail, remedy } = whyRefused(name, errno, facts);
    return lacking("missing", check, detail, remedy);
  });
}

function whyRefused(name: string, errno: number, facts: Facts): { readonly detail: string; readonly remedy: string } {
  const text = errnoText(errno);
  if (errno === ENOSPC || errno === EUSERS) {
    const sysctl = `user.max_${name === "mount" ? "mnt" : name}_namespaces`;
    const value = readText(sysctlPath(sysctl))?.trim();
    return { detail: `${text}: ${sysctl} is ${value ?? "exhausted"}`, remedy: `as root: sysctl ${sysctl}=15000` };
  }
  const forbidding = NAMESPACE_SWITCHES.find(({ name, off }) => off.test(readText(sysctlPath(name))?.trim() ?? ""));
  if (forbidding !== undefined && facts.uid !== 0) {
    return {
      detail: `${text}: ${forbidding.name} forbids it`,
      remedy: `as root: sysctl ${forbidding.name}=${forbidding.on}`,
    };
  }
  if (facts.isFiltered) return { detail: `${text}: a filter of system calls refuses it`, remedy: CONTAINER_REMEDY };
  if (name === "time") return { detail: text, remedy: "a kernel with CONFIG_TIME_NS (Linux 5.6)" };
  return { detail: text, remedy: facts.uid === 0 ? CONTAINER_REMEDY : "run as root" };
}
