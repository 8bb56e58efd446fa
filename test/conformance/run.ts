// Runs BuildKit's own tables and prints how many cases of each pass: npm run conformance. Fails when a case fails.
import { columns } from "../bench/report.ts";
import { tableFolder } from "./folder.ts";
import type { ConformanceTable } from "./table.ts";
import { readTables } from "./tables.ts";

const { path, note } = tableFolder();
const tables = readTables(path);
const failures: string[] = [];
const rows = [["table", "cases", "passed", "left out"]];
for (const table of tables) {
  const passed = await countPassed(table);
  rows.push([table.name, String(table.cases.length), String(passed), String(table.leftOut.length)]);
}
console.log(`${note}\n\n${columns(rows)}`);
for (const { name, leftOut } of tables) {
  for (const row of leftOut) console.log(`left out of ${name}: ${row.name}: ${row.reason}`);
}
for (const failure of failures) console.log(`\nFAILED ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

async function countPassed({ name: table, cases }: ConformanceTable): Promise<number> {
  let passed = 0;
  for (const { name, check } of cases) {
    try {
      await check();
      passed++;
    } catch (error) {
      failures.push(`${table}: ${name}\n${error instanceof Error ? error.message : error}`);
    }
  }
  return passed;
}
