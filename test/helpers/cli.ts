import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";

const MAIN = fileURLToPath(new URL("../../builder/cli/main.ts", import.meta.url));

const BUNDLE = process.env["TSBUILD_TEST_CLI"];

/** The program and its first arguments, of the sources as they are, to be started by a test itself. `npm test` bundles them once. */
export const TSBUILD: readonly string[] =
  BUNDLE === undefined
    ? [process.execPath, "--import", import.meta.resolve("tsx"), MAIN]
    : [process.execPath, "--enable-source-maps", BUNDLE];

/** Runs the CLI from the sources. Colours, GitHub annotations and the caller's epoch and store are off. */
export function tsbuild(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand([...TSBUILD, ...args], { ...options, env: { ...CLEAN, ...options.env } });
}

/** The same, for a call that must succeed. Throws with everything it wrote when it does not. */
export async function tsbuildOk(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const result = await tsbuild(args, options);
  if (result.code !== 0) throw new Error(`tsbuild ${args.join(" ")}: exit code ${result.code}\n${result.stderr}`);
  return result;
}

const CLEAN = { NO_COLOR: "1", GITHUB_ACTIONS: undefined, SOURCE_DATE_EPOCH: undefined, TSBUILD_STORE: undefined };
