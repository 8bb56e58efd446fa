import type { BuildOptions } from "../options.ts";
import type { Call } from "./call.ts";
import { Interrupt } from "./interrupt.ts";
import { exitCodeOf, reportError } from "./report-error.ts";
import { standardError } from "./terminal.ts";

/** `tsbuild build --call`: the result on standard output, what is wrong on standard error. Returns the exit code. */
export async function callCommand(call: Call, options: BuildOptions): Promise<number> {
  const output = standardError(process.env);
  const interrupt = new Interrupt((signal) => output.write(`${signal}: stopping\n`));
  const report = (error: unknown): number => {
    const annotate = process.env["GITHUB_ACTIONS"] === "true";
    output.write(reportError(error, { color: output.color, annotate }));
    return exitCodeOf(error);
  };
  try {
    return await answer(call, { ...options, signal: interrupt.signal }, report);
  } catch (error) {
    return interrupt.exitCode ?? report(error);
  } finally {
    interrupt.release();
  }
}

async function answer(call: Call, options: BuildOptions, report: (error: unknown) => number): Promise<number> {
  const [library, json, text] = await Promise.all([
    import("../index.ts"),
    import("./call-json.ts"),
    import("./call-text.ts"),
  ]);
  const isJson = call.format === "json";
  switch (call.method) {
    case "check": {
      const result = await library.check(options);
      process.stdout.write(isJson ? json.checkJson(result) : text.checkText(result));
      if (result.error !== undefined) return report(result.error);
      return result.warnings.length > 0 && !call.ignoreStatus ? 1 : 0;
    }
    case "outline": {
      const result = await library.outline(options);
      process.stdout.write(isJson ? json.outlineJson(result) : text.outlineText(result));
      return 0;
    }
    case "targets": {
      const result = await library.targets(options);
      process.stdout.write(isJson ? json.targetsJson(result) : text.targetsText(result));
      return 0;
    }
  }
}
