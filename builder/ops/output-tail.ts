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
