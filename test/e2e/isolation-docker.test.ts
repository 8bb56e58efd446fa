import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD, tsbuildOk } from "../helpers/cli.ts";
import { runCommand } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("isolation in a container of docker's");

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

test("docker run, as it is, with the store on the container's own root: the image of a build outside", async () => {
  const root = makeTempDir("dockerd");
  const docker = await startDockerd(root);
  if ("missing" in docker) throw new Error(docker.missing);
  try {
    await docker.load(await baseImage("debian"), "debian");
    const context = makeContext({
      Dockerfile: dockerfile(
        "FROM busybox",
        "RUN mkdir /a; echo 1 > /a/x; ln /a/x /y",
        "COPY f /b/",
        "RUN rm -rf /a; mkdir /a; echo 2 >> /y; cat /b/f",
      ),
      f: "F\n",
    });
    const shown = [dirname(dirname(process.execPath)), REPOSITORY, realpathSync(join(REPOSITORY, ".cache"))];
    const volumes = [...new Set(shown)].flatMap((path) => ["--volume", `${path}:${path}:ro`]);
    const line = [
      docker.client,
      "run",
      "--rm",
      "--network",
      "none",
      ...volumes,
      "--volume",
      `${context}:${context}:ro`,
    ];
    const build = ["build", "-q", ...(await busyboxFlags())];
    const inside = (args: readonly string[]) =>
      runCommand([...line, "debian:latest", ...TSBUILD, ...args], { env: docker.env });
    const refused = await inside([...build, "--store", "/root/store", context]);
    assert.match(refused.stderr, "SANDBOX_UNAVAILABLE");
    const built = await inside([...build, "--isolation", "chroot", "--store", "/root/store", context]);
    assert.is(built.code, 0, built.stderr);
    const [, ...rest] = line;
    const confined = ["seccomp", "apparmor", "systempaths"].flatMap((name) => ["--security-opt", `${name}=unconfined`]);
    const allowing = [docker.client, "run", "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_TIME", ...confined];
    const doctor = [...allowing, ...rest.slice(1), "debian:latest", ...TSBUILD, "doctor", "--json", "--store"];
    const onOverlay = await runCommand([...doctor, "/root/store"], { env: docker.env });
    assert.match(onOverlay.stdout, /"id": "overlay",\s+"name": "overlay",\s+"state": "missing"/);
    const onTmpfs = await runCommand([...doctor, "/dev/shm"], { env: docker.env });
    assert.is(JSON.parse(onTmpfs.stdout).isolation, "namespaces", onTmpfs.stdout);
    const outside = await tsbuildOk([...build, "--network", "host", "--store", join(root, "store"), context]);
    assert.is(built.stdout, outside.stdout);
  } finally {
    await docker.close();
  }
});

test.run();
