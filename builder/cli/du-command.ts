import { resolve } from "node:path";
import { parseFlags } from "./flags.ts";
import { duHelp } from "./help.ts";
import { enterUserNamespace } from "./rootless.ts";
import { DU_FLAGS } from "./store-flags.ts";
import { duRequest } from "./store-requests.ts";
import { recordsText, sumsText } from "./usage-text.ts";

/** `tsbuild du`: what the store keeps, on standard output. Returns the exit code. */
export async function duCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, DU_FLAGS, "du");
  if (flags.isSet("help")) {
    process.stdout.write(duHelp());
    return 0;
  }
  const { options, output } = duRequest(flags);
  enterUserNamespace(process.env, () => {});
  const { diskUsage } = await import("../index.ts");
  const usage = await diskUsage(options);
  if (output.format === "json") {
    process.stdout.write(`${JSON.stringify({ ...usage, root: resolve(usage.root) }, undefined, 2)}\n`);
    return 0;
  }
  const records = recordsText(usage.records, output.isVerbose, Date.now());
  process.stdout.write(`${records}\n${sumsText(usage)}`);
  return 0;
}
