import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BUILD_FLAGS } from "../../../builder/cli/build-flags.ts";
import { buildRequest } from "../../../builder/cli/build-request.ts";
import { parseFlags } from "../../../builder/cli/flags.ts";
import { parseOutput } from "../../../builder/cli/parse-output.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";
import { parseBytes } from "../../../builder/cli/values.ts";

const test = suite("build request");

function request(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return buildRequest(parseFlags(args, BUILD_FLAGS), env);
}

test("a plain command line asks for the defaults", () => {
  assert.equal(request(["."]), {
    options: {
      context: ".",
      buildArgs: {},
      buildContexts: {},
      labels: {},
      tags: [],
      outputs: [],
      push: false,
      pull: false,
      noCache: false,
      limits: {},
      secrets: {},
      ssh: {},
      noNewPrivileges: false,
      allow: [],
      normalizeModes: false,
    },
    progress: "auto",
    opensShell: false,
  });
});

test("every flag reaches its option", () => {
  const line =
    "-t a -t b -t a -f d --target s --build-arg A=1=2 --build-arg FROM_ENV --build-arg NOT_SET --build-context n=dir " +
    "--label l=1 --label bare -o type=oci,dest=x.tar --push --pull --no-cache --network host -m 512m --memory-swap 1g " +
    "--cpus 1.5 --pids-limit 100 --cpu-shares 512 --cpuset-cpus 0-1,3 --cpuset-mems 0 --io-read-bps 1m --io-write-bps 2m " +
    "--io-read-iops 10 --io-write-iops 20 --ulimit nofile=64:128 --ulimit core=-1 --ulimit nofile=32 --shm-size 16m " +
    "--timeout 1h30m --build-limit memory=8g,cpus=2 --build-limit pids=500 --security-opt no-new-privileges --compression zstd,level=9 --normalize-modes --progress plain " +
    "--iidfile i --metadata-file m --store st --platform linux/arm64 --secret id=s,src=f --ssh default=a,b --allow network.host,security.insecure ctx";
  assert.equal(request(line.split(" "), { FROM_ENV: "env" }), {
    options: {
      context: "ctx",
      dockerfile: "d",
      target: "s",
      buildArgs: { A: "1=2", FROM_ENV: "env" },
      buildContexts: { n: "dir" },
      labels: { l: "1", bare: "" },
      tags: ["a", "b"],
      outputs: [{ type: "oci", dest: "x.tar", tar: true }],
      push: true,
      pull: true,
      noCache: true,
      platform: "linux/arm64",
      limits: {
        memoryBytes: 512 * 1024 ** 2,
        memorySwapBytes: 1024 ** 3,
        cpus: 1.5,
        pids: 100,
        cpuShares: 512,
        cpusetCpus: "0-1,3",
        cpusetMems: "0",
        ioReadBps: 1024 ** 2,
        ioWriteBps: 2 * 1024 ** 2,
        ioReadIops: 10,
        ioWriteIops: 20,
        shmSizeBytes: 16 * 1024 ** 2,
        timeoutMs: 5_400_000,
        ulimits: [
          { name: "nofile", soft: 32, hard: 32 },
          { name: "core", soft: -1, hard: -1 },
        ],
      },
      buildLimits: { memoryBytes: 8 * 1024 ** 3, cpus: 2, pids: 500 },
      secrets: { s: { file: "f" } },
      ssh: { default: { paths: ["a", "b"] } },
      noNewPrivileges: true,
      network: "host",
      allow: ["network.host", "security.insecure"],
      compression: { type: "zstd", level: 9 },
      normalizeModes: true,
      store: "st",
    },
    progress: "plain",
    opensShell: false,
    iidFile: "i",
    metadataFile: "m",
  });
});

test("docker's default platform counts where no other is given", () => {
  const env = { DOCKER_DEFAULT_PLATFORM: "linux/arm64" };
  assert.is(request(["."], env).options.platform, "linux/arm64");
  assert.is(request(["--platform", "linux/amd64,linux/amd64", "."], env).options.platform, "linux/amd64");
});

test("stages are named one by one or separated by commas", () => {
  const { options } = request(["--no-cache-filter", "a,b", "--no-cache-filter", "c", "."]);
  assert.equal(options.noCacheFilter, ["a", "b", "c"]);
});

