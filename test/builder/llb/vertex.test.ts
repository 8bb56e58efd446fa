import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalJson } from "../../../builder/llb/canonical-json.ts";
import type { ExecOp } from "../../../builder/llb/op.ts";
import { topologicalOrder } from "../../../builder/llb/topological-order.ts";
import { createVertex, edge, type Vertex } from "../../../builder/llb/vertex.ts";

const test = suite("vertex");
const scratch = createVertex({ type: "scratch" }, [], { name: "scratch" });

function exec(script: string, base: Vertex = scratch, overrides: Partial<ExecOp> = {}): Vertex {
  const op: ExecOp = {
    type: "exec",
    argv: ["/bin/sh", "-c", script],
    env: ["PATH=/bin"],
    proxyEnv: [],
    cwd: "/",
    user: "",
    network: "default",
    hostname: "buildkitsandbox",
    ...overrides,
  };
  return createVertex(op, [edge(base)], { name: `RUN ${script}` });
}

test("equal ops on equal inputs have equal digests", () => {
  assert.is(exec("a").digest, exec("a").digest);
  assert.match(exec("a").digest, /^sha256:[0-9a-f]{64}$/);
});

test("the order in which an op was written does not count", () => {
  assert.is(canonicalJson({ b: [{ d: 1, c: 2 }], a: undefined }), '{"b":[{"c":2,"d":1}]}');
});

for (const [what, overrides] of Object.entries<Partial<ExecOp>>({
  argv: { argv: ["b"] },
  environment: { env: [] },
  user: { user: "app" },
  "working directory": { cwd: "/app" },
  network: { network: "host" },
})) {
  test(`another ${what} gives another digest`, () => {
    assert.is.not(exec("a", scratch, overrides).digest, exec("a").digest);
  });
}

test("another input, or another output of it, gives another digest", () => {
  assert.is.not(exec("a", exec("x")).digest, exec("a", exec("y")).digest);
  const first = createVertex({ type: "file", actions: [] }, [edge(scratch, 0)], { name: "" });
  const second = createVertex({ type: "file", actions: [] }, [edge(scratch, 1)], { name: "" });
  assert.is.not(first.digest, second.digest);
});

test("name, range and ignoreCache are not part of the digest", () => {
  const plain = createVertex({ type: "scratch" }, [], { name: "a" });
  const position = { line: 1, column: 1 };
  const range = { file: "Dockerfile", start: position, end: position };
  const named = createVertex({ type: "scratch" }, [], { name: "b", range, ignoreCache: true });
  assert.is(named.digest, plain.digest);
  assert.is(named.ignoreCache, true);
});

test("topological order has inputs first and each vertex once", () => {
  const left = exec("left");
  const right = exec("right");
  const merged = createVertex({ type: "file", actions: [] }, [edge(left), edge(right), edge(left)], { name: "merged" });
  const names = topologicalOrder(merged).map((vertex) => vertex.name);
  assert.equal(names, ["scratch", "RUN left", "RUN right", "merged"]);
});

test("topological order takes a chain of 50 000 vertices", () => {
  let tip = scratch;
  for (let i = 0; i < 50_000; i++) tip = createVertex({ type: "file", actions: [] }, [edge(tip)], { name: `${i}` });
  const order = topologicalOrder(tip);
  assert.is(order.length, 50_001);
  assert.is(order.at(-1), tip);
});

test.run();
