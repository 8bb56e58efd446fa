import { suggest } from "../suggest.ts";
import type { CaretPart } from "./ast.ts";
import type { FlagToken } from "./flag-words.ts";
import type { Word } from "./instructions.ts";
import { wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { instructionError } from "./parse-error.ts";

/** `list` may be given more than once. */
type FlagKind = "text" | "boolean" | "list";

type FlagKinds = ReadonlyMap<string, FlagKind>;

const COPY_FLAGS: readonly [string, FlagKind][] = [
  ["chown", "text"],
  ["chmod", "text"],
  ["link", "boolean"],
  ["exclude", "list"],
];

/** The flags of every instruction that has any. */
const FLAGS: ReadonlyMap<string, FlagKinds> = new Map<string, FlagKinds>([
  ["FROM", new Map([["platform", "text"]])],
  [
    "RUN",
    new Map([
      ["mount", "list"],
      ["network", "text"],
      ["security", "text"],
      ["device", "list"],
    ]),
  ],
  ["COPY", new Map([["from", "text"], ...COPY_FLAGS, ["parents", "boolean"]])],
  ["ADD", new Map([...COPY_FLAGS, ["keep-git-dir", "boolean"], ["checksum", "text"], ["unpack", "boolean"]])],
  [
    "HEALTHCHECK",
    new Map([
      ["interval", "text"],
      ["timeout", "text"],
      ["start-period", "text"],
      ["start-interval", "text"],
      ["retries", "text"],
    ]),
  ],
]);
const NO_FLAGS: FlagKinds = new Map();

/** The names of the flags of an instruction, upper-cased, without dashes. */
export function flagNames(keyword: string): readonly string[] {
  return [...(FLAGS.get(keyword) ?? NO_FLAGS).keys()];
}

/** The flags of one instruction, known, and checked for form. */
export interface Flags {
  /** undefined: not given, or given empty, which BuildKit takes for not given. */
  text(name: string): Word | undefined;
  list(name: string): readonly Word[];
  boolean(name: string): boolean | undefined;
  /** INVALID_FLAG at a flag that was given. */
  invalid(name: string, message: string, options?: InvalidFlagOptions): Error;
}

export interface InvalidFlagOptions {
  /** Which of a flag that may be repeated. Default 0. */
  readonly index?: number;
  /** Default its value. */
  readonly part?: CaretPart;
  readonly hint?: string;
}

/** Throws UNKNOWN_FLAG, DUPLICATE_FLAG or INVALID_FLAG. */
export function readFlags(node: InstructionNode): Flags {
  const kinds = FLAGS.get(node.name) ?? NO_FLAGS;
  const given = new Map<string, FlagToken[]>();
  for (const flag of node.flags) {
    const { name } = splitFlag(flag);
    checkFlag(node, flag, kinds.get(name) ?? unknownFlag(node, flag, kinds.keys()));
    const earlier = given.get(name);
    if (earlier === undefined) given.set(name, [flag]);
    else if (kinds.get(name) === "list") earlier.push(flag);
    else throw flagError(node, flag, "DUPLICATE_FLAG", `duplicate flag specified: --${name}`, "flag");
  }
  return new GivenFlags(node, given);
}

class GivenFlags implements Flags {
  readonly #node: InstructionNode;
  readonly #given: ReadonlyMap<string, readonly FlagToken[]>;

  constructor(node: InstructionNode, given: ReadonlyMap<string, readonly FlagToken[]>) {
    this.#node = node;
    this.#given = given;
  }

  text(name: string): Word | undefined {
    return this.list(name).find((word) => word.text !== "");
  }

  list(name: string): readonly Word[] {
    return (this.#given.get(name) ?? []).map((flag) => this.#wordOf(flag));
  }

  boolean(name: string): boolean | undefined {
    const flag = this.#given.get(name)?.[0];
    return flag === undefined ? undefined : splitFlag(flag).value?.toLowerCase() !== "false";
  }

  invalid(name: string, message: string, options: InvalidFlagOptions = {}): Error {
    const { index = 0, part = "flag-value", hint } = options;
    const flag = this.#given.get(name)?.[index];
    if (flag === undefined) throw new Error(`--${name} was not given`);
    return flagError(this.#node, flag, "INVALID_FLAG", message, part, hint);
  }

  #wordOf(flag: FlagToken): Word {
    const text = splitFlag(flag).value ?? "";
    return wordOf(this.#node.line, { text, start: flag.valueStart, end: flag.end });
  }
}

function splitFlag(flag: FlagToken): { name: string; value: string | undefined } {
  const at = flag.text.indexOf("=");
  if (at < 0) return { name: flag.text.slice(2), value: undefined };
  return { name: flag.text.slice(2, at), value: flag.text.slice(at + 1) };
}

function checkFlag(node: InstructionNode, flag: FlagToken, kind: FlagKind): void {
  const { name, value } = splitFlag(flag);
  if (kind === "boolean" ? value === "" : value === undefined) {
    const hint = kind === "boolean" ? `write --${name}` : `write --${name}=VALUE`;
    throw flagError(node, flag, "INVALID_FLAG", `missing a value on flag: --${name}`, "flag", hint);
  }
  if (kind === "boolean" && value !== undefined && !/^(?:true|false)$/i.test(value)) {
    const message = `expecting boolean value for flag --${name}, not: ${value}`;
    throw flagError(node, flag, "INVALID_FLAG", message, "flag-value", "write true or false");
  }
}

function unknownFlag(node: InstructionNode, flag: FlagToken, known: Iterable<string>): never {
  const { name } = splitFlag(flag);
  const meant = suggest(name, known);
  const hint = meant === undefined ? undefined : `did you mean --${meant}?`;
  throw flagError(node, flag, "UNKNOWN_FLAG", `unknown flag: --${name}`, "flag-name", hint);
}

function flagError(
  node: InstructionNode,
  flag: FlagToken,
  code: string,
  message: string,
  part: CaretPart,
  hint?: string,
): Error {
  return instructionError(node.line, code, message, { start: flag.start, end: flag.end, part }, hint);
}
