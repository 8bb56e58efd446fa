import { posix } from "node:path";
import type { SecretMount, SshMount } from "../llb/index.ts";
import { type MountRequest, mountTarget } from "./mount-inputs.ts";

/** `--mount=type=secret`: a file, unless it is only to be a variable. */
export function secretMount(request: MountRequest): SecretMount {
  const { flag, options, inputs } = request;
  const id = options.source || options.id || posix.basename(options.target ?? "");
  inputs.ranges.set(`secret ${id}`, (options.fields.get("id") ?? options.fields.get("source") ?? flag).range);
  return {
    type: "secret",
    id,
    ...secretTarget(request, id),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...ownership(request, 0o400),
  };
}

function secretTarget(request: MountRequest, id: string): { readonly target?: string } {
  const { target, env } = request.options;
  if (target) return { target: mountTarget(request) };
  return env === undefined ? { target: posix.join("/run/secrets", posix.basename(id)) } : {};
}

/** `--mount=type=ssh`. */
export function sshMount(request: MountRequest): SshMount {
  const { flag, options, inputs, sshCount } = request;
  const id = options.id || "default";
  inputs.ranges.set(`ssh ${id}`, (options.fields.get("id") ?? flag).range);
  const target = options.target ? mountTarget(request) : `/run/buildkit/ssh_agent.${sshCount}`;
  return { type: "ssh", id, target, ...ownership(request, 0o600) };
}

function ownership({ options }: MountRequest, mode: number) {
  const { uid = 0, gid = 0, required = false } = options;
  return { required, uid, gid, mode: (options.mode ?? mode) & 0o777 };
}
