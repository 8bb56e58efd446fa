import { makeTerminalRaw } from "../../runtime-core/index.ts";
import type { RunningStep, TerminalSize } from "../index.ts";

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** The size of the terminal this process writes to. */
export function terminalSize(): TerminalSize {
  const output = [process.stdout, process.stderr].find(({ isTTY }) => isTTY === true);
  if (output === undefined || !(output.columns > 0)) return DEFAULT_SIZE;
  return { columns: output.columns, rows: output.rows };
}

/**
 * Connects this process's terminal with that of a step: keys go there as they are typed, Ctrl-C too, and its size follows.
 * Returns what gives the terminal back; the end of this process does so too.
 */
export function connectTerminal(step: RunningStep, isInteractive: boolean): () => void {
  const resize = () => step.resize(terminalSize());
  const restore = isInteractive && process.stdin.isTTY === true ? makeTerminalRaw(0) : () => {};
  process.on("SIGWINCH", resize);
  process.on("exit", restore);
  // It may have changed while the image was being pulled.
  resize();
  return () => {
    process.off("SIGWINCH", resize);
    process.off("exit", restore);
    restore();
  };
}
