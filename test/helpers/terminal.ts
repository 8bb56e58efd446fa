import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { SLOWDOWN } from "./slowdown.ts";

/**
 * Runs its arguments on a pseudo-terminal of their own. Lines of JSON on standard input are what is typed, or a new size; what the
 * terminal shows goes to standard output, and the program's pid is the first line of standard error.
 */
const HOLDER = `
import fcntl, json, os, pty, select, struct, sys, termios
def size(columns, rows):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
pid, master = pty.fork()
if pid == 0:
    os.read(0, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
size(90, 28)
os.write(master, b"\\n")
print(pid, file=sys.stderr, flush=True)
pending = b""
sources = [0, master]
while master in sources:
    for ready in select.select(sources, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(ready)
        elif ready == master:
            os.write(1, data)
        else:
            *lines, pending = (pending + data).split(b"\\n")
            for line in lines:
                message = json.loads(line)
                if isinstance(message, str): os.write(master, message.encode("latin1"))
                else: size(*message)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
`;

/** A program on a terminal of 90 columns and 28 rows, and somebody who types there. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly #pid: Promise<number>;
  #shown = "";
  #seen = 0;

  constructor(argv: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) {
    const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
    const child = spawn("python3", ["-c", HOLDER, ...argv], { env: Object.fromEntries(environment), stdio: "pipe" });
    child.stdout.on("data", (data: Buffer) => {
      this.#shown += data.toString("latin1");
    });
    child.stdin.on("error", () => {});
    this.#child = child;
    this.#exit = once(child, "exit");
    this.#pid = once(child.stderr, "data").then(([line]) => Number.parseInt(String(line), 10));
  }

  /** All that the terminal has shown, as bytes. */
  get shown(): string {
    return this.#shown;
  }

  /** Waits until what is shown since the last match matches. Throws after half a minute, on a usual machine. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    for (let tries = 0; tries < 600 * SLOWDOWN; tries++) {
      const match = pattern.exec(this.#shown.slice(this.#seen));
      if (match !== null) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      await sleep(50);
    }
    this.#child.kill("SIGKILL");
    throw new Error(`${pattern} was not shown:\n${this.#shown}`);
  }

  /** Types keys; "\r" is Return, "\x03" Ctrl-C. */
  type(keys: string): void {
    this.#child.stdin?.write(`${JSON.stringify(keys)}\n`);
  }

  resize(columns: number, rows: number): void {
    this.#child.stdin?.write(`${JSON.stringify([columns, rows])}\n`);
  }

  /** Sends the program itself a signal. */
  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(await this.#pid, name);
  }

  /** Waits for the program's end: its exit code, 128 and the number of the signal that ended it. */
  async exit(): Promise<number> {
    const [code] = await this.#exit;
    return Number(code);
  }
}
