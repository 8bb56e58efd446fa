import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RawJsonDisplay } from "../../../../builder/cli/progress/rawjson.ts";
import type { BuildEvent } from "../../../../builder/events.ts";
import { digest, log, Recorder, status, USAGE, usage, vertex } from "./events.ts";

const test = suite("rawjson progress");
const at = (ms: number) => new Date(ms).toISOString();

function show(...events: readonly BuildEvent[]): readonly unknown[] {
  const output = new Recorder();
  const display = new RawJsonDisplay(output, 0);
  for (const event of events) display.onEvent(event);
  display.close();
  return output.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

test("every event is a line in the form of BuildKit's SolveStatus", () => {
  const position = (column: number) => ({ line: 1, column });
  const lines = show(
    vertex("a", "started", 100),
    log("a", "hi\n", 150, "stderr"),
    status("a", "blob", 1, 1, 160),
    usage("a"),
    {
      type: "warning",
      code: "C",
      message: "w",
      description: "about",
      url: "https://example.com/c/",
      source: { file: "D", text: "FROM a\n" },
      range: { file: "D", start: position(1), end: position(5) },
      timeMs: 170,
    },
    vertex("a", "failed", 200, "no"),
    vertex("b", "cached", 300),
  );
  assert.equal(lines, [
    { vertexes: [{ digest: digest("a"), name: "a", started: at(100) }] },
    { logs: [{ vertex: digest("a"), stream: 2, data: "aGkK", timestamp: at(150) }] },
    { statuses: [{ id: "blob", vertex: digest("a"), current: 1, total: 1, timestamp: at(160), completed: at(160) }] },
    { usages: [{ vertex: digest("a"), ...USAGE }] },
    {
      warnings: [
        {
          level: 1,
          short: Buffer.from("C: w (line 1)").toString("base64"),
          detail: [Buffer.from("about").toString("base64")],
          url: "https://example.com/c/",
          sourceInfo: { filename: "D", data: Buffer.from("FROM a\n").toString("base64") },
          range: [{ start: { line: 1, character: 0 }, end: { line: 1, character: 4 } }],
        },
      ],
    },
    { vertexes: [{ digest: digest("a"), name: "a", started: at(100), completed: at(200), error: "no" }] },
    { vertexes: [{ digest: digest("b"), name: "b", started: at(300), completed: at(300), cached: true }] },
  ]);
});

test("what a RUN used is told, with the limits it met", () => {
  const usage = {
    wallMs: 10,
    cpuUserMs: 2,
    cpuSystemMs: 1,
    ioReadBytes: 0,
    ioWrittenBytes: 0,
    limitsHit: [{ type: "pids", scope: "step", count: 3, refused: 2 }],
  } as const;
  assert.equal(show({ type: "usage", digest: digest("a"), usage }), [{ usages: [{ vertex: digest("a"), ...usage }] }]);
});

test.run();
