import type { SandboxSpec, WritableRootfs } from "../../runtime-core/index.ts";

/** A spec that runs `script` by the root's /bin/sh as root, with no limits and no network. */
export function specOf(rootfs: WritableRootfs, script: string): SandboxSpec {
  return {
    rootfs,
    argv: ["/bin/sh", "-c", script],
    env: ["PATH=/bin:/usr/bin"],
    cwd: "/",
    user: { uid: 0, gid: 0, additionalGids: [] },
    hostname: "step",
    network: "none",
    hosts: "127.0.0.1 localhost\n",
    resolvConf: "nameserver 192.0.2.1\n",
    limits: {},
    noNewPrivileges: false,
    mounts: [],
  };
}
