import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TSBUILD } from "./cli.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";
import { makeTempDir } from "./temp.ts";

const RUNC = "/usr/sbin/runc";
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** moby profiles/capabilities: what `docker run` gives. */
const DOCKERS = [
  ...["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
];

/** What its filter of system calls refuses to root without CAP_SYS_ADMIN, as far as a builder might want it. */
const REFUSED = [
  ...["unshare", "setns", "mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount"],
  ...["fspick", "mount_setattr", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"],
];

const MASKED = ["/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export interface ContainerOptions {
  /** Capabilities beside Docker's, or without some of them. */
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  /** `--security-opt seccomp=unconfined`. */
  readonly isUnfiltered?: boolean;
  /** `--security-opt systempaths=unconfined`. */
  readonly isUnmasked?: boolean;
  /** Directories that it can write, beside its own `home`. */
  readonly writable?: readonly string[];
}

/**
 * A container as `docker run` makes it, by runc: root with 14 capabilities, a filter that refuses namespaces and mounts, and a masked
 * /proc. It shows the machine's programs, Node and the repository, read-only.
 */
export class Container {
  /** Writable, and the same path outside. */
  readonly home: string = makeTempDir("container");
  readonly #options: ContainerOptions;
  #count = 0;

  constructor(options: ContainerOptions = {}) {
    this.#options = options;
  }

  /** Runs the CLI from the sources. */
  tsbuild(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.run([...TSBUILD, ...args], options);
  }

  /** Runs a command line as root of a new container. */
  async run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    this.#count += 1;
    const bundle = makeTempDir("bundle");
    mkdirSync(join(bundle, "rootfs"));
    for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(bundle, "rootfs", name));
    writeFileSync(join(bundle, "config.json"), JSON.stringify(this.#config(argv)));
    const id = `tsbuild-container-${process.pid}-${this.#count}`;
    return await runCommand([RUNC, "--root", join(bundle, "state"), "run", "--bundle", bundle, id], options);
  }

  #config(argv: readonly string[]): object {
    const { add = [], drop = [], isUnfiltered = false, isUnmasked = false } = this.#options;
    const names = [...DOCKERS.filter((name) => !drop.includes(name)), ...add].map((name) => `CAP_${name}`);
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: this.home, TMPDIR: this.home, NO_COLOR: "1" };
    return {
      ociVersion: "1.0.2",
      process: {
        user: { uid: 0, gid: 0 },
        args: argv,
        env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        cwd: this.home,
        capabilities: { bounding: names, effective: names, permitted: names },
      },
      root: { path: "rootfs" },
      hostname: "container",
      mounts: this.#mounts(),
      linux: {
        namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })),
        ...(isUnmasked ? {} : { maskedPaths: MASKED, readonlyPaths: READ_ONLY }),
        ...(isUnfiltered ? {} : { seccomp: SECCOMP }),
      },
    };
  }

  #mounts(): readonly object[] {
    const { writable = [] } = this.#options;
    const bind = (path: string, mode: "ro" | "rw") => ({
      destination: path,
      type: "bind",
      source: path,
      options: ["rbind", mode],
    });
    const kernel = [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    ];
    // A checkout may keep its caches elsewhere.
    const linked = ["node_modules", ".cache"].map((name) => realpathSync(join(REPOSITORY, name)));
    const shown = ["/usr", "/etc", dirname(dirname(process.execPath)), REPOSITORY, ...linked];
    const machine = [...new Set(shown)].map((path) => bind(path, "ro"));
    return [...kernel, ...machine, ...[this.home, ...writable].map((path) => bind(path, "rw"))];
  }
}

/** Bits of clone(2) for new namespaces: cgroup, ipc, net, mount, pid, user, uts. */
const NEW_NAMESPACES = [0x2000000, 0x8000000, 0x40000000, 0x20000, 0x20000000, 0x10000000, 0x4000000];
const ENOSYS = 38;

const SECCOMP = {
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
  syscalls: [
    { names: REFUSED, action: "SCMP_ACT_ERRNO", errnoRet: 1 },
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
    ...NEW_NAMESPACES.map((bit) => ({
      names: ["clone"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 1,
      args: [{ index: 0, value: bit, valueTwo: bit, op: "SCMP_CMP_MASKED_EQ" }],
    })),
  ],
};
