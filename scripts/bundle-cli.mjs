// Makes the command of what tsc has written: dist/tsbuild.cjs (the launcher), the bundle beside it, and V8's code cache of it.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = (name) => join(root, "dist", name);

await build({
  entryPoints: [dist("builder/cli/main.js")],
  outfile: dist("tsbuild-bundle.cjs"),
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  charset: "ascii",
  legalComments: "external",
  define: { "import.meta.url": "bundleUrl" },
  banner: { js: 'const bundleUrl=require("node:url").pathToFileURL(__filename).href;' },
  logLevel: "warning",
});
copyFileSync(join(root, "scripts/launcher.cjs"), dist("tsbuild.cjs"));
chmodSync(dist("tsbuild.cjs"), 0o755);
rmSync(dist("tsbuild-bundle.cache"), { force: true });
makeCodeCache();

/** The cache holds what a run has compiled: a small build, made once before so that the second comes from cache. */
function makeCodeCache() {
  const work = mkdtempSync(join(tmpdir(), "tsbuild-code-cache-"));
  try {
    writeFileSync(
      join(work, "Dockerfile"),
      "FROM scratch AS base\nCOPY Dockerfile /a/\nFROM base\nENV A=1\nWORKDIR /a\n",
    );
    const args = ["build", "--quiet", "--tag", "code-cache", "--store", join(work, "store"), work];
    // Where this user may not build, what ran before the refusal is cached all the same.
    const command = [join(root, "scripts/write-code-cache.cjs"), ...args];
    for (let run = 0; run < 2; run++) spawnSync(process.execPath, command, { stdio: "ignore" });
    if (!existsSync(dist("tsbuild-bundle.cache"))) throw new Error(`no code cache came of ${command.join(" ")}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
