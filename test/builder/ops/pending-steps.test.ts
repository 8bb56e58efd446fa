import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createVertex, edge, type Vertex } from "../../../builder/llb/index.ts";
import { PendingSteps } from "../../../builder/ops/index.ts";

const pending = suite("pending steps");

const scratch = createVertex({ type: "scratch" }, [], { name: "scratch" });

function step(name: string, ...inputs: Vertex[]): Vertex {
  const op = { type: "file", actions: [{ type: "mkdir", path: `/${name}`, mode: 0o755 }] } as const;
  return createVertex(op, inputs.map(edge), { name });
}

function all(...vertices: Vertex[]): PendingSteps {
  const steps = new PendingSteps();
  for (const vertex of vertices) steps.add(vertex);
  return steps;
}

pending("only the last step of a chain is the last", () => {
  const first = step("a", scratch);
  const second = step("b", first);
  const steps = all(first, second);
  assert.equal([steps.begin(first), steps.begin(second)], [false, true]);
});

pending("a step that came from cache is past when one above it begins", () => {
  const first = step("a", scratch);
  const second = step("b", first);
  assert.is(all(first, second).begin(second), true);
});

pending("a step of another branch may still follow", () => {
  const one = step("a", scratch);
  const other = step("b", scratch);
  const steps = all(one, other);
  assert.equal([steps.begin(other), steps.begin(one)], [false, true]);
});

pending("equal steps are one", () => {
  assert.is(all(step("a", scratch), step("a", scratch)).begin(step("a", scratch)), true);
});

pending.run();
