import type { DisplayOutput } from "./progress/display.ts";

/** Standard error as a display writes it. Colours: on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb. */
export function standardError(env: NodeJS.ProcessEnv): DisplayOutput {
  const { stderr } = process;
  const isTTY = stderr.isTTY === true && env["TERM"] !== "dumb";
  return {
    write: (text) => {
      if (text !== "") stderr.write(text);
    },
    isTTY,
    color: isTTY && !env["NO_COLOR"],
    size: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
  };
}
