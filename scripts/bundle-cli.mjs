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

/** The cache holds what two runs have compiled: a build of most kinds of steps, and the same build from cache. */
function makeCodeCache() {
  const work = mkdtempSync(join(tmpdir(), "tsbuild-code-cache-"));
  try {
    const program = emptyProgram();
    const run = program === undefined ? "" : 'RUN ["/a/program"]\n';
    writeFileSync(join(work, "program"), program ?? "", { mode: 0o755 });
    writeFileSync(
      join(work, "Dockerfile"),
      `FROM scratch AS base\nCOPY program /a/\nFROM base\nARG A=1\nENV A=$A\nWORKDIR /a\n${run}`,
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

/** An executable that only calls exit(0), in the least that elf(5) allows; undefined for machines that we do not know. */
function emptyProgram() {
  const machines = {
    // mov edi, 0; mov eax, 60; syscall
    x64: { id: 0x3e, code: "bf00000000b83c0000000f05" },
    // mov x0, #0; mov x8, #93; svc #0
    arm64: { id: 0xb7, code: "000080d2a80b80d2010000d4" },
  };
  const machine = machines[process.arch];
  if (machine === undefined) return;
  const code = Buffer.from(machine.code, "hex");
  const [header, segment] = [64, 56];
  const [size, address] = [header + segment + code.length, 0x400000];
  const elf = Buffer.alloc(header + segment);
  elf.write("7f454c46020101", "hex");
  const words16 = { 16: 2, 18: machine.id, 52: header, 54: segment, 56: 1 };
  const words32 = { 20: 1, 64: 1, 68: 5 };
  const words64 = {
    24: address + header + segment,
    32: header,
    80: address,
    88: address,
    96: size,
    104: size,
    112: 0x1000,
  };
  for (const [at, value] of Object.entries(words16)) elf.writeUInt16LE(value, Number(at));
  for (const [at, value] of Object.entries(words32)) elf.writeUInt32LE(value, Number(at));
  for (const [at, value] of Object.entries(words64)) elf.writeBigUInt64LE(BigInt(value), Number(at));
  return Buffer.concat([elf, code]);
}
