import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError } from "../../../builder/errors.ts";
import { openSshSources, serveAgent } from "../../../builder/ssh/index.ts";
import { runCommand } from "../../helpers/command.ts";
import { makeTempDir } from "../../helpers/temp.ts";

const test = suite("ssh agents");
const directory = makeTempDir("ssh");
let count = 0;

/** A key made by ssh-keygen. */
function makeKey(...args: readonly string[]): string {
  const path = join(directory, `key-${++count}`);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "", "-f", path, ...args]);
  return path;
}

/** What OpenSSH's own client gets of an agent that has these paths. */
async function withAgent<T>(paths: readonly string[], use: (socket: string) => Promise<T>): Promise<T> {
  const source = openSshSources({ default: { paths } }).get("default");
  if (source === undefined) throw new Error("no agent");
  const place = join(directory, `agent-${++count}`);
  const agent = await serveAgent(source, { directory: place, uid: 0, gid: 0, mode: 0o600 });
  try {
    assert.is(statSync(agent.path).mode & 0o7777, 0o600);
    return await use(agent.path);
  } finally {
    await agent.close();
    assert.not(existsSync(place));
  }
}

function sshAdd(socket: string, ...args: readonly string[]) {
  return runCommand(["ssh-add", ...args], { env: { SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: "never" } });
}

function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim();
}

const KINDS: readonly (readonly string[])[] = [
  ["-t", "ed25519"],
  ["-t", "rsa", "-b", "2048"],
  ["-t", "rsa", "-b", "2048", "-m", "PEM"],
  ["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
  ["-t", "ecdsa", "-b", "256"],
  ["-t", "ecdsa", "-b", "384", "-m", "PEM"],
  ["-t", "ecdsa", "-b", "521"],
];

for (const kind of KINDS) {
  test(`a key of ssh-keygen ${kind.join(" ")} signs what OpenSSH verifies`, async () => {
    const key = makeKey(...kind);
    await withAgent([key], async (socket) => {
      const listed = await sshAdd(socket, "-L");
      assert.is(listed.stdout.split(" ").slice(0, 2).join(" ").trim(), publicKey(key), listed.stderr);
      // -T signs through the agent and verifies with the public key.
      const tested = await sshAdd(socket, "-T", `${key}.pub`);
      assert.is(tested.code, 0, tested.stderr);
    });
  });
}

test("several keys are in their order, named by their files", async () => {
  const keys = [makeKey("-t", "ed25519"), makeKey("-t", "ecdsa")];
  const { stdout } = await withAgent(keys, (socket) => sshAdd(socket, "-L"));
  assert.equal(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[2]),
    keys.map((key) => key.slice(directory.length + 1)),
  );
});

test("a client may neither add, nor remove, nor lock", async () => {
  const key = makeKey("-t", "ed25519");
  await withAgent([key], async (socket) => {
    for (const args of [[makeKey("-t", "ed25519")], ["-D"], ["-d", key], ["-x"]]) {
      assert.not.equal((await sshAdd(socket, ...args)).code, 0, args.join(" "));
    }
    assert.match((await sshAdd(socket, "-l")).stdout, "ED25519");
  });
});

test("an agent of the host is asked, and cannot be changed through the relay", async () => {
  const socket = join(directory, "real");
  const agent = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
  try {
    const key = makeKey("-t", "ed25519");
    assert.is((await sshAdd(socket, key)).code, 0);
    await withAgent([socket], async (relay) => {
      assert.is((await sshAdd(relay, "-T", `${key}.pub`)).code, 0);
      assert.not.equal((await sshAdd(relay, "-D")).code, 0);
    });
    assert.match((await sshAdd(socket, "-l")).stdout, "ED25519");
  } finally {
    process.kill(pid);
  }
});

test("an agent that is gone is a refusal, not a hanging step", async () => {
  const socket = join(directory, "gone");
  const server = createServer((client) => client.destroy()).listen(socket);
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    await withAgent([socket], async (relay) => assert.not.equal((await sshAdd(relay, "-l")).code, 0));
  } finally {
    server.close();
  }
});

test("a socket may lie deeper than a socket's path can be long", async () => {
  const deep = join(directory, "d".repeat(60), "e".repeat(60));
  mkdirSync(deep, { recursive: true });
  const source = openSshSources({ default: { paths: [makeKey("-t", "ed25519")] } }).get("default");
  const agent = await serveAgent(source as never, { directory: join(deep, "agent"), uid: 5, gid: 6, mode: 0o660 });
  const { uid, gid, mode } = statSync(agent.path);
  assert.equal([uid, gid, mode & 0o7777], [5, 6, 0o660]);
  await agent.close();
});

const REFUSED: readonly (readonly [name: string, paths: () => readonly string[], message: RegExp])[] = [
  ["no agent at all", () => [], /invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set/],
  ["a missing path", () => [join(directory, "missing")], /ssh default: there is no .*missing/],
  [
    "a public key",
    () => [`${makeKey("-t", "ed25519")}.pub`],
    /is no key that can be used: it is neither OpenSSH's format nor PEM/,
  ],
  ["a key with a passphrase", () => [makeKey("-t", "ed25519", "-N", "secret")], /protected by a passphrase/],
  [
    "a PEM key with a passphrase",
    () => [makeKey("-t", "rsa", "-m", "PEM", "-N", "secret")],
    /protected by a passphrase/,
  ],
];

for (const [name, paths, message] of REFUSED) {
  test(`refused: ${name}`, () => {
    const given = paths();
    assert.throws(
      () => openSshSources({ default: { paths: given } }),
      (error: unknown) => error instanceof BuildError && message.test(error.message) && error.hint !== undefined,
    );
  });
}

test.run();
