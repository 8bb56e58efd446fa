// Makes the command of what tsc has written: dist/tsbuild.cjs (the launcher), the bundle beside it, and V8's code cache of it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = (name) => join(root, "dist", name);

/**
 * The shell runs the second line, for Node it is a string and a comment. Node 20 parses NODE_EXTRA_CA_CERTS when it starts:
 * a bundle of 150 certificates takes as long as all else. The registry client reads that variable itself, once it speaks TLS.
 */
const SHELL_HEAD = `#!/bin/sh
":" //; [ -z "$NODE_EXTRA_CA_CERTS" ] || export TSBUILD_CA_CERTS="$NODE_EXTRA_CA_CERTS"; unset NODE_EXTRA_CA_CERTS; exec node "$0" "$@"
`;

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
const launcher = SHELL_HEAD + readFileSync(join(root, "scripts/launcher.cjs"), "utf8");
writeFileSync(dist("tsbuild.cjs"), launcher, { mode: 0o755 });
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
