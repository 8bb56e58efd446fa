import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { TSBUILD } from "./cli.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";
import { makeTempDir } from "./temp.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const NAME = "tsbuild-test";

export interface UserOptions {
  /** The home of another such user, to go on in. */
  readonly home?: string;
  /** /etc/subuid and /etc/subgid. Default: 65536 ids from 300000. */
  readonly subordinateIds?: string;
  /** A script that root runs before it becomes the user, in the same namespaces. */
  readonly prepare?: string;
  /** A command line to which the user's is appended, run by root after it. */
  readonly through?: readonly string[];
}

/** A namespace may forbid those below it what the machine allows. */
const MAPPED = ["unshare", "--user", "--map-users=0,0,65536", "--map-groups=0,0,65536"];
const FORBID = `echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"`;

/** A user who can make no user namespace. */
export const WITHOUT_NAMESPACES: UserOptions = {
  subordinateIds: `root:0:65536\n${NAME}:100000:65536\n`,
  through: [...MAPPED, "sh", "-c", FORBID, "sh"],
};

/**
 * An ordinary user of this machine who exists only in a mount namespace of the commands, so that the machine's own /etc is
 * left alone. Needs root. The repository and Node are there under `place` too, wherever they lie.
 */
export class OrdinaryUser {
  static readonly UID = 5001;
  readonly uid: number = OrdinaryUser.UID;
  /** A directory that the user can enter, and cannot write. */
  readonly place: string = makeTempDir("user");
  readonly home: string;
  readonly #options: UserOptions;

  constructor(options: UserOptions = {}) {
    this.#options = options;
    this.home = options.home ?? join(this.place, "home");
    chmodSync(this.place, 0o755);
    for (const name of ["home", "repository", "node"]) mkdirSync(join(this.place, name));
    chownSync(this.home, this.uid, this.uid);
    for (const [name, text] of Object.entries(files(this.home, options))) writeFileSync(join(this.place, name), text);
  }

  /** Where the user finds a file of the repository. */
  pathOf(path: string): string {
    return join(this.place, "repository", relative(REPOSITORY, path));
  }

  /** A copy of a directory's files that the user can read. */
  contextOf(context: string): string {
    copyFileSync(join(context, "Dockerfile"), join(this.home, "Dockerfile"));
    return this.home;
  }

  /** The command line that runs `argv` as the user; every program on the way becomes the next, under one process id. */
  commandLine(argv: readonly string[]): readonly string[] {
    const { prepare = "", through = [] } = this.#options;
    const script = `set -e; cd "$1"
      for f in passwd subuid subgid; do mount --bind $f /etc/$f; done
      mount --bind "$2" repository; mount --bind "$3" node
      ${prepare}
      cd "$4"; shift 4; exec "$@"`;
    const places = [this.place, REPOSITORY, dirname(dirname(process.execPath)), this.home];
    const become = [
      ...through,
      "setpriv",
      `--reuid=${OrdinaryUser.UID}`,
      `--regid=${OrdinaryUser.UID}`,
      "--clear-groups",
    ];
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", ...places, ...become, ...argv];
  }

  /** The command line that runs Node from the sources. */
  nodeLine(...args: readonly string[]): readonly string[] {
    const tsx = `file://${this.pathOf(fileURLToPath(import.meta.resolve("tsx")))}`;
    return this.commandLine([join(this.place, "node/bin/node"), "--import", tsx, ...args]);
  }

  /** The command line of the CLI from the sources. */
  tsbuildLine(...args: readonly string[]): readonly string[] {
    const cli = this.pathOf(TSBUILD.at(-1) ?? "");
    if (!cli.endsWith(".cjs")) return this.nodeLine(cli, ...args);
    return this.commandLine([join(this.place, "node/bin/node"), "--enable-source-maps", cli, ...args]);
  }

  /** The user's environment: nothing of the test's own that would show in results. */
  get env(): Record<string, string | undefined> {
    const none = { NO_COLOR: "1", GITHUB_ACTIONS: undefined, SOURCE_DATE_EPOCH: undefined, TSBUILD_STORE: undefined };
    return { ...none, HOME: this.home, TMPDIR: this.home, XDG_DATA_HOME: undefined, XDG_CONFIG_HOME: undefined };
  }

  /** Runs the CLI as the user. */
  tsbuild(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.tsbuildLine(...args), { ...options, env: { ...this.env, ...options.env } });
  }
}

function files(home: string, { subordinateIds = `${NAME}:300000:65536\n` }: UserOptions): Record<string, string> {
  const passwd = `${readFileSync("/etc/passwd", "utf8")}${NAME}:x:${OrdinaryUser.UID}:${OrdinaryUser.UID}::${home}:/bin/sh\n`;
  return { passwd, subuid: subordinateIds, subgid: subordinateIds };
}
