/** Solves a graph of three vertices that take 100 ms each, and prints what it executed; with "hang", never ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { Store } from "../../../layers/index.ts";
import { solveTest, vertex } from "./graph.ts";

const [root, mode] = process.argv.slice(2);
const store = await Store.open(root as string);
const work = async () => {
  if (mode === "hang") process.stdout.write("executing\n");
  await sleep(mode === "hang" ? 1_000_000 : 100);
};
const base = vertex("base", [], { work });
const top = vertex("top", [vertex("left", [base], { work }), vertex("right", [base], { work })], { work });
const { executed } = await solveTest(store, top, { jobs: 1 });
process.stdout.write(JSON.stringify(executed));
await store.close();
