import { isUtf8 } from "node:buffer";
import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";

/** The largest Dockerfile that is read: past it something else was named by mistake. */
export const MAX_DOCKERFILE_BYTES: number = 16 * 1024 * 1024;

/**
 * The text of a Dockerfile called `name` in messages. Comments may be in any encoding, as for docker. Throws
 * DOCKERFILE_UNREADABLE at the first character of an instruction or a heredoc that is not UTF-8.
 */
export function decodeDockerfile(bytes: Uint8Array, name: string): string {
  if (isUtf8(bytes)) return decode(bytes);
  const text = decode(bytes);
  let hasHeredocs = false;
  for (const [index, line] of splitLines(bytes).entries()) {
    const isComment = /^[\t\v\f\r ]*#/.test(decode(line)) && !hasHeredocs;
    if (!isComment && !isUtf8(line)) throw notUtf8({ file: name, text }, bytes, index + 1, decode(line));
    hasHeredocs ||= line.includes("<<");
  }
  return text;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function splitLines(bytes: Uint8Array): readonly Buffer[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: Buffer[] = [];
  for (let start = 0; start <= buffer.length; ) {
    const newline = buffer.indexOf(0x0a, start);
    const end = newline < 0 ? buffer.length : newline;
    lines.push(buffer.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function notUtf8(source: SourceFile, bytes: Uint8Array, line: number, text: string): BuildError {
  const column = text.indexOf("\ufffd") + 1;
  const range = { file: source.file, start: { line, column }, end: { line, column: column + 1 } };
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const hint = isUtf16 ? "it is UTF-16, as some programs of Windows write: save it as UTF-8" : "save it as UTF-8";
  return new BuildError("DOCKERFILE_UNREADABLE", `${source.file} is not UTF-8 text`, { range, source, hint });
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
