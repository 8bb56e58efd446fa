import type { SecretMount } from "../llb/index.ts";
import { missing } from "./mount-missing.ts";
import type { MountWork, OpenMount } from "./mounts.ts";

/** A secret as a file in memory, a variable, or both; nothing when the build has none and needs none. */
export async function openSecret(secret: SecretMount, { vertex, context }: MountWork): Promise<OpenMount> {
  const { id, target, env, required, uid, gid, mode } = secret;
  const content = await context.secrets.read(id);
  if (content === undefined) {
    if (!required) return {};
    const hint = `give it with --secret id=${id},src=PATH or --secret id=${id},env=VARIABLE`;
    throw missing(`secret ${id}: not found`, `secret ${id}`, hint, { vertex, context });
  }
  return {
    ...(target === undefined ? {} : { mount: { type: "file", content, uid, gid, mode, target, readonly: true } }),
    ...(env === undefined || env === "" ? {} : { env: `${env}=${Buffer.from(content).toString("utf8")}` }),
  };
}
