// Fails when the committed loader and typings are not what the crate generates: npm run check:binding
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOutput } from "../test/helpers/command.ts";

const folder = mkdtempSync(join(tmpdir(), "tsbuild-binding-"));
try {
  await commandOutput(["npm", "run", "--silent", "build:native", "--", "--output-dir", folder], { timeoutMs: 600_000 });
  const stale = ["binding.cjs", "binding.d.cts"].filter(
    (name) => !readFileSync(join(folder, name)).equals(readFileSync(join("runtime-core", name))),
  );
  for (const name of stale) console.error(`runtime-core/${name} is stale: run npm run build:native and commit it`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
