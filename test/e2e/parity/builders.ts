import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tsbuild } from "../../helpers/cli.ts";
import { type CommandResult, commandOutput, runCommand } from "../../helpers/command.ts";
import type { Dockerd } from "../../helpers/dockerd.ts";
import type { ParityCase } from "./case.ts";

/** Where a case is built, and what it needs around it. */
export interface Place {
  /** The directory above the context, on its own for each case. */
  readonly work: string;
  /** Its URL. */
  readonly url: string;
  /** Base images by the names the Dockerfiles give them. */
  readonly bases: Readonly<Record<string, string>>;
  /** Of an ssh agent. */
  readonly agent: string;
  /** Standard input of the build. */
  readonly input: Buffer;
}

/** Writes the context and what the case's script puts beside it. Returns the standard input of the build. */
export async function makeContext(
  { work, url }: Pick<Place, "work" | "url">,
  { dockerfile, context = "", stdin = "" }: ParityCase,
): Promise<Buffer> {
  const path = join(work, "context");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "Dockerfile"), `${dockerfile.join("\n")}\n`.replaceAll("@WEB@", url));
  const script = `umask 022\n${context.replaceAll("@WEB@", url)}`;
  await commandOutput(["bash", "-euc", script], { cwd: path, env: { HOME: work } });
  await commandOutput(["bash", "-euo", "pipefail", "-c", `{ ${stdin || ":"}; } > stdin`], { cwd: work });
  return readFileSync(join(work, "stdin"));
}

/** Our command, with the image as an OCI layout in `ours`. */
export async function tsbuildCase(place: Place, one: ParityCase, store: string): Promise<CommandResult> {
  const named = Object.entries(place.bases).map(([name, layout]) => `${name}=oci-layout://${layout}:latest`);
  const contexts = named.flatMap((context) => ["--build-context", context]);
  const output = ["--output", "type=oci,dest=ours,tar=false", "--tag", "case", "--store", store, "--progress", "plain"];
  const args = ["build", ...contexts, ...output, ...argumentsOf(place, one)];
  return tsbuild(args, { cwd: place.work, env: envOf(place), input: place.input });
}

/** Docker's command, with the image under `tag` in the daemon. */
export async function dockerCase(dockerd: Dockerd, tag: string, place: Place, one: ParityCase): Promise<CommandResult> {
  const argv = [dockerd.client, "build", "--progress", "plain", "--network", "none", "--tag", tag];
  const options = { cwd: place.work, env: { ...envOf(place), ...dockerd.env }, input: place.input };
  return runCommand([...argv, ...argumentsOf(place, one)], options);
}

/** The flags and the positional argument as both builders take them. */
export function argumentsOf({ url }: Place, { flags = [], from = "context" }: ParityCase): readonly string[] {
  return [...flags, from].map((text) => text.replaceAll("@WEB@", url));
}

/** The environment that a build runs in. */
export function envOf({ agent }: Place): Readonly<Record<string, string>> {
  return { SSH_AUTH_SOCK: agent };
}
