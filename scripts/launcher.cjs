// The command: one bundled file, started with the code cache that V8 made of it when the package was built. Loading some
// two hundred modules one by one would be half the time of a build from cache. V8 ignores the cache of another version.
"use strict";
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");

const filename = join(__dirname, "tsbuild-bundle.cjs");
const cache = join(__dirname, "tsbuild-bundle.cache");
// esbuild escapes what is not ASCII, and one-byte text is read and looked up faster.
const source = `(function (exports, require, module, __filename) {${readFileSync(filename, "latin1")}\n})`;
const cachedData = existsSync(cache) ? readFileSync(cache) : undefined;

// The shell line above this file (bundle-cli.mjs) has put it aside.
if (process.env.TSBUILD_CA_CERTS) process.env.NODE_EXTRA_CA_CERTS = process.env.TSBUILD_CA_CERTS;
delete process.env.TSBUILD_CA_CERTS;

/** Of Node's own modules, those that most builds never touch: sockets, TLS and child processes take longer than to read a cache. */
const SELDOM = new Set(["net", "tls", "http", "https", "zlib", "child_process"]);

/** `require` for the bundle: what is seldom used is loaded when something of it is asked for. */
function requireLate(name) {
  if (!SELDOM.has(name.replace(/^node:/, ""))) return require(name);
  return new Proxy(
    {},
    {
      get: (_, key) => require(name)[key],
      has: (_, key) => key in require(name),
      ownKeys: () => Reflect.ownKeys(require(name)),
      getOwnPropertyDescriptor: (_, key) => {
        const found = Reflect.getOwnPropertyDescriptor(require(name), key);
        return found && { ...found, configurable: true };
      },
    },
  );
}

exports.script = new Script(source, { filename, cachedData });
exports.script.runInThisContext()({}, requireLate, {}, filename);
