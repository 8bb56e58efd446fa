import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOutput } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";

/** A static program for this machine, as bytes, from C. */
export async function buildProbe(name: string, source: string): Promise<Uint8Array> {
  const directory = makeTempDir("probe");
  writeFileSync(join(directory, `${name}.c`), source);
  await commandOutput(["cc", "-static", "-O1", "-o", join(directory, name), join(directory, `${name}.c`), "-lpthread"]);
  return readFileSync(join(directory, name));
}
