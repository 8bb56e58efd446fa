import { constants } from "node:os";

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** Whether a name, with or without SIG and in any case, or a number is a signal of Linux (signal(7)). */
export function isSignal(text: string): boolean {
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0;
  const name = text.toUpperCase().replace(/^SIG/, "");
  return Object.hasOwn(constants.signals, `SIG${name}`) || isRealtime(name);
}

/** `RTMIN`, `RTMIN+n`, `RTMAX-n`, `RTMAX`. */
function isRealtime(name: string): boolean {
  const match = /^(?:RTMIN(?:\+(\d+))?|RTMAX(?:-(\d+))?)$/.exec(name);
  const offset = Number(match?.[1] ?? match?.[2] ?? 0);
  return match !== null && offset <= (LAST_REALTIME - FIRST_REALTIME) / 2;
}
