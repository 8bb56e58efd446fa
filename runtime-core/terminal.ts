import { binding } from "./native.ts";

/**
 * Puts the terminal that a standard descriptor of this process is into raw mode: every key is a byte, and every byte written is
 * shown as it is. Returns what gives it back its modes, which may be called again. Throws when it is no terminal.
 */
export function makeTerminalRaw(fd: 0 | 1 | 2): () => void {
  const terminal = binding().makeTerminalRaw(fd);
  return () => terminal.restore();
}
