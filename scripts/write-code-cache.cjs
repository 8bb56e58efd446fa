// Runs the command with its arguments, and writes what V8 has compiled by then as the command's code cache. argv[1] stays this
// file: for an ordinary user the command starts argv again in a user namespace, and that run is the one to be recorded.
"use strict";
const { writeFileSync } = require("node:fs");

const launcher = require.resolve("../dist/tsbuild.cjs");
process.on("exit", () => {
  const { script } = require.cache[launcher].exports;
  writeFileSync(launcher.replace("tsbuild.cjs", "tsbuild-bundle.cache"), script.createCachedData());
});
require(launcher);
