// Reads one Dockerfile and prints what it took as JSON: node parse-child.mjs MODE DOCKERFILE DIST. A process of its own for
// each file and mode, without a TypeScript loader, so that the peak of its memory is that of the work.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [mode, file, dist] = process.argv.slice(2);
const load = (module) => import(pathToFileURL(`${dist}/builder/${module}/index.js`).href);
const platform = { os: "linux", architecture: "amd64" };
const digest = `sha256:${"0".repeat(64)}`;
const base = {
  reference: "docker.io/bench/busybox:latest",
  manifest: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 },
  source: { type: "registry" },
  config: { ...platform, rootfs: { type: "layers", diff_ids: [digest] } },
};
const dispatchOptions = {
  buildArgs: {},
  labels: {},
  buildPlatform: platform,
  targetPlatform: platform,
  noCache: false,
  context: { path: "/context", ignore: [] },
  namedContexts: {},
  resolveImage: async () => base,
};

const MODES = {
  parse: async () => {
    const { parseDockerfile } = await load("dockerfile");
    return (text) => parseDockerfile(text);
  },
  plan: async () => {
    const [{ openLinter, parseAndCheck }, { dispatch }] = [await load("lint"), await load("dispatch")];
    return (text) => {
      const source = { file: "Dockerfile", text };
      const linter = openLinter(source, {});
      return dispatch(parseAndCheck(source, linter), { ...dispatchOptions, linter });
    };
  },
  "dockerfile-ast": async () => {
    const { DockerfileParser } = createRequire(import.meta.url)("dockerfile-ast");
    return (text) => DockerfileParser.parse(text).getInstructions();
  },
};

const text = readFileSync(file, "utf8");
const work = await MODES[mode]();
const started = performance.now();
await work(text);
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ seconds, cpuSeconds: cpuSeconds(), peakMiB: process.resourceUsage().maxRSS / 1024 }));

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
