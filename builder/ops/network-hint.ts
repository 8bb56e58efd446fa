/** What resolvers of libc, busybox, curl, apt, npm, pip and Go print when a name has no answer. */
const NO_NAME =
  /temporary failure (?:in name resolution|resolving)|could not resolve|name or service not known|bad address|EAI_AGAIN|ENOTFOUND|no such host|server misbehaving|network is unreachable|unable to resolve/i;

const TAIL_BYTES = 16 * 1024;

/** The last bytes that a step printed. */
export class OutputTail {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    while (this.#bytes - (this.#chunks[0]?.byteLength ?? 0) > TAIL_BYTES) {
      this.#bytes -= this.#chunks.shift()?.byteLength ?? 0;
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** The hint for a step without a network that looked for a name. */
export function nameResolutionHint(output: string): string | undefined {
  if (!NO_NAME.test(output)) return undefined;
  return "RUN has no network unless it is given one: use `tsbuild build --network host`, or `RUN --network=host` for this step";
}
