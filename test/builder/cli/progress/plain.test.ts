import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PlainDisplay } from "../../../../builder/cli/progress/plain.ts";
import type { BuildEvent } from "../../../../builder/events.ts";
import { digest, log, Recorder, status, usage, vertex } from "./events.ts";

const test = suite("plain progress");

function show(...events: readonly BuildEvent[]): string {
  const output = new Recorder();
  const display = new PlainDisplay(output);
  for (const event of events) display.onEvent(event);
  display.close();
  return output.text;
}

test("steps are numbered, timed from their start, and end in what became of them", () => {
  const text = show(
    vertex("[1/3] FROM a", "cached", 10),
    vertex("[2/3] RUN npm ci", "started", 100),
    log("[2/3] RUN npm ci", "one\ntwo\n", 412),
    vertex("[2/3] RUN npm ci", "completed", 3200),
    vertex("[3/3] RUN x", "started", 3300),
    log("[3/3] RUN x", "oops\n", 3350, "stderr"),
    vertex("[3/3] RUN x", "failed", 3400, 'process "/bin/sh -c x" did not complete successfully: exit code: 3'),
  );
  assert.is(
    text,
    `#1 [1/3] FROM a
#1 CACHED

#2 [2/3] RUN npm ci
#2 0.312 one
#2 0.312 two
#2 DONE 3.1s

#3 [3/3] RUN x
#3 0.050 oops
#3 ERROR: process "/bin/sh -c x" did not complete successfully: exit code: 3
`,
  );
});

test("a line that comes in pieces is one line, and the last needs no newline", () => {
  const bytes = Buffer.from("é");
  const event = (data: Uint8Array): BuildEvent => ({
    type: "log",
    digest: digest("a"),
    stream: "stdout",
    data,
    timeMs: 0,
  });
  const text = show(
    vertex("a", "started", 0),
    event(Buffer.from("x")),
    event(bytes.subarray(0, 1)),
    event(bytes.subarray(1)),
    log("a", "\r\npartial", 0),
    vertex("a", "completed", 0),
  );
  assert.is(text, "#1 a\n#1 0.000 xé\n#1 0.000 partial\n#1 DONE 0.0s\n");
});

test("steps that run at once take turns instead of mixing their lines", () => {
  const text = show(
    vertex("a", "started", 0),
    vertex("b", "started", 0),
    log("a", "a1\n", 0),
    log("b", "b1\n", 0),
    log("a", "a2\n", 0),
    vertex("a", "completed", 0),
    log("b", "b2\n", 0),
    vertex("b", "canceled", 0),
  );
  assert.is(text, "#1 a\n#1 0.000 a1\n#1 0.000 a2\n#1 DONE 0.0s\n\n#2 b\n#2 0.000 b1\n#2 0.000 b2\n#2 CANCELED\n");
});

test("a step that waits long is shown although the other goes on", async () => {
  const output = new Recorder();
  const display = new PlainDisplay(output);
  display.onEvent(vertex("a", "started", 0));
  display.onEvent(vertex("b", "started", 0));
  display.onEvent(log("b", "b1\n", 0));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  display.onEvent(log("a", "a1\n", 0));
  display.close();
  assert.is(output.text, "#1 a\n#1 ...\n\n#2 b\n#2 0.000 b1\n#2 ...\n\n#1 a\n#1 0.000 a1\n");
});

test("a long log is written whole", () => {
  const line = "x".repeat(200_000);
  const text = show(vertex("a", "started", 0), log("a", `${line}\n`, 0), vertex("a", "completed", 0));
  assert.is(text.replace(/\n?#1 0.000 /g, "").includes(line), true);
});

test("a blob is said once, when it is there", () => {
  const text = show(
    vertex("a", "started", 0),
    status("a", "sha256:1 pulling", 1, 3_410_000, 100),
    status("a", "sha256:1 pulling", 3_410_000, 3_410_000, 300),
    status("a", "sha256:1 pulling", 3_410_000, 3_410_000, 400),
    vertex("a", "completed", 500),
  );
  assert.is(text, "#1 a\n#1 sha256:1 pulling 3.41MB / 3.41MB 0.3s done\n#1 DONE 0.5s\n");
});

test("warnings come at the end", () => {
  const position = { line: 3, column: 1 };
  const text = show(
    { type: "warning", code: "A", message: "one", timeMs: 0, range: { file: "D", start: position, end: position } },
    { type: "warning", code: "B", message: "two", timeMs: 0 },
  );
  assert.is(text, "\n 2 warnings found:\n - A: one (line 3)\n - B: two\n");
});

test("a name of several lines is one line", () => {
  assert.is(show(vertex("a\n  b", "cached", 0)), "#1 a b\n#1 CACHED\n");
});

test("what a step used stands before its end, without what it used nothing of", () => {
  const idle = { wallMs: 9, cpuUserMs: 1, cpuSystemMs: 1, ioReadBytes: 0, ioWrittenBytes: 0, layerBytes: 0 };
  const text = show(
    vertex("a", "started", 0),
    usage("a"),
    vertex("a", "completed", 3000),
    vertex("b", "started", 3000),
    usage("b", idle),
    vertex("b", "failed", 3009, "no"),
    usage("a"),
  );
  const used = "used 1.2s cpu, 214.50MB memory, 3.40MB written, 1.02MB added, 12 processes";
  assert.is(text, `#1 a\n#1 ${used}\n#1 DONE 3.0s\n\n#2 b\n#2 used 0.0s cpu\n#2 ERROR: no\n`);
});

test.run();
