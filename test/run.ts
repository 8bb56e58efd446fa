// Runs the checks and every test file, each in a process of its own, two at once. With arguments, only the test files
// whose path contains one of them: npm test -- test/layers. Set-up is scripts/test's; the last line is "N passed, N failed".
import { bundleCli } from "./runner/cli-bundle.ts";
import type { Count, JobResult } from "./runner/job.ts";
import { checks, testFiles } from "./runner/jobs.ts";
import { runChains } from "./runner/pool.ts";

const filters = process.argv.slice(2);
const chains = filters.length === 0 ? [...checks(), ...testFiles([])] : testFiles(filters);
const results: JobResult[] = [];
process.env["TSBUILD_TEST_CLI"] = await bundleCli();

await runChains(chains, 2, (result) => {
  results.push(result);
  report(result);
});

const total = results.reduce(add, { passed: 0, failed: 0, skipped: 0 });
for (const result of results.filter(({ count }) => count.failed > 0)) console.log(`FAILED ${result.job.name}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function report({ job, count, exitCode, output, wallMs }: JobResult): void {
  const mark = count.failed > 0 ? "FAIL" : "ok";
  console.log(`${mark.padEnd(4)} ${job.name}  ${count.passed} passed  ${(wallMs / 1000).toFixed(1)} s`);
  if (count.failed > 0) console.log(`${output.trimEnd()}\n     ${job.name}: exit code ${exitCode}`);
}

function add(sum: Count, { count }: JobResult): Count {
  return {
    passed: sum.passed + count.passed,
    failed: sum.failed + count.failed,
    skipped: sum.skipped + count.skipped,
  };
}
