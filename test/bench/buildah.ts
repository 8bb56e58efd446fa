import { join } from "node:path";
import { commandOutput, runCommand } from "../helpers/command.ts";
import { writePolicy } from "../helpers/peers.ts";
import { BASE_NAME, type PrepareBuilder } from "./builder.ts";

/** Debian's buildah with layers and runc; limits of our own, since its default ones need CAP_SYS_RESOURCE. */
export const prepareBuildah: PrepareBuilder = async (work, base) => {
  const version = await runCommand(["buildah", "--version"]).catch(() => undefined);
  if (version === undefined) return { name: "buildah", missing: "not installed: apt-get install buildah" };
  const places = ["--root", join(work, "storage"), "--runroot", join(work, "run"), "--storage-driver", "overlay"];
  const buildah = ["buildah", ...places];
  const policy = writePolicy(work);
  const destination = `containers-storage:[overlay@${join(work, "storage")}+${join(work, "run")}]localhost/${BASE_NAME}:latest`;
  await commandOutput(["skopeo", "--policy", policy, "copy", "--quiet", `oci:${base}:latest`, destination]);
  const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
  const options = [
    "--layers",
    "--runtime",
    "/usr/sbin/runc",
    "--network",
    "none",
    ...limits,
    "--signature-policy",
    policy,
  ];
  return {
    name: version.stdout.split(" (")[0]?.replace(" version", "").trim() ?? "buildah",
    build: async (context, { noCache }) => {
      const flags = ["--quiet", "--tag", "bench", "--pull=false", ...(noCache ? ["--no-cache"] : [])];
      await commandOutput([...buildah, "build", ...options, ...flags, context]);
    },
    close: async () => {
      await runCommand([...buildah, "rmi", "--all", "--force"]);
    },
  };
};
