import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TtyDisplay } from "../../../../builder/cli/progress/tty.ts";
import { log, Recorder, status, usage, vertex } from "./events.ts";

const test = suite("tty progress");

const ESC = String.fromCharCode(27);
const UP = new RegExp(`^${ESC}\\[(\\d+)A`);
const PARTS = new RegExp(`(${ESC}\\[\\d+A${ESC}\\[J|\n)`);

/** What a terminal shows after `text`: only the sequences that the display uses. */
function screen(text: string): readonly string[] {
  const lines: string[] = [""];
  for (const part of text.split(PARTS)) {
    const up = UP.exec(part)?.[1];
    if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Number(up) + 1, "");
    else if (part === "\n") lines.push("");
    else lines[lines.length - 1] += part;
  }
  return lines;
}

async function drawn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 250));
}

test("running steps are drawn in place with the end of their logs, finished ones stay above", async () => {
  const output = new Recorder();
  const display = new TtyDisplay(output, () => 2000);
  display.onEvent(vertex("[1/3] FROM a", "cached", 0));
  display.onEvent(vertex("[2/3] RUN x", "started", 1000));
  display.onEvent(log("[2/3] RUN x", "one\ntw", 1000));
  display.onEvent(status("[2/3] RUN x", "blob", 500, 2000, 1000));
  await drawn();
  assert.equal(screen(output.text), [
    " = CACHED [1/3] FROM a",
    " > [2/3] RUN x  1.0s",
    "   | blob 500B / 2.00kB",
    "   | one",
    "",
  ]);
  display.onEvent(log("[2/3] RUN x", "o\n", 1000));
  display.onEvent(vertex("[2/3] RUN x", "completed", 4100));
  display.close();
  assert.equal(screen(output.text), [" = CACHED [1/3] FROM a", " + [2/3] RUN x  3.1s", ""]);
});

test("a failed step's whole log is shown below it", () => {
  const output = new Recorder();
  const display = new TtyDisplay(output);
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  display.onEvent(vertex("a", "started", 0));
  display.onEvent(log("a", `${lines.join("\n")}\n`, 0));
  display.onEvent(vertex("a", "failed", 100, "no"));
  display.close();
  assert.equal(screen(output.text), [" x ERROR a  0.1s", "------", " > a:", ...lines, "------", ""]);
});

test("a line never takes two lines of the terminal, nor does it move the cursor", async () => {
  const output = new Recorder();
  const display = new TtyDisplay(output, () => 0);
  display.onEvent(vertex(`[1/1] RUN ${"x".repeat(100)}`, "started", 0));
  display.onEvent(log(`[1/1] RUN ${"x".repeat(100)}`, `\u001b[31m\u001b[2J${"日本".repeat(40)}\nold\rnew\n`, 0));
  await drawn();
  const shown = screen(output.text);
  assert.equal(shown.at(0), ` > [1/1] RUN ${"x".repeat(19)}…  0.0s`);
  assert.equal(shown.at(1), `   | ${"日本".repeat(8)}…`);
  assert.equal(shown.at(2), "   | new");
  display.close();
});

test("a line from outside the build stands between what is finished and what runs", async () => {
  const output = new Recorder();
  const display = new TtyDisplay(output, () => 0);
  display.onEvent(vertex("a", "started", 0));
  await drawn();
  display.say("SIGINT: stopping");
  await drawn();
  assert.equal(screen(output.text), ["SIGINT: stopping", " > a  0.0s", ""]);
  display.close();
});

test("no more is drawn than the terminal has lines", async () => {
  const output = new Recorder();
  const display = new TtyDisplay(output, () => 0);
  for (let i = 0; i < 30; i++) display.onEvent(vertex(`step ${i}`, "started", 0));
  await drawn();
  assert.is(screen(output.text).length, output.rows);
  display.close();
});

test("what a step used stands behind its time, where the line has room", async () => {
  const output = new Recorder();
  const display = new TtyDisplay(output, () => 0);
  for (const name of ["short", "a name with no room behind it"]) {
    display.onEvent(vertex(name, "started", 0));
    display.onEvent(usage(name));
    display.onEvent(vertex(name, "completed", 3000));
  }
  await drawn();
  assert.equal(screen(output.text), [
    " + short  3.0s  1.2s cpu 214.50MB",
    " + a name with no room behind it  3.0s",
    "",
  ]);
  display.close();
});

test.run();
