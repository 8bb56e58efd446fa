import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOutput } from "./command.ts";

const DIRECTORIES = [
  "bin",
  "dev",
  "etc",
  "home",
  "lib",
  "proc",
  "root",
  "run",
  "sys",
  "tmp",
  "usr/bin",
  "usr/sbin",
  "var/tmp",
];
const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": [
    "root:x:0:0:root:/root:/bin/sh",
    "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
    "www-data:x:33:33:www-data:/var/www:/bin/false",
    "nobody:x:65534:65534:nobody:/home:/bin/false",
  ].join("\n"),
  "etc/group": ["root:x:0:", "daemon:x:1:", "staff:x:50:www-data", "www-data:x:33:", "nogroup:x:65534:"].join("\n"),
};

/** A root filesystem of one static program, Debian's busybox-static, under `work`. Returns its path. */
export async function makeBusyboxTree(work: string): Promise<string> {
  const root = join(work, "busybox");
  for (const directory of DIRECTORIES) mkdirSync(join(root, directory), { recursive: true });
  for (const directory of ["tmp", "var/tmp"]) chmodSync(join(root, directory), 0o1777);
  chmodSync(join(root, "root"), 0o700);
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(root, path), `${text}\n`, { mode: 0o644 });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  const applets = (await commandOutput(["/bin/busybox", "--list"])).trim().split("\n");
  for (const applet of applets.filter((name) => name !== "busybox")) symlinkSync("busybox", join(root, "bin", applet));
  symlinkSync("../../bin/env", join(root, "usr/bin/env"));
  return root;
}
