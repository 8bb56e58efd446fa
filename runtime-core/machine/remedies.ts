/** What makes a container give tsbuild its sandbox. Docker's flags; podman has the same. */
export const CONTAINER_REMEDY =
  "docker run --cap-add SYS_ADMIN --cap-add SYS_TIME --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined, or --privileged";

/** What forbids ordinary users a namespace: a sysctl, the values that do, and the value that does not. */
export const NAMESPACE_SWITCHES: readonly { readonly name: string; readonly off: RegExp; readonly on: string }[] = [
  { name: "user.max_user_namespaces", off: /^0$/, on: "15000" },
  { name: "kernel.unprivileged_userns_clone", off: /^0$/, on: "1" },
  { name: "kernel.apparmor_restrict_unprivileged_userns", off: /^[12]$/, on: "0" },
];

/** The file of a sysctl. */
export function sysctlPath(name: string): string {
  return `/proc/sys/${name.replace(".", "/")}`;
}
