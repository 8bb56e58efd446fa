import { parseBoolean } from "../boolean.ts";
import { parsePairs } from "./csv.ts";
import type { ParsedFlags } from "./flags.ts";
import { invalidValue, parseChoice } from "./values.ts";

/** What is asked of a Dockerfile instead of building it. */
export interface Call {
  readonly method: "check" | "outline" | "targets";
  readonly format: "text" | "json";
  /** Warnings do not make the exit code 1. */
  readonly ignoreStatus: boolean;
}

const METHODS = ["build", "check", "lint", "outline", "targets"] as const;

/** `--call METHOD[,format=json][,ignorestatus=true]` and `--check`. undefined: a build. Throws UsageError INVALID_VALUE. */
export function parseCall(flags: ParsedFlags): Call | undefined {
  const text = flags.text("call") ?? "";
  const pairs = text === "" ? [] : parsePairs("call", text);
  const names = pairs.filter(([, value]) => value === undefined).map(([name]) => name);
  if (names.length > 1) throw invalidValue("call", text, "one of check, outline, targets, build, and options");
  const named = parseChoice("call", names[0] ?? "build", METHODS);
  const method = named === "build" && flags.isSet("check") ? "check" : named;
  if (method === "build") return undefined;
  const options = callOptions(text, pairs);
  return { method: method === "lint" ? "check" : method, ...options };
}

function callOptions(text: string, pairs: ReturnType<typeof parsePairs>): Omit<Call, "method"> {
  let format: Call["format"] = "text";
  let ignoreStatus = false;
  for (const [key, value] of pairs) {
    if (value === undefined) continue;
    if (key === "format") format = parseChoice("call", value, ["text", "json"]);
    else if (key === "ignorestatus") ignoreStatus = readBoolean(value);
    else throw invalidValue("call", text, "METHOD, format=json and ignorestatus=true");
  }
  return { format, ignoreStatus };
}

function readBoolean(value: string): boolean {
  const isSet = parseBoolean(value);
  if (isSet !== undefined) return isSet;
  throw invalidValue("call", value, "true or false at ignorestatus");
}
