import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, copyFileSync, cpSync, mkdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD } from "../helpers/cli.ts";
import { makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { storeProblems } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { expectNothingLeft, type Kind, lookAround, type World } from "./world.ts";

/** Steps of every kind that has something to clean up: mounts, secrets, files, background processes, stages side by side. */
const DOCKERFILE = `
FROM busybox AS files
ARG ROUND
RUN dd if=/dev/zero of=/file-$ROUND bs=64k count=32 2> /dev/null
FROM busybox AS mounts
ARG ROUND
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=secret,id=s echo $ROUND > /c/a && cat /run/secrets/s > /t/s
RUN sleep 100 & echo $ROUND > /mounts
FROM busybox
ARG ROUND
COPY --from=files /file-$ROUND /file
RUN echo $ROUND > /1
COPY --from=mounts /mounts /
COPY Dockerfile /here/
RUN sleep 0.02; seq 2000; echo $ROUND > /2
`;

/** How a build ended. */
export interface Ended {
  /** 128 + n for signal n. */
  readonly code: number;
  readonly stderr: string;
}

/** Builds of one store, each with steps that none has run before; and what they leave. */
export class BuilderUnderTest {
  readonly #user: OrdinaryUser | undefined;
  readonly #store: string;
  readonly #temp: string;
  readonly #context: string;
  readonly #base: string;
  readonly #before: World;
  #round = 0;

  private constructor(asUser: boolean, base: string) {
    this.#user = asUser ? new OrdinaryUser() : undefined;
    const home = this.#user?.home ?? makeTempDir("stress");
    [this.#store, this.#temp, this.#context, this.#base] = ["store", "temp", "context", "base"].map((name) =>
      join(home, name),
    ) as [string, string, string, string];
    const context = makeContext({ Dockerfile: DOCKERFILE, secret: "hush" });
    for (const path of [this.#temp, this.#context]) mkdirSync(path);
    for (const name of ["Dockerfile", "secret"]) copyFileSync(join(context, name), join(this.#context, name));
    cpSync(base, this.#base, { recursive: true });
    if (this.#user !== undefined) chownSync(this.#temp, this.#user.uid, this.#user.uid);
    this.#before = lookAround(this.#folders);
  }

  static async create(asUser: boolean): Promise<BuilderUnderTest> {
    return new BuilderUnderTest(asUser, await baseImage("busybox"));
  }

  /** Starts a build; the process is tsbuild itself. */
  start(): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const flags = ["--store", this.#store, "--tag", "stress", "--build-arg", `ROUND=${++this.#round}`];
    const inputs = ["--build-context", `busybox=oci-layout://${this.#base}:latest`];
    const secret = ["--secret", `id=s,src=${join(this.#context, "secret")}`];
    const [file = "", ...args] = this.#commandLine(["build", ...flags, ...inputs, ...secret, this.#context]);
    const env = { ...process.env, NO_COLOR: "1", ...this.#user?.env, TMPDIR: this.#temp };
    const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"], env });
    return { child, ended: outcome(child) };
  }

  /** A whole build, which must succeed. Returns its wall time in milliseconds. */
  async build(): Promise<number> {
    const startedAt = performance.now();
    const { code, stderr } = await this.start().ended;
    if (code !== 0) throw new Error(`a build failed with ${code}:\n${stderr}`);
    return performance.now() - startedAt;
  }

  /** Throws with what is left of the builds so far. */
  async expectNothingLeft(kinds?: readonly Kind[]): Promise<void> {
    await expectNothingLeft(this.#before, this.#folders, kinds);
    const problems = storeProblems(this.#store);
    if (problems.length > 0) throw new Error(`the store is damaged:\n${problems.join("\n")}`);
  }

  /** Folders that hold nothing between builds. */
  get #folders(): string[] {
    return [this.#temp, ...["tmp", "ingest", "locks"].map((name) => join(this.#store, name))];
  }

  #commandLine(args: readonly string[]): readonly string[] {
    const user = this.#user;
    if (user === undefined) return [...TSBUILD, ...args];
    return user.commandLine([join(user.place, "node/bin/node"), user.pathOf(TSBUILD.at(-1) ?? ""), ...args]);
  }
}

async function outcome(child: ChildProcess): Promise<Ended> {
  const chunks: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code, signal] = await once(child, "close");
  const number = constants.signals[signal as NodeJS.Signals] ?? 0;
  return { code: code ?? 128 + number, stderr: Buffer.concat(chunks).toString() };
}
