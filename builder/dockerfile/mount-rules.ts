import type { MountFlag } from "./instructions.ts";
import type { MountOptions, RefuseMount } from "./parse-mount.ts";
import { quote } from "./quote.ts";

const OWNED = new Set(["secret", "ssh", "cache"]);

/** Which keys go together: BuildKit's validateMount, in its order. */
export function checkMount(mount: MountOptions, flag: MountFlag, refuse: RefuseMount): void {
  checkOwner(mount, flag, refuse);
  if (mount.type === "secret") checkSecret(mount, flag, refuse);
  if (mount.sharing !== undefined && mount.type !== "cache") {
    const field = mount.fields.get("sharing") ?? flag;
    refuse(`invalid cache sharing set for ${mount.type} mount`, field, "only a cache is shared");
  }
  if (mount.type === "ssh" && given(mount.source)) {
    refuse("ssh does not support source", mount.fields.get("source") ?? flag, "name the agent with id");
  }
}

function checkOwner({ type, fields }: MountOptions, flag: MountFlag, refuse: RefuseMount): void {
  if (OWNED.has(type)) return;
  for (const key of ["mode", "uid", "gid"]) {
    if (!fields.has(key)) continue;
    const hint = "only a cache, a secret and an ssh mount have an owner and a mode of their own";
    refuse(`${key} not allowed for ${quote(type)} type mounts`, fields.get(key) ?? flag, hint);
  }
}

function checkSecret(mount: MountOptions, flag: MountFlag, refuse: RefuseMount): void {
  const { fields, from, sharing, source, target, id } = mount;
  if (given(from?.text)) refuse("secret mount should not have a from", fields.get("from") ?? flag);
  if (sharing !== undefined) refuse("secret mount should not define sharing", fields.get("sharing") ?? flag);
  if (!given(source) && !given(target) && !given(id)) {
    refuse("invalid secret mount. one of source, target required", flag, "name the secret with id");
  }
  if (given(source) && given(id)) {
    refuse("both source and id can't be set", fields.get("source") ?? flag, "source is another word for id here");
  }
}

/** An empty value is none. */
function given(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}
