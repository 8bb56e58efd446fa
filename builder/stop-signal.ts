import { constants } from "node:os";
import { BuildError } from "./errors.ts";

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** The number of a signal as STOPSIGNAL and `--stop-signal` write it: `SIGTERM`, `term`, `15`, `RTMIN+3`. Throws INVALID_SIGNAL. */
export function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const number = /^\d+$/.test(name) ? Number(name) : (realtime(name) ?? named(`SIG${name}`));
  if (number !== undefined && number > 0 && number <= LAST_REALTIME) return number;
  throw new BuildError("INVALID_SIGNAL", `invalid signal: ${text}`, {
    hint: "it is a name such as SIGTERM, or a number",
  });
}

function named(name: string): number | undefined {
  return (constants.signals as Readonly<Record<string, number>>)[name];
}

function realtime(name: string): number | undefined {
  const [, end, offset = "0"] = /^RT(MIN|MAX)(?:[+-](\d+))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  return end === "MIN" ? FIRST_REALTIME + Number(offset) : LAST_REALTIME - Number(offset);
}
