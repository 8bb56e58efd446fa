import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type Test } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandOptions, CommandResult } from "../helpers/command.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { Host } from "./host.ts";

// The rig of the attack suite: each case is built by root and by an ordinary user, through the CLI, and each asserts that the
// machine is as it was and that the bait was seen nowhere: not in what was printed, not in the store.

/** What is attacked with. */
export interface Attack {
  /** Lines of the Dockerfile. `busybox` is a base image; so are the names in `images`. */
  readonly dockerfile: readonly string[];
  /** Files of the context. */
  readonly files?: Readonly<Record<string, string>>;
  /** Changes the context before it is used. Its path is the argument. */
  readonly prepare?: (context: string) => void;
  /** OCI layouts, by name. */
  readonly images?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly env?: CommandOptions["env"];
  /** In place of the context's path. */
  readonly positional?: string;
  readonly input?: Uint8Array;
}

/** What came of it. */
export interface Outcome extends CommandResult {
  /** Lines that steps printed. */
  readonly printed: readonly string[];
}

/** Who builds. */
export interface Attacker {
  readonly name: string;
  /** The ids of the step are the machine's own numbers, shifted. */
  readonly isRoot: boolean;
  readonly store: string;
  build(attack: Attack): Promise<Outcome>;
}

type Check = (outcome: Outcome, attacker: Attacker) => void | Promise<void>;

/** A suite of attacks with the machine they must leave as it is. */
export class Attacks {
  readonly host: Host = new Host();
  readonly #test: Test;
  readonly #attackers: readonly Attacker[];

  constructor(name: string) {
    this.#test = suite(`attack: ${name}`);
    this.#attackers = attackers();
    this.#test.before(() => this.host.open());
    this.#test.after(() => this.host.close());
  }

  /** One attack, by every attacker. */
  add(name: string, attack: Attack | ((attacker: Attacker) => Attack | Promise<Attack>), check: Check): void {
    this.each(name, async (attacker) => {
      const outcome = await attacker.build(typeof attack === "function" ? await attack(attacker) : attack);
      await check(outcome, attacker);
    });
  }

  /** The same for what takes more than one build. */
  each(name: string, work: (attacker: Attacker) => Promise<void>): void {
    for (const attacker of this.#attackers) {
      this.#test(`${name} (as ${attacker.name})`, async () => {
        await work(this.#watched(attacker));
        this.host.assertIntact();
        assert.equal(filesWith(attacker.store, this.host.secret), [], "the bait is in the store");
      });
    }
  }

  run(): void {
    this.#test.run();
  }

  #watched(attacker: Attacker): Attacker {
    return {
      ...attacker,
      build: async (attack) => {
        const outcome = await attacker.build(attack);
        assert.not.ok(`${outcome.stdout}${outcome.stderr}`.includes(this.host.secret), outcome.stderr);
        assert.not.match(outcome.stderr, /^\s+at .*\(.*:\d+:\d+\)$/m, outcome.stderr);
        return outcome;
      },
    };
  }
}

/** Root and a user of root's making; where the tests are not root's, only who runs them. */
function attackers(): readonly Attacker[] {
  const isRoot = process.getuid?.() === 0;
  const self = { name: isRoot ? "root" : "this user", isRoot, store: makeTempDir("store") };
  const first: Attacker = { ...self, build: (attack) => build(attack, self.store, (p) => p, tsbuild) };
  if (!isRoot) return [first];
  const user = new OrdinaryUser();
  const store = join(user.home, "store");
  const run = (args: readonly string[], options: CommandOptions) => user.tsbuild(args, options);
  const second: Attacker = {
    name: "an ordinary user",
    isRoot: false,
    store,
    build: (attack) => build(attack, store, (path) => user.pathOf(path), run),
  };
  return [first, second];
}

async function build(
  attack: Attack,
  store: string,
  pathOf: (path: string) => string,
  run: (args: readonly string[], options: CommandOptions) => Promise<CommandResult>,
): Promise<Outcome> {
  const context = makeContext({ ...attack.files, Dockerfile: dockerfile(...attack.dockerfile) });
  chmodSync(context, 0o755);
  attack.prepare?.(context);
  const images = { busybox: pathOf(await baseImage("busybox")), ...attack.images };
  const named = Object.entries(images).flatMap(([name, path]) => ["--build-context", `${name}=oci-layout://${path}`]);
  const flags = ["--store", store, "--progress", "plain", ...named, ...(attack.flags ?? [])];
  const result = await run(["build", ...flags, attack.positional ?? context], {
    ...(attack.env === undefined ? {} : { env: attack.env }),
    ...(attack.input === undefined ? {} : { input: attack.input }),
  });
  return { ...result, printed: printedLines(result.stderr) };
}

function printedLines(stderr: string): readonly string[] {
  return stderr.split("\n").flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []);
}

function filesWith(directory: string, text: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
