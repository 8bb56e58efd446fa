import { commandOutput } from "../helpers/command.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { BASE_NAME, type PrepareBuilder } from "./builder.ts";

/** Docker's BuildKit in a private daemon: its own socket, data and cgroup, no bridge and no iptables. */
export const prepareBuildKit: PrepareBuilder = async (work, base) => {
  const name = "docker buildkit";
  const dockerd = await startDockerd(work);
  if ("missing" in dockerd) return { name, missing: dockerd.missing };
  const { client, env, close } = dockerd;
  try {
    await dockerd.load(base, BASE_NAME);
  } catch (error) {
    await close();
    throw error;
  }
  const version = await commandOutput([client, "version", "--format", "{{.Server.Version}}"], { env });
  return {
    name: `${name} ${version.trim().split("+")[0]}`,
    build: async (context, { noCache }) => {
      const flags = ["--quiet", "--network", "none", "--tag", "bench", ...(noCache ? ["--no-cache"] : [])];
      await commandOutput([client, "build", ...flags, context], { env });
    },
    close,
  };
};
