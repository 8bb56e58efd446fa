import { realpathSync } from "node:fs";
import { commandOutput } from "./command.ts";

/** A program of this machine and the libraries it needs: where each is looked for, and the file that is there. */
export async function programFiles(program: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await commandOutput(["ldd", program])).split("\n");
  const paths = lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return new Map([program, ...paths].map((path) => [path, realpathSync(path)]));
}
