import { posix, resolve } from "node:path";
import type { RunMount } from "../run-options.ts";
import { parsePairs } from "./csv.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue, parseBytes, parseChoice } from "./values.ts";

/** Options of `--volume` that say how, not what: the sandbox is private, and labels are not used. */
const WITHOUT_EFFECT = /^(?:rw|z|Z|cached|delegated|consistent|private|rprivate|nocopy)$/;

/** `--volume SRC:DST[:OPTIONS]`. SRC is absolute, or begins with `.`. Throws INVALID_VALUE, and UNSUPPORTED_FLAG for named volumes. */
export function parseVolume(text: string): RunMount {
  const [source = "", target, options = "", ...rest] = text.split(":");
  if (target === undefined || rest.length > 0) throw invalidValue("volume", text, "SRC:DST or SRC:DST:ro");
  const words = options.split(",").filter((word) => word !== "");
  const unknown = words.find((word) => word !== "ro" && !WITHOUT_EFFECT.test(word));
  if (unknown !== undefined) throw invalidValue("volume", text, `SRC:DST or SRC:DST:ro, without ${unknown}`);
  return {
    type: "bind",
    source: hostPath("volume", source),
    target: targetPath("volume", text, target),
    readonly: words.includes("ro"),
  };
}

/** `--mount type=bind,…` or `type=tmpfs,…`. Throws INVALID_VALUE, UNSUPPORTED_FLAG. */
export function parseRunMount(text: string): RunMount {
  const fields = new Map(parsePairs("mount", text));
  const take = (...names: readonly string[]) =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined);
  const type = parseType(text, take("type"));
  const target = targetPath("mount", text, take("target", "dst", "destination") ?? "");
  const readonly = readOnly(text, fields);
  checkKeys(text, type, fields);
  if (type === "tmpfs") {
    const size = take("tmpfs-size");
    return { type, target, readonly, ...(size === undefined ? {} : { sizeBytes: parseBytes("mount", size) }) };
  }
  return { type, source: hostPath("mount", take("source", "src") ?? ""), target, readonly };
}

/** `--tmpfs DST[:OPTIONS]`. Throws INVALID_VALUE. */
export function parseTmpfs(text: string): RunMount {
  const colon = text.indexOf(":");
  const words = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const target = targetPath("tmpfs", text, colon < 0 ? text : text.slice(0, colon));
  const size = words.find((word) => word.startsWith("size="))?.slice("size=".length);
  const unknown = words.find((word) => !/^(?:size=.*|ro|rw|nosuid|nodev|exec|mode=0?1777|)$/.test(word));
  if (unknown !== undefined) throw invalidValue("tmpfs", text, `DST or DST:size=BYTES, without ${unknown}`);
  const limit = size === undefined ? {} : { sizeBytes: parseBytes("tmpfs", size) };
  return { type: "tmpfs", target, readonly: words.includes("ro"), ...limit };
}

function parseType(text: string, type: string | undefined): "bind" | "tmpfs" {
  if (type === undefined || type === "volume") throw noVolumes("mount", text);
  return parseChoice("mount", type, ["bind", "tmpfs"]);
}

function readOnly(text: string, fields: ReadonlyMap<string, string | undefined>): boolean {
  const name = ["readonly", "ro"].find((key) => fields.has(key));
  const value = name === undefined ? "false" : (fields.get(name) ?? "true");
  if (/^(?:1|true)$/.test(value)) return true;
  if (/^(?:0|false)$/.test(value)) return false;
  throw invalidValue("mount", text, "ro, ro=true or ro=false");
}

const KEYS = {
  bind: /^(?:type|source|src|target|dst|destination|readonly|ro|consistency)$/,
  tmpfs: /^(?:type|target|dst|destination|readonly|ro|tmpfs-size)$/,
} as const;

function checkKeys(text: string, type: "bind" | "tmpfs", fields: ReadonlyMap<string, string | undefined>): void {
  const propagation = fields.get("bind-propagation");
  const isPrivate = type === "bind" && (propagation === "rprivate" || propagation === "private");
  const unknown = [...fields.keys()].find((key) => !KEYS[type].test(key) && !(isPrivate && key === "bind-propagation"));
  if (unknown !== undefined) throw invalidValue("mount", text, `of type ${type}, which has no ${unknown}`);
}

function hostPath(flag: string, source: string): string {
  if (source.startsWith("/") || source === "." || source === ".." || /^\.\.?\//.test(source)) return resolve(source);
  throw noVolumes(flag, source);
}

function noVolumes(flag: string, text: string): UsageError {
  return new UsageError(
    "UNSUPPORTED_FLAG",
    `--${flag} ${text}: there are no named volumes`,
    "name a directory by a path that begins with / or ./, or use --tmpfs",
  );
}

function targetPath(flag: string, text: string, target: string): string {
  if (target.startsWith("/") && posix.resolve(target) !== "/") return posix.resolve(target);
  throw invalidValue(flag, text, "a mount at an absolute path other than /");
}
