// PID 1 of the namespaces that a scenario has for itself: inside.ts NAME SEED SCALE root|user. Prints what it did.
import { Random } from "./random.ts";
import { SCENARIOS } from "./scenarios.ts";

const [name = "", seed, scale, who] = process.argv.slice(2);
const scenario = SCENARIOS[name];
if (scenario === undefined)
  throw new Error(`no such scenario: ${name}; there are ${Object.keys(SCENARIOS).join(", ")}`);
console.log(await scenario({ random: new Random(Number(seed)), scale: Number(scale), asUser: who === "user" }));
process.exit(0);
