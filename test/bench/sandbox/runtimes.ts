import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOutput } from "../../helpers/command.ts";
import type { Contender, MissingContender, Subject } from "./contender.ts";
import { DOCKER_CAPABILITIES, dockerFilter, FILTER_FILE } from "./docker-filter.ts";
import { type SpawnedSpec, spawned } from "./spawned.ts";

const PLACES: Readonly<Record<string, string>> = { runc: "/usr/sbin/runc", crun: "/usr/bin/crun" };

/** crun 1.8 refuses a machine that mounts both cgroup versions: it runs where the second is not mounted. */
const WITHOUT_UNIFIED = "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified";

/** runtime-spec v1.1, config.md: as much of it as is changed here. */
interface RuntimeConfig {
  process: { terminal: boolean; args: readonly string[]; capabilities?: object };
  root: { path: string; readonly: boolean };
  linux: { namespaces: { type: string }[]; seccomp?: object; uidMappings?: object[]; gidMappings?: object[] };
}

type Change = (config: RuntimeConfig) => void;

const FORMS: Readonly<Record<string, readonly Change[]>> = {
  "no filter": [],
  "no filter, user namespace": [withUserNamespace],
  "Docker's filter": [withDockerHardening],
  "Docker's filter, user namespace": [withDockerHardening, withUserNamespace],
};

/**
 * `runc run` or `crun run`, with the spec that the program's own `spec` writes, which has no filter, and with what Docker adds to it.
 * What a step has is in the second, and that counts.
 */
export async function runtimes(peer: string, subject: Subject): Promise<(Contender | MissingContender)[]> {
  const program = PLACES[peer] ?? peer;
  if (!existsSync(program)) return [{ name: peer, missing: `${program} is not there: apt-get install ${peer}` }];
  const forms: (Contender | MissingContender)[] = [];
  for (const [form, changes] of Object.entries(FORMS)) {
    const name = `${peer} run, ${form}`;
    if (changes.includes(withDockerHardening) && !existsSync(FILTER_FILE)) {
      forms.push({ name, missing: `${FILTER_FILE} is not there: apt-get install golang-github-containers-common` });
    } else {
      forms.push(await spawned(runtime(peer, program, { name, changes }, subject), subject));
    }
  }
  return forms;
}

function runtime(
  peer: string,
  program: string,
  { name, changes }: { readonly name: string; readonly changes: readonly Change[] },
  { rootfs, work }: Subject,
): SpawnedSpec {
  const id = `tsbuild-bench-${process.pid}-${name.replaceAll(/\W+/g, "-")}`;
  const state = join(work, "state", id);
  return {
    name,
    peer: changes.includes(withDockerHardening) ? peer : `${peer}, no filter`,
    prepare: peer === "crun" ? WITHOUT_UNIFIED : "",
    commandLine: async (argument) => {
      const bundle = join(work, id);
      rmSync(bundle, { recursive: true, force: true });
      for (const directory of [bundle, state]) mkdirSync(directory, { recursive: true });
      await commandOutput([program, "spec"], { cwd: bundle });
      const path = join(bundle, "config.json");
      const config: RuntimeConfig = JSON.parse(readFileSync(path, "utf8"));
      config.process.terminal = false;
      config.process.args = [argument];
      config.root = { path: rootfs, readonly: true };
      for (const change of changes) change(config);
      writeFileSync(path, JSON.stringify(config));
      return [program, "--root", state, "run", "--bundle", bundle, id];
    },
  };
}

function withUserNamespace({ linux }: RuntimeConfig): void {
  const mapping = { containerID: 0, hostID: 100_000, size: 65_536 };
  linux.namespaces.push({ type: "user" });
  linux.uidMappings = [mapping];
  linux.gidMappings = [mapping];
}

function withDockerHardening({ process, linux }: RuntimeConfig): void {
  const set = DOCKER_CAPABILITIES;
  process.capabilities = { bounding: set, effective: set, permitted: set };
  linux.seccomp = dockerFilter();
}