for (const [text, host, ip] of [
  ["a:10.0.0.1", "a", "10.0.0.1"],
  ["a=10.0.0.1", "a", "10.0.0.1"],
  ["a:::1", "a", "::1"],
  ["a=[fd00::1]", "a", "fd00::1"],
] as const) {
  test(`--add-host ${text}`, () => {
    assert.equal(request(["--add-host", text, "."]).options.extraHosts, [{ host, ip }]);
  });
}

test("-q wins over --progress, which wins over BUILDKIT_PROGRESS", () => {
  assert.is(request(["-q", "--progress", "plain", "."]).progress, "quiet");
  assert.is(request(["--progress", "tty", "."], { BUILDKIT_PROGRESS: "plain" }).progress, "tty");
  assert.is(request(["."], { BUILDKIT_PROGRESS: "plain" }).progress, "plain");
  assert.is(request(["."], { BUILDKIT_PROGRESS: "nonsense" }).progress, "auto");
});

const outputs: readonly (readonly [text: string, expected: object])[] = [
  ["out", { output: { type: "local", dest: "out" }, tags: [], push: false }],
  ["type=local,dest=out", { output: { type: "local", dest: "out" }, tags: [], push: false }],
  ["type=oci,dest=a.tar", { output: { type: "oci", dest: "a.tar", tar: true }, tags: [], push: false }],
  ["dest=dir,type=oci,tar=false", { output: { type: "oci", dest: "dir", tar: false }, tags: [], push: false }],
  ['type=local,"dest=a,b"', { output: { type: "local", dest: "a,b" }, tags: [], push: false }],
  ["type=registry,name=a", { tags: ["a"], push: true }],
  ['type=image,"name=a,b",push=true', { tags: ["a", "b"], push: true }],
  ["type=image,name=a", { tags: ["a"], push: false }],
  ["type=cacheonly", { tags: [], push: false }],
];

for (const [text, expected] of outputs) {
  test(`--output ${text}`, () => {
    assert.equal(parseOutput(text), expected);
  });
}

for (const [text, bytes] of [
  ["1048576", 1048576],
  ["64k", 65536],
  ["512m", 536870912],
  ["1.5g", 1610612736],
  ["2GiB", 2147483648],
  ["1MB", 1048576],
  ["10b", 10],
] as const) {
  test(`--memory ${text} is ${bytes} bytes`, () => {
    assert.is(parseBytes("memory", text), bytes);
  });
}

const errors: readonly (readonly [code: string, ...args: readonly string[]])[] = [
  ["MISSING_CONTEXT"],
  ["TOO_MANY_ARGUMENTS", "a", "b"],
  ["UNSUPPORTED_PLATFORM", "--platform", "linux/amd64,linux/arm64", "."],
  ["UNSUPPORTED_PLATFORM", "--platform", "linux/amd64", "--platform", "linux/arm64", "."],
  ["INVALID_VALUE", "--add-host", "a", "."],
  ["INVALID_VALUE", "--add-host", "a:b", "."],
  ["CONFLICTING_FLAGS", "--no-cache", "--no-cache-filter", "a", "."],
  ["NOTHING_TO_PUSH", "--push", "."],
  ["INVALID_VALUE", "--network", "container:x", "."],
  ["INVALID_VALUE", "--allow-net", "127.0.0.1", "."],
  ["INVALID_VALUE", "--allow-net", "a.test:0", "."],
  ["INVALID_VALUE", "--net-bps", "fast", "."],
  ["INVALID_VALUE", "--progress", "fancy", "."],
  ["INVALID_VALUE", "--compression", "brotli", "."],
  ["INVALID_VALUE", "--compression", "gzip,speed=1", "."],
  ["INVALID_VALUE", "--build-arg", "=x", "."],
  ["INVALID_VALUE", "--build-context", "bare", "."],
  ["INVALID_VALUE", "-o", "type=oci", "."],
  ["INVALID_VALUE", "-o", "type=oci,dest=a,what=b", "."],
  ["INVALID_VALUE", "-o", 'type=oci,"dest=a', "."],
  ["UNSUPPORTED_OUTPUT", "-o", "type=docker,dest=a", "."],
  ["UNSUPPORTED_OUTPUT", "-o", "type=oci,dest=-", "."],
  ["UNSUPPORTED_OUTPUT", "-o", "-", "."],
  ["UNSUPPORTED_FLAG", "--security-opt", "seccomp=unconfined", "."],
];

for (const [code, ...args] of errors) {
  test(`${args.join(" ") || "nothing"} is ${code}`, () => {
    try {
      request(args);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UsageError);
      assert.is((error as UsageError).code, code);
    }
  });
}

test.run();
