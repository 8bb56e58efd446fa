import { readdirSync, readlinkSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { QuietDisplay } from "../../../../builder/cli/progress/quiet.ts";
import { VertexLog } from "../../../../builder/cli/progress/vertex-log.ts";
import { log, Recorder, vertex } from "./events.ts";

const test = suite("quiet progress");

test("nothing is shown of what goes well", () => {
  const output = new Recorder();
  const display = new QuietDisplay(output);
  display.onEvent(vertex("a", "started", 0));
  display.onEvent(log("a", "text\n", 0));
  display.onEvent(vertex("a", "completed", 0));
  display.close();
  assert.is(output.text, "");
});

test("a failed step's whole log is shown, in the order it came", () => {
  const output = new Recorder();
  const display = new QuietDisplay(output);
  display.onEvent(vertex("[2/2] RUN x", "started", 0));
  display.onEvent(log("[2/2] RUN x", "out\n", 0));
  display.onEvent(log("[2/2] RUN x", "err", 0, "stderr"));
  display.onEvent(vertex("[2/2] RUN x", "failed", 0, "no"));
  display.close();
  assert.is(output.text, "------\n > [2/2] RUN x:\nout\nerr\n------\n");
});

test("a log of many megabytes goes through a file that leaves nothing behind", () => {
  const kept = new VertexLog();
  const chunk = Buffer.from("0123456789abcde\n".repeat(4096));
  for (let i = 0; i < 80; i++) kept.append(chunk);
  let bytes = 0;
  for (const text of kept.read()) bytes += text.length;
  assert.is(bytes, 80 * chunk.length);
  const open = () => readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).includes("tsbuild-log-")).length;
  assert.is(open(), 1);
  kept.close();
  assert.is(open(), 0);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

test.run();
