/** What the guest's tests came to, as one user. */
export interface RunRecord {
  /** A word of test/run.ts's `--as`. */
  readonly who: string;
  readonly exitCode: number;
  /** The runner's last line: `N passed, N failed`. */
  readonly summary: string;
}

/** What the guest said on its second serial port. */
export interface Records {
  /** Release of the kernel, seconds since its start, and the cgroup controllers; undefined when the guest never got so far. */
  readonly ready: string | undefined;
  readonly runs: readonly RunRecord[];
  /** The guest's exit code; undefined when it did not come to its end. */
  readonly exitCode: number | undefined;
}

/** Reads the records of guest/guest.sh. */
export function parseRecords(text: string): Records {
  const lines = text.split(/\r?\n/);
  const runs = lines.flatMap((line) => {
    const [, who, code, summary] = /^done (\S+) (\d+) (.*)$/.exec(line) ?? [];
    return who === undefined || summary === undefined ? [] : [{ who, exitCode: Number(code), summary }];
  });
  const end = rest(lines, "end");
  return { ready: rest(lines, "ready"), runs, exitCode: end === undefined ? undefined : Number.parseInt(end, 10) };
}

function rest(lines: readonly string[], word: string): string | undefined {
  return lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
}
