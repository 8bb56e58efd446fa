// Runs the checks and every test file, each in a process of its own, two at once; then, as an ordinary user, those that mean something
// to one. With arguments, only the test files whose path contains one of them, as root, or with --as=user as an ordinary user:
// npm test -- test/layers. Set-up is scripts/test's; the last line is "N passed, N failed".
import { ROOT_TESTS, TestUser, USER_TESTS } from "./runner/as-user.ts";
import { bundleCli } from "./runner/cli-bundle.ts";
import type { Count, Job, JobResult } from "./runner/job.ts";
import { checks, testFiles } from "./runner/jobs.ts";
import { runChains } from "./runner/pool.ts";

const AS = "--as=";
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith(AS));
const as = process.argv.find((argument) => argument.startsWith(AS))?.slice(AS.length);
if (as !== undefined && as !== "root" && as !== "user") throw new Error(`--as is root or user, not ${as}`);

const results: JobResult[] = [];
let leftToRoot: readonly Job[] = [];
process.env["TSBUILD_TEST_CLI"] = await bundleCli();

const chains = as === "user" ? [] : filters.length === 0 ? [...checks(), ...testFiles([])] : testFiles(filters);
const isUserToo = as === "user" || (as === undefined && filters.length === 0 && process.geteuid?.() === 0);
const user = isUserToo ? new TestUser() : undefined;
try {
  await runChains([...chains, ...userChains(user)], 2, (result) => {
    results.push(result);
    report(result);
  });
} finally {
  await user?.leave();
}

const total = results.reduce(add, { passed: 0, failed: 0, skipped: 0 });
for (const result of results.filter(({ count }) => count.failed > 0)) console.log(`FAILED ${result.job.name}`);
for (const { name } of as === "user" ? leftToRoot : [])
  console.log(`not as an ordinary user: ${name}, which is root's`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
const ranNothing = total.passed === 0 && leftToRoot.length === 0;
process.exitCode = total.failed > 0 || ranNothing ? 1 : 0;

function userChains(user: TestUser | undefined): Job[][] {
  if (user === undefined) return [];
  const jobs = testFiles(filters.length === 0 ? USER_TESTS : filters).flat();
  const isRoots = ({ name }: Job) => ROOT_TESTS.some((path) => name.startsWith(path));
  leftToRoot = jobs.filter(isRoots);
  return jobs.filter((job) => !isRoots(job)).map((job) => [user.job(job)]);
}

function report({ job, count, exitCode, output, wallMs }: JobResult): void {
  const mark = count.failed > 0 ? "FAIL" : "ok";
  console.log(`${mark.padEnd(4)} ${job.name}  ${count.passed} passed  ${(wallMs / 1000).toFixed(1)} s`);
  for (const line of output.match(/^not as an ordinary user: .*$/gm) ?? []) console.log(`     ${line}`);
  if (count.failed > 0) console.log(`${output.trimEnd()}\n     ${job.name}: exit code ${exitCode}`);
}

function add(sum: Count, { count }: JobResult): Count {
  return {
    passed: sum.passed + count.passed,
    failed: sum.failed + count.failed,
    skipped: sum.skipped + count.skipped,
  };
}
