import { homedir } from "node:os";
import { join } from "node:path";
import type { SourceContext } from "./context.ts";
import { secretText } from "./context.ts";

/** What git may take over from this process: how to reach the network, nothing about the person who runs it. */
const INHERITED = [
  ...["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"],
  ...["http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"],
];

/**
 * Repositories are hostile: they may name programs in hooks, filters, file system monitors, transports and submodules.
 * The environment overrules every other configuration, that of submodules too. git-config(1).
 */
const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.autocrlf", "false"],
  ["core.eol", "lf"],
  ["core.symlinks", "true"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.logAllRefUpdates", "false"],
  ["credential.helper", ""],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["init.defaultBranch", "master"],
  ["advice.detachedHead", "false"],
  ["fetch.writeCommitGraph", "false"],
  ["pack.threads", "1"],
  ["protocol.version", "2"],
  ["protocol.allow", "never"],
  ["protocol.http.allow", "always"],
  ["protocol.https.allow", "always"],
  ["protocol.git.allow", "always"],
  ["protocol.ssh.allow", "always"],
  // A server that goes silent is given up.
  ["http.lowSpeedLimit", "1"],
  ["http.lowSpeedTime", "120"],
];

/** The environment that git runs in, but for an agent. `home` is an empty directory of its own. */
export async function gitEnvironment(
  remote: string,
  home: string,
  context: SourceContext,
): Promise<Readonly<Record<string, string>>> {
  const outer = context.env ?? process.env;
  const kept = INHERITED.flatMap((name) => (outer[name] === undefined ? [] : [[name, outer[name]] as const]));
  const settings = [...SETTINGS, ...(await authorization(remote, context))];
  return {
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    // The TLS library of git's HTTP knows only the second of the two.
    ...(outer["SSL_CERT_FILE"] === undefined ? {} : { GIT_SSL_CAINFO: outer["SSL_CERT_FILE"] }),
    ...Object.fromEntries(kept),
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "http:https:git:ssh",
    GIT_SSH_COMMAND: sshCommand(home, outer),
    GIT_SSH_VARIANT: "ssh",
    GIT_LFS_SKIP_SMUDGE: "1",
    ...countedSettings(settings),
  };
}

/** git-config(1), GIT_CONFIG_COUNT. */
function countedSettings(settings: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const pairs = settings.flatMap(([name, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, name],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

/** A host that is known must be the same; one that is not is believed, and forgotten with `home`. ssh_config(5). */
function sshCommand(home: string, outer: NodeJS.ProcessEnv): string {
  // New ones are written to the first file. A path that ssh would take apart is passed over.
  const known = [join(home, "known_hosts"), join(outer["HOME"] ?? homedir(), ".ssh", "known_hosts")];
  const files = known.map((path) => (/^[\w@+:./-]+$/.test(path) ? path : "/dev/null")).join(" ");
  return [
    "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ForwardAgent=no",
    `-o PermitLocalCommand=no -o ProxyCommand=none -o "UserKnownHostsFile=${files}"`,
  ].join(" ");
}

/** BuildKit's secrets, the one for the host first. They are sent to that host alone. */
async function authorization(remote: string, context: SourceContext): Promise<readonly (readonly [string, string])[]> {
  if (!/^https?:\/\//.test(remote)) return [];
  const { protocol, host } = new URL(remote);
  const scope = `http.${protocol}//${host}/.extraheader`;
  for (const suffix of [`.${host}`, ""]) {
    const header = await secretText(context, `GIT_AUTH_HEADER${suffix}`);
    if (header !== undefined) return [[scope, `Authorization: ${header}`]];
    const token = await secretText(context, `GIT_AUTH_TOKEN${suffix}`);
    if (token !== undefined) return [[scope, `Authorization: basic ${basic("x-access-token", token)}`]];
  }
  return [];
}

function basic(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`).toString("base64");
}
