import { join } from "node:path";
import { type DelegatedCgroup, delegateCgroup } from "../helpers/delegated-cgroup.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import type { Job } from "./job.ts";

/**
 * Test files whose path contains one of these run as an ordinary user too. For others it makes no difference, or they become that user
 * themselves, as test/e2e/rootless.test.ts does.
 */
export const USER_TESTS: readonly string[] = [
  "test/runtime-core/sandbox",
  "test/layers/overlay-snapshotter",
  "test/e2e/run-mounts",
  "test/e2e/cache",
];

/** Of these, the files that make ordinary users of their own, as root, and of what only root has: chroot isolation makes devices. */
export const ROOT_TESTS: readonly string[] = [
  "test/runtime-core/sandbox-rootless",
  "test/runtime-core/sandbox-chroot",
  "test/attack/",
  "test/e2e/endurance",
  "test/e2e/rootless",
  "test/e2e/run-rootless",
  "test/e2e/isolation",
];

/** How tsbuild itself runs for an ordinary user: builder/cli/rootless.ts. */
const ENTER = ["unshare", "--user", "--map-root-user", "--map-auto", "--mount", "--propagation", "private", "--"];
/** In its repository, which is not where root's is. */
const AT_REPOSITORY = ["sh", "-c", 'cd "$0" && exec "$@"'];

/** An ordinary user of this machine, with a cgroup of its own, who runs test files. Needs root. */
export class TestUser {
  readonly #cgroup: DelegatedCgroup;
  readonly #user: OrdinaryUser;

  constructor() {
    const uid = OrdinaryUser.UID;
    this.#cgroup = delegateCgroup(uid);
    this.#user = new OrdinaryUser({ prepare: this.#cgroup.join });
  }

  /** The job that runs root's `job`, a test file, as the user: root of a user namespace of its own. */
  job({ name, argv, timeoutMs, count }: Job): Job {
    const user = this.#user;
    const program = [join(user.place, "node/bin/node"), ...argv.slice(1)];
    const at = [...AT_REPOSITORY, join(user.place, "repository")];
    const cli = process.env["TSBUILD_TEST_CLI"];
    const env = { ...user.env, ...(cli === undefined ? {} : { TSBUILD_TEST_CLI: user.pathOf(cli) }) };
    return { name: `${name} (user)`, argv: user.commandLine([...ENTER, ...at, ...program]), env, timeoutMs, count };
  }

  /** Takes the user's cgroup away. */
  async leave(): Promise<void> {
    await this.#cgroup.remove();
  }
}
