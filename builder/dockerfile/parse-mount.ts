import { parseBoolean } from "../boolean.ts";
import { parseByteSize } from "../byte-size.ts";
import { suggest } from "../suggest.ts";
import type { FlagField, MountFlag, Word } from "./instructions.ts";
import { checkMount } from "./mount-rules.ts";
import { quote } from "./quote.ts";

const MOUNT_TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
export type MountType = (typeof MOUNT_TYPES)[number];

const SHARING_MODES = ["shared", "private", "locked"] as const;
export type MountSharing = (typeof SHARING_MODES)[number];

/** What one `--mount` asks for: keys that were not given are absent, and where each stands is in `fields`. */
export interface MountOptions {
  readonly type: MountType;
  readonly from?: Word;
  readonly source?: string;
  readonly target?: string;
  /** undefined: the type decides. */
  readonly readonly?: boolean;
  readonly id?: string;
  readonly sharing?: MountSharing;
  readonly required?: boolean;
  readonly sizeBytes?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: string;
  /** The last field of each key, for carets. A key is named by its long form: `source`, `target`, `readonly`. */
  readonly fields: ReadonlyMap<string, FlagField>;
}

/** Says what is wrong, and at which word. */
export type RefuseMount = (message: string, word: Word, hint?: string) => never;

export interface ParseMountOptions {
  /** The value of a field with its variables. */
  readonly expand: (value: Word) => string;
  readonly refuse: RefuseMount;
}

/** Reads the fields of `--mount` in order, as BuildKit does: a key may depend on the `type` that was given before it. */
export function parseMount(flag: MountFlag, { expand, refuse }: ParseMountOptions): MountOptions {
  const fields = new Map<string, FlagField>();
  let mount: MountOptions = { type: "bind", fields };
  for (const field of flag.fields) {
    const { value } = field;
    const given = value === undefined ? readBare(mount, field, refuse) : readValue(mount, field, expand(value), refuse);
    mount = { ...mount, ...given };
    fields.set(LONG_FORMS[field.key] ?? field.key, field);
  }
  checkMount(mount, flag, refuse);
  return mount;
}

const LONG_FORMS: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  rw: "readonly",
  readwrite: "readonly",
};

/** BuildKit's order, in which the first of equally near keys is suggested. */
const KEYS =
  "type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env";

/** A key without `=`. */
function readBare(mount: MountOptions, field: FlagField, refuse: RefuseMount): Partial<MountOptions> {
  switch (field.key) {
    case "readonly":
    case "ro":
      return { readonly: true };
    case "readwrite":
    case "rw":
      return { readonly: false };
    case "required":
      requireSource(mount, field, refuse);
      return { required: true };
    default: {
      const hint = field.text === "" ? "leave the comma out" : `write ${field.text}=VALUE`;
      return refuse(`invalid field '${field.text}' must be a key=value pair`, field, hint);
    }
  }
}

function readValue(mount: MountOptions, field: FlagField, value: string, refuse: RefuseMount): Partial<MountOptions> {
  const { key } = field;
  switch (key) {
    case "type":
      return { type: oneOf(MOUNT_TYPES, value, "mount type", field, refuse) };
    case "from":
      return value === "" ? {} : { from: field.value ?? field };
    case "source":
    case "src":
      return { source: value };
    case "target":
    case "dst":
    case "destination":
      return { target: value };
    case "readonly":
    case "ro":
      return { readonly: booleanOf(field, value, refuse) };
    case "readwrite":
    case "rw":
      return { readonly: !booleanOf(field, value, refuse) };
    case "required":
      requireSource(mount, field, refuse);
      return { required: booleanOf(field, value, refuse) };
    case "size":
      if (mount.type !== "tmpfs") refuse(unexpectedFor(mount, key), field, "only a tmpfs has a size");
      return { sizeBytes: sizeOf(field, value, refuse) };
    case "id":
      return { id: value };
    case "sharing":
      return { sharing: oneOf(SHARING_MODES, value, "sharing value", field, refuse) };
    case "mode":
      return { mode: numberOf(field, value, 8, refuse) };
    case "uid":
    case "gid":
      return { [key]: numberOf(field, value, 10, refuse) };
    case "env":
      return { env: value };
    default:
      return refuse(`unexpected key '${key}' in '${field.text}'`, field, keyHint(key));
  }
}

function oneOf<T extends string>(
  known: readonly T[],
  value: string,
  what: string,
  field: FlagField,
  refuse: RefuseMount,
): T {
  const found = known.find((one) => one === value.toLowerCase());
  if (found !== undefined) return found;
  const near = suggest(value, known);
  const hint = near === undefined ? `it is one of ${known.join(", ")}` : `did you mean ${near}?`;
  return refuse(`unsupported ${what} ${quote(value)}`, field, hint);
}

function booleanOf(field: FlagField, value: string, refuse: RefuseMount): boolean {
  return parseBoolean(value) ?? refuse(`invalid value for ${field.key}: ${value}`, field, "write true or false");
}

function sizeOf(field: FlagField, value: string, refuse: RefuseMount): number {
  return parseByteSize(value) ?? refuse(`invalid value for ${field.key}: ${value}`, field, "write bytes, or 64m, 1g");
}

/** Go's strconv.ParseUint of 32 bits. */
function numberOf(field: FlagField, value: string, base: 8 | 10, refuse: RefuseMount): number {
  const number = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value) ? Number.parseInt(value, base) : Number.NaN;
  if (number < 2 ** 32) return number;
  const hint = base === 8 ? "write it in octal, as in 0755" : "write a number: names are not looked up";
  return refuse(`invalid value ${value} for ${field.key}`, field, hint);
}

function requireSource(mount: MountOptions, field: FlagField, refuse: RefuseMount): void {
  if (mount.type === "secret" || mount.type === "ssh") return;
  refuse(unexpectedFor(mount, field.key), field, "only a secret and an ssh mount can be required");
}

function unexpectedFor({ type }: MountOptions, key: string): string {
  return `unexpected key '${key}' for mount type '${type}'`;
}

function keyHint(key: string): string {
  const near = suggest(key, KEYS.split(" "));
  return near === undefined || near === key
    ? `a mount takes ${KEYS.split(" ").slice(0, 12).join(", ")}, env`
    : `did you mean ${near}?`;
}
