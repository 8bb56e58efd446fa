import { type ParseArgsConfig, parseArgs } from "node:util";
import { suggest } from "../suggest.ts";
import { UsageError } from "./usage-error.ts";

/** One flag of a command: the parser, `--help` and the refusals all read this. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly type: "string" | "boolean";
  /** May be given several times. A flag that may not takes its last value, as docker's do. */
  readonly multiple?: boolean;
  /** What help shows for the value: `NAME[:TAG]`. */
  readonly value?: string;
  readonly help: string;
  /** The heading that help shows it below; absent is `Options`. */
  readonly section?: string;
  /**
   * `ignored`: docker's, without a meaning here, accepted with a warning. `refused`: it would change the result, so it is an
   * error, but for the values in `harmless`.
   */
  readonly support?: "ignored" | "refused";
  readonly harmless?: readonly string[];
  /** What to do instead of a refused flag. */
  readonly hint?: string;
}

/** The same rows, below one heading of help. */
export function inSection(section: string, flags: readonly Flag[]): readonly Flag[] {
  return flags.map((flag) => ({ ...flag, section }));
}

/** A parsed command line. */
export class ParsedFlags {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** Every value of a flag, in order. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The last value of a flag. */
  text(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  isSet(name: string): boolean {
    return this.text(name) === "true";
  }

  /** Names that were given, in the order of their first use. */
  get names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

/**
 * Reads a command line as docker does: `--flag value`, `--flag=value`, `--bool`, `--bool=false`, `-tvalue`, `-t=value`, `-qt
 * value`; flags and positionals in any order; `--` ends the flags. Throws UsageError: UNKNOWN_FLAG, MISSING_VALUE, INVALID_VALUE.
 */
export function parseFlags(args: readonly string[], flags: readonly Flag[], command = "build"): ParsedFlags {
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of readTokens(args, flags)) {
    if (token.kind === "positional") {
      positionals.push(token.value);
      continue;
    }
    const flag = findFlag(token, flags, command);
    const value = flag.type === "boolean" ? booleanValue(flag, token.value) : stringValue(flag, token.value);
    values.set(flag.name, [...(values.get(flag.name) ?? []), value]);
  }
  return new ParsedFlags(values, positionals);
}

/**
 * A command line whose flags end at its first positional, as docker run's do: what comes after that is the container's own.
 */
export function splitAtPositional(
  args: readonly string[],
  flags: readonly Flag[],
): { readonly flags: readonly string[]; readonly rest: readonly string[] } {
  const { tokens } = parseArgs({ args: [...args], options: parserOptions(flags), ...LENIENT });
  const first = tokens.find(({ kind }) => kind === "positional")?.index ?? args.length;
  return { flags: args.slice(0, first), rest: args.slice(first) };
}

interface FlagToken {
  readonly kind: "flag";
  /** As written: `--tag`, `-t`. */
  readonly rawName: string;
  readonly value: string | undefined;
}

type Token = FlagToken | { readonly kind: "positional"; readonly value: string };

const LENIENT = { strict: false, allowPositionals: true, tokens: true } as const;

function parserOptions(flags: readonly Flag[]): NonNullable<ParseArgsConfig["options"]> {
  return Object.fromEntries(
    flags.map(({ name, type, short }) => [name, short === undefined ? { type } : { type, short }]),
  );
}

function readTokens(args: readonly string[], flags: readonly Flag[]): readonly Token[] {
  const { tokens } = parseArgs({ args: [...args], options: parserOptions(flags), ...LENIENT });
  const read: Token[] = [];
  let done = -1;
  for (const token of tokens) {
    if (token.kind === "positional") read.push({ kind: "positional", value: token.value });
    if (token.kind !== "option" || token.index === done) continue;
    const group = booleanGroup(args[token.index] ?? "", flags);
    if (group !== undefined) done = token.index;
    read.push(...(group ?? [{ kind: "flag" as const, rawName: token.rawName, value: shortValue(token) }]));
  }
  return read;
}

/** `-q=false`, which parseArgs takes for seven flags. */
function booleanGroup(arg: string, flags: readonly Flag[]): readonly FlagToken[] | undefined {
  const match = /^-([A-Za-z]+)=(.*)$/s.exec(arg);
  const letters = [...(match?.[1] ?? "")];
  const isGroup = letters.length > 0 && letters.every((letter) => isBoolean(letter, flags));
  if (!isGroup) return undefined;
  return letters.map((letter, index) => ({
    kind: "flag",
    rawName: `-${letter}`,
    value: index === letters.length - 1 ? match?.[2] : undefined,
  }));
}

function isBoolean(letter: string, flags: readonly Flag[]): boolean {
  return flags.some(({ short, type }) => short === letter && type === "boolean");
}

/** `-t=name` is `-t name`. */
function shortValue(token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined }) {
  const isShort = !token.rawName.startsWith("--");
  return isShort && token.inlineValue === true ? token.value?.replace(/^=/, "") : token.value;
}

function findFlag({ rawName }: FlagToken, flags: readonly Flag[], command: string): Flag {
  const isLong = rawName.startsWith("--");
  const name = rawName.replace(/^--?/, "");
  const flag = flags.find((other) => (isLong ? other.name === name : other.short === name));
  if (flag !== undefined) return flag;
  const near = isLong
    ? suggest(
        name,
        flags.map((other) => other.name),
      )
    : undefined;
  const hint = near === undefined ? `see tsbuild ${command} --help` : `did you mean --${near}?`;
  throw new UsageError("UNKNOWN_FLAG", `unknown flag: ${rawName}`, hint);
}

function stringValue(flag: Flag, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new UsageError(
    "MISSING_VALUE",
    `flag needs an argument: --${flag.name}`,
    `--${flag.name} ${flag.value ?? "VALUE"}`,
  );
}

/** Go's strconv.ParseBool, in which docker's flags are written. */
function booleanValue(flag: Flag, value: string | undefined): "true" | "false" {
  if (value === undefined || /^(?:1|t|T|true|TRUE|True)$/.test(value)) return "true";
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return "false";
  throw new UsageError(
    "INVALID_VALUE",
    `invalid value ${JSON.stringify(value)} for --${flag.name}: it is true or false`,
  );
}

/** Docker's flags without a meaning here, that were given: each is to be said once. Throws UNSUPPORTED_FLAG for a refused one. */
export function checkSupport(parsed: ParsedFlags, flags: readonly Flag[]): readonly string[] {
  const given = flags.filter(({ name }) => parsed.names.includes(name));
  for (const flag of given) {
    const value = parsed.list(flag.name).find((one) => !(flag.harmless ?? ["false"]).includes(one));
    if (flag.support !== "refused" || value === undefined) continue;
    throw new UsageError("UNSUPPORTED_FLAG", `--${flag.name} is not supported yet`, flag.hint);
  }
  return given.filter(({ support }) => support === "ignored").map(({ name }) => `--${name}`);
}
