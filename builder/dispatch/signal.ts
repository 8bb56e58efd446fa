/** The names of signal(7) on Linux, without SIG: a list of our own, since an image is built for Linux wherever this runs. */
const NAMES: ReadonlySet<string> = new Set([
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS".split(" "),
  ..."TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split(" "),
  ...Array.from({ length: 15 }, (_, offset) => `RTMIN+${offset + 1}`),
  ...Array.from({ length: 14 }, (_, offset) => `RTMAX-${offset + 1}`),
]);

/** The names, as STOPSIGNAL may have them. */
export const SIGNAL_NAMES: readonly string[] = [...NAMES].map((name) => `SIG${name}`);

/** Whether a name, with or without SIG and in any case, or a number but 0 is a signal (moby/sys signal.ParseSignal). */
export function isSignal(text: string): boolean {
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0 && Math.abs(Number(text)) < 2 ** 63;
  return NAMES.has(text.toUpperCase().replace(/^SIG/, ""));
}
