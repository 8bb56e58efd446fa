import { createInterface } from "node:readline";
import { formatByteSize } from "../byte-size.ts";
import { parseFlags } from "./flags.ts";
import { pruneHelp } from "./help.ts";
import { enterUserNamespace } from "./rootless.ts";
import { PRUNE_FLAGS } from "./store-flags.ts";
import { type PruneRequest, pruneRequest } from "./store-requests.ts";
import { namedLines, recordsText } from "./usage-text.ts";

/** 128 and SIGINT. */
const INTERRUPTED = 130;

/** `tsbuild prune`: what was removed, on standard output. Returns the exit code: 1 when the person says no. */
export async function pruneCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, PRUNE_FLAGS, "prune");
  if (flags.isSet("help")) {
    process.stdout.write(pruneHelp());
    return 0;
  }
  const request = pruneRequest(flags);
  enterUserNamespace(process.env, () => {});
  const answer = await askFirst(request);
  if (answer === "yes") return await pruneNow(request);
  process.stderr.write(`${answer === "no" ? "" : "\n"}nothing was removed\n`);
  return answer === "no" ? 1 : INTERRUPTED;
}

async function pruneNow({ options, output }: PruneRequest): Promise<number> {
  const { prune } = await import("../index.ts");
  const result = await prune(options);
  if (output.format === "json") {
    process.stdout.write(`${JSON.stringify({ ...result, dryRun: options.dryRun === true }, undefined, 2)}\n`);
    return 0;
  }
  const { removed, reclaimedBytes, leftBytes } = result;
  const records = removed.length === 0 ? "" : `${recordsText(removed, output.isVerbose, Date.now())}\n`;
  const verb = options.dryRun === true ? "Would reclaim" : "Reclaimed";
  const sums = namedLines([
    [verb, formatByteSize(reclaimedBytes)],
    ["Left", formatByteSize(leftBytes)],
  ]);
  process.stdout.write(records + sums);
  return 0;
}

/** `interrupted`: by Ctrl-C, which a terminal in raw mode hands to the one who reads it. */
type Answer = "yes" | "no" | "interrupted";

/** Only a person can be asked: a script that has no terminal means what it says. */
async function askFirst({ isForced, options }: PruneRequest): Promise<Answer> {
  if (isForced || options.dryRun === true || process.stdin.isTTY !== true) return "yes";
  const what =
    options.all === true
      ? "all build cache, and images without a name"
      : "build cache that no image with a name is made of, and images without a name";
  return await ask(`WARNING! This will remove ${what}. Are you sure you want to continue? [y/N] `);
}

/** The end of the input is no. */
async function ask(question: string): Promise<Answer> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<Answer>((resolve) => {
      terminal.once("SIGINT", () => resolve("interrupted"));
      terminal.once("close", () => resolve("no"));
      terminal.question(question, (answer) => resolve(/^y(?:es)?$/i.test(answer.trim()) ? "yes" : "no"));
    });
  } finally {
    terminal.close();
  }
}
