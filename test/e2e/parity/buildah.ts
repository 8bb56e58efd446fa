import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, commandOutput, runCommand } from "../../helpers/command.ts";
import { writePolicy } from "../../helpers/peers.ts";
import type { BuiltImage } from "../differential/builders.ts";
import { unpack } from "../differential/builders.ts";
import { comparable } from "../differential/comparable.ts";
import { argumentsOf, envOf, type Place } from "./builders.ts";
import type { ParityCase } from "./case.ts";

/** Buildah with a storage of its own under one directory. Its steps run under chroot isolation, without a network. */
export interface Buildah {
  /** Loads an OCI layout's `latest` as `name`. */
  load(layout: string, name: string): Promise<void>;
  build(tag: string, place: Place, one: ParityCase): Promise<CommandResult>;
  read(tag: string, work: string): Promise<BuiltImage>;
}

/** Throws when there is no buildah. */
export async function startBuildah(root: string): Promise<Buildah> {
  const storage = join(root, "storage");
  const run = join(root, "run");
  const policy = writePolicy(root);
  const registries = join(root, "registries.conf");
  writeFileSync(registries, 'unqualified-search-registries = ["localhost"]\n');
  const env = { CONTAINERS_REGISTRIES_CONF: registries };
  const image = (name: string) => `containers-storage:[vfs@${storage}+${run}]localhost/${name}:latest`;
  const copy = ["skopeo", "--policy", policy, "copy", "--quiet"];
  await commandOutput(["buildah", "--version"]);
  return {
    load: async (layout, name) => {
      await commandOutput([...copy, `oci:${layout}:latest`, image(name)]);
    },
    build: (tag, place, one) => {
      const places = ["buildah", "--root", storage, "--runroot", run, "--storage-driver", "vfs"];
      const how = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--signature-policy", policy];
      const argv = [...places, "build", ...how, "--tag", tag, ...argumentsOf(place, one)];
      return runCommand(argv, { cwd: place.work, env: { ...envOf(place), ...env } });
    },
    read: async (tag, work) => {
      const layout = join(work, "buildah");
      await commandOutput([...copy, image(tag), `oci:${layout}:case`]);
      const config = JSON.parse(
        await commandOutput(["skopeo", "--policy", policy, "inspect", "--raw", "--config", image(tag)]),
      );
      return { image: comparable(config), tree: await unpack(layout, join(work, "buildah-files")) };
    },
  };
}
