import { type Flag, inSection } from "./flags.ts";
import { BUILD_LIMIT_FLAG, LIMIT_FLAG_TABLE } from "./limit-flag-table.ts";

/** The flags of `tsbuild build`, in the order help shows them: ours, then docker's that are ignored or refused. */
export const BUILD_FLAGS: readonly Flag[] = [
  {
    name: "tag",
    short: "t",
    type: "string",
    multiple: true,
    value: "NAME[:TAG]",
    help: "Name of the image, in the store and at --push",
  },
  {
    name: "file",
    short: "f",
    type: "string",
    value: "PATH",
    help: "The Dockerfile, or - for standard input (default: Dockerfile in the context)",
  },
  { name: "target", type: "string", value: "STAGE", help: "Build this stage (default: the last)" },
  {
    name: "build-arg",
    type: "string",
    multiple: true,
    value: "NAME[=VALUE]",
    help: "Value of an ARG; without =, from the environment",
  },
  {
    name: "build-context",
    type: "string",
    multiple: true,
    value: "NAME=VALUE",
    help: "Directory, docker-image://REF, oci-layout://PATH, git or URL for FROM and --from",
  },
  { name: "label", type: "string", multiple: true, value: "NAME=VALUE", help: "Label of the image" },
  {
    name: "output",
    short: "o",
    type: "string",
    multiple: true,
    value: "SPEC",
    help: "type=oci,dest=PATH[,tar=false] or type=local,dest=DIR; a bare path is local",
  },
  { name: "push", type: "boolean", help: "Push every tag to its registry" },
  { name: "pull", type: "boolean", help: "Ask the registry for base images, even those in the store" },
  { name: "no-cache", type: "boolean", help: "Run every step again" },
  {
    name: "no-cache-filter",
    type: "string",
    multiple: true,
    value: "STAGE,...",
    help: "Run every step of these stages again",
  },
  {
    name: "compression",
    type: "string",
    value: "TYPE[,level=N]",
    help: "Layers as gzip, zstd or none (default: gzip)",
  },
  {
    name: "normalize-modes",
    type: "boolean",
    help: "Context files have mode 0644 or 0755, directories 0755, for any umask",
  },
  {
    name: "platform",
    type: "string",
    multiple: true,
    value: "OS/ARCH",
    help: "Build for this platform (default: this machine's)",
  },
  { name: "check", type: "boolean", help: "Check the Dockerfile instead of building it (--call=check)" },
  {
    name: "call",
    type: "string",
    value: "METHOD",
    help: "Instead of building: check, outline or targets, with ,format=json",
  },
  { name: "progress", type: "string", value: "MODE", help: "auto, plain, tty, quiet, rawjson or none (default: auto)" },
  { name: "quiet", short: "q", type: "boolean", help: "Print only the digest of the image" },
  { name: "iidfile", type: "string", value: "PATH", help: "Write the digest of the image to a file" },
  { name: "metadata-file", type: "string", value: "PATH", help: "Write digests and names to a JSON file" },
  {
    name: "store",
    type: "string",
    value: "DIR",
    help: "Where images and the cache are kept (default: $TSBUILD_STORE)",
  },
  { name: "help", short: "h", type: "boolean", help: "Show this" },
  ...inSection("What a RUN has", [
    {
      name: "isolation",
      type: "string",
      value: "KIND",
      help: "namespaces, or chroot where a container has none (default: namespaces)",
    },
    {
      name: "network",
      type: "string",
      value: "MODE",
      help: "Network of RUN: private, none or host (default: private)",
    },
    {
      name: "allow-net",
      type: "string",
      multiple: true,
      value: "HOST[:PORT],...",
      help: "The only hosts RUN may reach: names, *.names, addresses, blocks",
    },
    {
      name: "add-host",
      type: "string",
      multiple: true,
      value: "HOST:IP",
      help: "A name that RUN finds in its /etc/hosts; host-gateway for this machine",
    },
    {
      name: "ca-certs",
      type: "string",
      value: "FILE",
      help: "Certificate authorities that RUN trusts, without a trace in the image",
    },
    {
      name: "secret",
      type: "string",
      multiple: true,
      value: "id=ID[,src=PATH]",
      help: "For RUN --mount=type=secret and logins of ADD: a file; env=NAME a variable",
    },
    {
      name: "ssh",
      type: "string",
      multiple: true,
      value: "ID[=PATH,…]",
      help: "For RUN --mount=type=ssh: an agent's socket, or private keys",
    },
    {
      name: "allow",
      type: "string",
      multiple: true,
      value: "ENTITLEMENT",
      help: "What RUN may ask for: network.host, security.insecure",
    },
    {
      name: "security-opt",
      type: "string",
      multiple: true,
      value: "no-new-privileges",
      help: "No RUN gains privileges through setuid programs",
    },
    {
      name: "on-error",
      type: "string",
      value: "ACTION",
      help: "shell: open one in the root of a RUN that fails (default: none)",
    },
  ]),
  ...LIMIT_FLAG_TABLE,
  BUILD_LIMIT_FLAG,

  ...ignored(["rm", "force-rm", "compress", "disable-content-trust", "debug"], "boolean"),
  ...ignored(["builder"], "string"),

  refused("load", "boolean", "use --output type=oci,dest=image.tar, and load it with podman load or skopeo copy"),
  refused("squash", "boolean", "leave it out: a multi-stage build with one COPY --from gives one layer"),
  refused("cache-from", "string", "leave it out: the store on this machine is the cache"),
  refused("cache-to", "string", "leave it out: the store on this machine is the cache"),
  refused("annotation", "string", "use --label"),
  refused("policy", "string", "pin images by digest in the Dockerfile"),
  refused("attest", "string", "leave it out: no attestations are made"),
  refused("provenance", "string", "leave it out: no attestations are made", ["false", "0"]),
  refused("sbom", "string", "leave it out: no attestations are made", ["false", "0"]),
  refused("cgroup-parent", "string", "use --build-limit for what all RUNs may use together"),
];

function ignored(names: readonly string[], type: Flag["type"]): readonly Flag[] {
  return names.map((name) => ({ name, type, help: "", support: "ignored", multiple: type === "string" }));
}

function refused(name: string, type: Flag["type"], hint: string, harmless: readonly string[] = ["false"]): Flag {
  return { name, type, help: "", support: "refused", hint, harmless, multiple: type === "string" };
}
