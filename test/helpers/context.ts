import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { baseImage } from "./base-images.ts";
import { makeTempDir } from "./temp.ts";

/** A build context with these files, in a fresh temporary directory. */
export function makeContext(files: Readonly<Record<string, string>>): string {
  const context = makeTempDir("context");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), text);
  }
  return context;
}

/** The flags that make `FROM busybox` the image made of Debian's busybox-static. */
export async function busyboxFlags(): Promise<string[]> {
  return ["--build-context", `busybox=oci-layout://${await baseImage("busybox")}:latest`];
}

/** A Dockerfile of these lines. */
export function dockerfile(...lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
