import { BuildError } from "./errors.ts";

/** The largest Dockerfile that is read: past it something else was named by mistake. */
export const MAX_DOCKERFILE_BYTES: number = 16 * 1024 * 1024;

/** The text of a Dockerfile called `name` in messages. Throws DOCKERFILE_UNREADABLE for what is not UTF-8. */
export function decodeDockerfile(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new BuildError("DOCKERFILE_UNREADABLE", `${name} is not UTF-8 text`, { cause });
  }
}

/** For one that is larger than may be read. */
export function dockerfileTooLarge(name: string, bytes: number): BuildError {
  return new BuildError("DOCKERFILE_UNREADABLE", `${name} has ${bytes} bytes, more than a Dockerfile may have`);
}

/** Where a Dockerfile is looked for: one whose file name is `Dockerfile` may be called `dockerfile` too (moby#10858). */
export function dockerfileNames(path: string): readonly string[] {
  return /(?:^|\/)Dockerfile$/.test(path) ? [path, path.replace(/Dockerfile$/, "dockerfile")] : [path];
}

/** Beside which Dockerfile the rules are, which go before the context's own. */
export function ownIgnoreFile(dockerfile: string): string {
  return `${dockerfile}.dockerignore`;
}
