import type { FailedStep } from "../failed-step.ts";
import { printable } from "./printable.ts";
import { connectTerminal, terminalSize } from "./raw-terminal.ts";
import { reportError } from "./report-error.ts";
import { standardError } from "./terminal.ts";

/** `--on-error shell`: shows what failed, and opens a shell in its root on this process's terminal. Returns when it has ended. */
export async function openShell(failed: FailedStep): Promise<void> {
  const output = standardError(process.env);
  const shell = await failed.findShell();
  output.write(`\n${reportError(failed.error, { color: output.color, annotate: false })}`);
  if (shell === undefined) {
    output.write("no shell can be opened: the root has neither what SHELL and $SHELL name nor /bin/sh\n");
    return;
  }
  output.write(`\nThis is ${shell} where ${printable(failed.name)} has failed, in ${printable(failed.cwd)}.\n`);
  output.write("What you change is thrown away. exit or Ctrl-D ends it, and the build.\n");
  let disconnect = () => {};
  try {
    await failed.run([shell], {
      terminal: terminalSize(),
      stdin: process.stdin,
      onStdout: write,
      onStart: (step) => {
        disconnect = connectTerminal(step, true);
      },
    });
  } finally {
    disconnect();
  }
}

/** Standard output may be redirected: the shell belongs to the terminal, as progress does. */
function write(chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stderr.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
