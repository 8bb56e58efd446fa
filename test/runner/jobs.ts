import { readdirSync } from "node:fs";
import { SLOWDOWN } from "../helpers/slowdown.ts";
import { countCargo, countCheck, countUvu } from "./count.ts";
import type { Job } from "./job.ts";

const MINUTE = 60_000 * SLOWDOWN;
const CRATES = ["runtime-core/Cargo.toml", "runtime-core/init/Cargo.toml"];

/** What is checked beside the test files: chains of jobs, each in order since its jobs share cargo's lock. */
export function checks(): Job[][] {
  const npm = (script: string): Job => check(`npm run ${script}`, ["npm", "run", "--silent", script]);
  return [
    [...CRATES.flatMap(crateChecks), crateTests(), npm("check:binding")],
    [npm("lint"), npm("typecheck")],
  ];
}

/** One job for each test file whose path contains one of `filters`, or for all of them. */
export function testFiles(filters: readonly string[]): Job[][] {
  const files = listTestFiles().sort(slowFirst);
  const wanted = files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
  return wanted.map((file) => [
    {
      name: file,
      argv: [process.execPath, "--import", "tsx", file],
      timeoutMs: (/\/(?:e2e|attack)\//.test(file) ? 8 : 3) * MINUTE,
      count: countUvu,
    },
  ]);
}

/** Every test file under `test`, relative to the repository. */
export function listTestFiles(): string[] {
  const paths = readdirSync("test", { recursive: true, encoding: "utf8" });
  return paths.filter((path) => path.endsWith(".test.ts")).map((path) => `test/${path}`);
}

function slowFirst(a: string, b: string): number {
  return Number(b.includes("/e2e/")) - Number(a.includes("/e2e/")) || a.localeCompare(b);
}

function crateChecks(manifest: string): Job[] {
  const cargo = (...args: string[]) => ["cargo", args[0] ?? "", "--manifest-path", manifest, ...args.slice(1)];
  return [
    check(`cargo fmt ${manifest}`, cargo("fmt", "--check")),
    check(
      `cargo clippy ${manifest}`,
      cargo("clippy", "--release", "--all-targets", "--locked", "--", "-D", "warnings"),
    ),
  ];
}

function crateTests(): Job {
  const argv = ["cargo", "test", "--release", "--locked", "--manifest-path", "runtime-core/Cargo.toml"];
  return { name: "cargo test", argv, timeoutMs: 10 * MINUTE, asCaller: true, count: countCargo };
}

function check(name: string, argv: readonly string[]): Job {
  return { name, argv, timeoutMs: 10 * MINUTE, asCaller: true, count: countCheck };
}
