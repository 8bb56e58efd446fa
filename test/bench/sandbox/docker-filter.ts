import { readFileSync } from "node:fs";
import { arch } from "node:os";

/** Docker's default capabilities: what the runtimes get beside Docker's filter, and what a step of tsbuild has. */
export const DOCKER_CAPABILITIES: readonly string[] = [
  ..."CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD".split(" "),
  ..."AUDIT_WRITE SETFCAP".split(" "),
].map((name) => `CAP_${name}`);

/** Where Debian's golang-github-containers-common has it. */
export const FILTER_FILE = "/usr/share/containers/seccomp.json";

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly unknown[];
  readonly errnoRet?: number;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
}

interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly syscalls: readonly Rule[];
}

/** The filter that podman and Docker hand to a runtime, for this machine: runtime-spec v1.1, config-linux.md, "Seccomp". */
export function dockerFilter(): object {
  const profile: Profile = JSON.parse(readFileSync(FILTER_FILE, "utf8"));
  const [machine, architecture] = arch() === "arm64" ? ["arm64", "SCMP_ARCH_AARCH64"] : ["amd64", "SCMP_ARCH_X86_64"];
  const isMet = ({ arches, caps }: Condition = {}) =>
    (arches?.includes(machine) ?? true) && (caps?.every((name) => DOCKER_CAPABILITIES.includes(name)) ?? true);
  const isExcluded = ({ arches, caps }: Condition = {}) =>
    (arches?.includes(machine) ?? false) || (caps?.some((name) => DOCKER_CAPABILITIES.includes(name)) ?? false);
  const { subArchitectures = [] } = profile.archMap.find((row) => row.architecture === architecture) ?? {};
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: [architecture, ...subArchitectures],
    syscalls: profile.syscalls
      .filter((rule) => isMet(rule.includes) && !isExcluded(rule.excludes))
      .map(({ names, action, args, errnoRet }) => ({ names, action, args: args ?? [], errnoRet })),
  };
}
