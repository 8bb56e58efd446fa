// Lets `runc run` write to a pipe: node scripts/no-terminal.cjs BUNDLE/config.json
const { readFileSync, writeFileSync } = require("node:fs");
const [path] = process.argv.slice(2);
const config = JSON.parse(readFileSync(path, "utf8"));
config.process.terminal = false;
writeFileSync(path, JSON.stringify(config));
