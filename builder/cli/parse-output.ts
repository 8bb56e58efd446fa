import { parseBoolean } from "../boolean.ts";
import type { Output } from "../options.ts";
import { parsePairs } from "./csv.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue } from "./values.ts";

/** What one `--output` asks for. */
export interface OutputRequest {
  readonly output?: Output;
  /** `type=image,name=…` and `type=registry`: further tags. */
  readonly tags: readonly string[];
  readonly push: boolean;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  oci: ["dest", "tar", "name"],
  local: ["dest"],
  image: ["name", "push"],
  registry: ["name", "push"],
  cacheonly: [],
};

const INSTEAD: Readonly<Record<string, string>> = {
  docker: "use type=oci, and load it with podman load or skopeo copy",
  tar: "use type=local, and tar the directory",
};

/** `--output`: `type=…,key=value,…`, or a directory. Throws INVALID_VALUE, UNSUPPORTED_OUTPUT. */
export function parseOutput(text: string): OutputRequest {
  if (text === "-") throw unsupported("tar");
  if (!/^"?type=|,"?type=/i.test(text)) return bareOutput(text);
  const pairs = new Map(parsePairs("output", text));
  const type = pairs.get("type") ?? "";
  checkKeys(
    type,
    text,
    [...pairs.keys()].filter((key) => key !== "type"),
  );
  const tags = (pairs.get("name") ?? "").split(",").filter((name) => name !== "");
  switch (type) {
    case "oci":
      return {
        output: { type, dest: destination(pairs, text), tar: flagValue(pairs, "tar", true, text) },
        tags,
        push: false,
      };
    case "local":
      return { output: { type, dest: destination(pairs, text) }, tags, push: false };
    case "cacheonly":
      return { tags, push: false };
    default:
      return { tags, push: flagValue(pairs, "push", type === "registry", text) };
  }
}

function bareOutput(text: string): OutputRequest {
  if (text === "") throw invalidValue("output", text, "type=oci,dest=PATH, type=local,dest=DIR or a directory");
  return { output: { type: "local", dest: text }, tags: [], push: false };
}

function checkKeys(type: string, text: string, keys: readonly string[]): void {
  const known = KEYS[type];
  if (known === undefined) throw unsupported(type);
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const hint = known.length > 0 ? `it takes ${known.join(", ")}` : "it takes nothing";
  throw new UsageError("INVALID_VALUE", `--output ${text}: type=${type} does not take ${unknown}`, hint);
}

function unsupported(type: string): UsageError {
  const hint = INSTEAD[type] ?? `it is one of ${Object.keys(KEYS).join(", ")}`;
  return new UsageError(
    "UNSUPPORTED_OUTPUT",
    `--output type=${type} is not supported${type in INSTEAD ? " yet" : ""}`,
    hint,
  );
}

function destination(pairs: ReadonlyMap<string, string | undefined>, text: string): string {
  const dest = pairs.get("dest");
  if (dest === undefined || dest === "") throw invalidValue("output", text, "complete with dest=PATH");
  if (dest === "-")
    throw new UsageError("UNSUPPORTED_OUTPUT", "an output to standard output is not supported yet", "name a file");
  return dest;
}

function flagValue(
  pairs: ReadonlyMap<string, string | undefined>,
  key: string,
  absent: boolean,
  text: string,
): boolean {
  if (!pairs.has(key)) return absent;
  const value = parseBoolean(pairs.get(key) ?? "true");
  if (value !== undefined) return value;
  throw invalidValue("output", text, `true or false at ${key}`);
}
