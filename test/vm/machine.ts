import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a machine is started with. */
export interface MachineOptions {
  readonly kernel: string;
  readonly initramfs: string;
  /** A disk image: the guest's /dev/vda. */
  readonly disk: string;
  /** A folder for sockets, which the machine does not remove. */
  readonly place: string;
  /** Where the guest's second serial port goes. */
  readonly records: string;
  readonly memoryMiB: number;
  readonly signal: AbortSignal;
}

const FILE_SERVERS = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];
const CONSOLE = "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off";

/** The program that shows the host's files to the guest, or undefined where there is none. */
export function fileServer(): string | undefined {
  return FILE_SERVERS.find((path) => existsSync(path));
}

/**
 * Boots a machine that sees the host's files as tag `host`, and waits until it powers off. Its console is this process's standard
 * output. Both processes end with this one, however that ends. Throws when the machine does not start, and when `signal` aborts.
 */
export async function runMachine(options: MachineOptions): Promise<void> {
  const socket = join(options.place, "files.sock");
  const shared = ["-o", "source=/,cache=always,sandbox=chroot"];
  const files = bound([fileServer() ?? "", `--socket-path=${socket}`, ...shared], "ignore");
  try {
    await untilThere(socket, files, options.signal);
    const machine = bound(["qemu-system-x86_64", ...machineArguments(options, socket)]);
    const stop = () => machine.kill("SIGKILL");
    options.signal.addEventListener("abort", stop);
    const [code] = await once(machine, "close");
    options.signal.removeEventListener("abort", stop);
    options.signal.throwIfAborted();
    if (code !== 0) throw new Error(`qemu ended with exit code ${code}`);
  } finally {
    if (files.exitCode === null && files.signalCode === null) {
      files.kill("SIGKILL");
      await once(files, "close");
    }
  }
}

/** Starts a program that is killed when this process ends: prctl(2), PR_SET_PDEATHSIG. */
function bound(argv: readonly string[], output: "inherit" | "ignore" = "inherit"): ChildProcess {
  return spawn("setpriv", ["--pdeathsig", "KILL", ...argv], { stdio: ["ignore", output, output] });
}

function machineArguments({ kernel, initramfs, disk, records, memoryMiB }: MachineOptions, socket: string): string[] {
  const memory = `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`;
  return [
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35", "-smp", "2"],
    ...["-m", `${memoryMiB}`, "-object", memory, "-numa", "node,memdev=memory"],
    ...["-chardev", `socket,id=files,path=${socket}`, "-device", "vhost-user-fs-pci,chardev=files,tag=host"],
    ...["-drive", `file=${disk},if=none,id=disk,format=raw,cache=unsafe`, "-device", "virtio-blk-pci,drive=disk"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-serial", "stdio", "-serial", `file:${records}`],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", CONSOLE],
  ];
}

async function untilThere(socket: string, server: ChildProcess, signal: AbortSignal): Promise<void> {
  while (!existsSync(socket)) {
    if (server.exitCode !== null) throw new Error("virtiofsd did not start; it needs root");
    await sleep(20, undefined, { signal });
  }
}
