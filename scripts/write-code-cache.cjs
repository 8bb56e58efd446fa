// Runs the command with its arguments, and writes what V8 has compiled by then as the command's code cache.
"use strict";
const { writeFileSync } = require("node:fs");

const launcher = require.resolve("../dist/tsbuild.cjs");
process.on("exit", () => {
  const { script } = require.cache[launcher].exports;
  writeFileSync(launcher.replace("tsbuild.cjs", "tsbuild-bundle.cache"), script.createCachedData());
});
process.argv[1] = launcher;
require(launcher);
