import { BUILD_FLAGS } from "./build-flags.ts";
import { type Flag, inSection } from "./flags.ts";
import { LIMIT_FLAG_TABLE } from "./limit-flag-table.ts";

/** What a container has in common with the RUN steps of a build: the same rows, in this order. */
const SHARED = [
  ..."network add-host allow-net ca-certs".split(" "),
  ...LIMIT_FLAG_TABLE.map(({ name }) => name),
  ..."security-opt platform store".split(" "),
];

/** The flags of `tsbuild run`, in the order help shows them: ours, then docker's that are ignored or refused. `-h` is docker's. */
export const RUN_FLAGS: readonly Flag[] = [
  { name: "interactive", short: "i", type: "boolean", help: "The command reads standard input" },
  { name: "tty", short: "t", type: "boolean", help: "The command has a terminal" },
  {
    name: "env",
    short: "e",
    type: "string",
    multiple: true,
    value: "NAME[=VALUE]",
    help: "Variable; without =, of one's own",
  },
  { name: "env-file", type: "string", multiple: true, value: "PATH", help: "Variables, a line each" },
  { name: "workdir", short: "w", type: "string", value: "DIR", help: "Working directory; made when it is missing" },
  { name: "user", short: "u", type: "string", value: "USER[:GROUP]", help: "Names or ids (default: the image's)" },
  {
    name: "entrypoint",
    type: "string",
    value: "PROGRAM",
    help: "In place of the image's; its Cmd then does not count",
  },
  { name: "hostname", short: "h", type: "string", value: "NAME", help: "Host name of the container" },
  {
    name: "volume",
    short: "v",
    type: "string",
    multiple: true,
    value: "SRC:DST[:ro]",
    help: "A file or directory of this machine",
  },
  {
    name: "mount",
    type: "string",
    multiple: true,
    value: "SPEC",
    help: "type=bind,src=PATH,dst=PATH[,ro] or type=tmpfs,dst=PATH[,tmpfs-size=BYTES]",
  },
  { name: "tmpfs", type: "string", multiple: true, value: "DST[:size=BYTES]", help: "A directory in memory" },
  { name: "read-only", type: "boolean", help: "Only mounts, volumes and /dev can be written" },
  {
    name: "pull",
    type: "string",
    value: "WHEN",
    help: "Ask the registry: missing, always or never (default: missing)",
  },
  ...shared(),
  ...inSection("What the command has", [
    { name: "cap-drop", type: "string", multiple: true, value: "NAME", help: "Take a capability away, or ALL" },
    {
      name: "cap-add",
      type: "string",
      multiple: true,
      value: "NAME",
      help: "Keep one of docker's default set after all",
    },
  ]),
  { name: "stop-signal", type: "string", value: "SIGNAL", help: "Ends the command at a timeout or --sig-proxy=false" },
  { name: "stop-timeout", type: "string", value: "SECONDS", help: "After which it is killed; -1: never (default: 10)" },
  { name: "sig-proxy", type: "boolean", help: "Signals go to the command (default: true)" },
  { name: "rm", type: "boolean", help: "Always so: the container is thrown away at its end" },
  { name: "init", type: "boolean", help: "Always so: a process of the sandbox reaps and forwards signals" },
  { name: "help", type: "boolean", help: "Show this" },

  ...ignored(
    "name",
    "label",
    "label-file",
    "expose",
    "log-driver",
    "log-opt",
    "detach-keys",
    "health-cmd",
    "health-start-period",
  ),
  ...ignored("health-interval", "health-retries", "health-timeout", "oom-score-adj"),
  ignoredSwitch("no-healthcheck"),
  ignoredSwitch("quiet", "q"),
  ignoredSwitch("disable-content-trust"),

  refused("detach", "there is no daemon: use & or nohup", "boolean", "d"),
  refused("privileged", "the sandbox keeps no way out: mount what is needed with --volume", "boolean"),
  refused("publish", "with --network host its ports are this machine's", "string", "p"),
  refused("publish-all", "with --network host its ports are this machine's", "boolean", "P"),
  refused("isolation", "run is always in the sandbox", "string", undefined, ["default", "namespaces", ""]),
  refused("restart", "let systemd or a loop start it again", "string", undefined, ["no", ""]),
  refused("device", "leave it out: the sandbox has no devices of this machine"),
  refused("gpus", "leave it out: the sandbox has no devices of this machine"),
  refused("attach", "leave it out, and use -i for standard input", "string", "a"),
  refused("ipc", "leave it out: the namespace is always its own", "string", undefined, ["private", ""]),
  refused("pid", "leave it out: the namespace is always its own", "string", undefined, [""]),
  refused("uts", "leave it out: the namespace is always its own", "string", undefined, [""]),
  refused("userns", "leave it out: the namespace is always its own", "string", undefined, [""]),
  refused("cgroupns", "leave it out: the namespace is always its own", "string", undefined, ["private", ""]),
  refused("cgroup-parent", "use the flags of limits"),
  refused("runtime", "leave it out: there is one sandbox"),
  refused("volumes-from", "name each directory with --volume"),
  refused("volume-driver", "mount it on this machine, and name it with --volume"),
  refused("storage-opt", "use --disk-quota"),
  refused("sysctl", "leave it out: /proc/sys is read-only"),
  refused("group-add", "name the group with --user, or in the image's /etc/group"),
  refused("link", "use --add-host"),
  refused("dns", "mount a resolv.conf with --volume"),
  refused("dns-search", "mount a resolv.conf with --volume"),
  refused("ip", "leave it out: addresses are given"),
  refused("mac-address", "leave it out: addresses are given"),
  refused("cidfile", "leave it out: a container has no id", "string"),
  refused("blkio-weight", "use --io-read-bps and --io-write-bps"),
  refused("oom-kill-disable", "leave it out", "boolean"),
];

function shared(): readonly Flag[] {
  const rows = BUILD_FLAGS.filter(({ support }) => support === undefined);
  return SHARED.flatMap((name) => rows.filter((row) => row.name === name)).map(ofContainer);
}

/** Help speaks of the command where a build's speaks of RUN. */
function ofContainer({ help, section, ...flag }: Flag): Flag {
  const words = help.replace(/\b(a|each|No) RUN\b/g, "$1 command").replace(/\bRUN\b/g, "the command");
  const heading = section?.replace("a RUN", "the command");
  return {
    ...flag,
    ...(heading === undefined ? {} : { section: heading }),
    help: words.replace("Build for", "Run the image of"),
  };
}

function ignored(...names: readonly string[]): readonly Flag[] {
  return names.map((name) => ({ name, type: "string", help: "", support: "ignored", multiple: true }));
}

function ignoredSwitch(name: string, short?: string): Flag {
  return { name, type: "boolean", help: "", support: "ignored", ...(short === undefined ? {} : { short }) };
}

function refused(
  name: string,
  hint: string,
  type: Flag["type"] = "string",
  short?: string,
  harmless: readonly string[] = ["false"],
): Flag {
  const letter = short === undefined ? {} : { short };
  return { name, type, help: "", support: "refused", hint, harmless, multiple: type === "string", ...letter };
}
