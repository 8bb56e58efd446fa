import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileServer } from "./machine.ts";

/** Programs that boot the machine, and Debian's packages of them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  "mkfs.ext4": "e2fsprogs",
  setpriv: "util-linux",
  "dpkg-deb": "dpkg",
};

/** What keeps the machine from being booted here, and what to do about it: none is the empty list. */
export function missing(): readonly string[] {
  const packages = Object.entries(PROGRAMS).flatMap(([program, name]) => (isOnPath(program) ? [] : [name]));
  if (fileServer() === undefined) packages.push("qemu-system-common");
  const problems = packages.length > 0 ? [`apt-get install --no-install-recommends ${packages.join(" ")}`] : [];
  if (process.arch !== "x64")
    problems.push(`an x64 machine: the guest's programs are this one's, which is ${process.arch}`);
  if (process.geteuid?.() !== 0) problems.push("root: virtiofsd shows the guest files of every owner");
  return problems;
}

function isOnPath(program: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
