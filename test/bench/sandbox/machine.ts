import { cpus, loadavg, release } from "node:os";
import { runCommand } from "../../helpers/command.ts";

const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  runc: ["/usr/sbin/runc", "--version"],
  crun: ["/usr/bin/crun", "--version"],
  bwrap: ["/usr/bin/bwrap", "--version"],
  gcc: ["gcc", "--version"],
};

/** A sentence when other programs keep the cores busy: the figures then say more of these than of what is timed. */
export function busyWarning(): string | undefined {
  const [load = 0] = loadavg();
  if (load <= cpus().length / 2) return undefined;
  return `warning: the machine is busy, load ${load.toFixed(1)} on ${cpus().length} cores: run this again when it is quiet`;
}

/** What the figures were taken on. */
export async function describeMachine(): Promise<Readonly<Record<string, string>>> {
  const [one, five] = loadavg().map((load) => load.toFixed(1));
  return {
    cpu: `${cpus()[0]?.model}, ${cpus().length} cores, load ${one} (1 min) ${five} (5 min)`,
    kernel: release(),
    node: process.version,
    ...Object.fromEntries(await Promise.all(Object.entries(VERSIONS).map(version))),
  };
}

async function version([name, argv]: [string, readonly string[]]): Promise<[string, string]> {
  const result = await runCommand(argv).catch(() => undefined);
  return [name, result?.stdout.split("\n", 1)[0] ?? "not there"];
}
