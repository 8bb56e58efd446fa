import type { Secret } from "../options.ts";
import { parsePairs } from "./csv.ts";
import type { UsageError } from "./usage-error.ts";
import { invalidValue } from "./values.ts";

/**
 * `--secret`, as buildx takes it: `id=x,src=FILE`, `id=x,env=NAME`, `type=env,id=x,src=NAME`; by `id=x` alone, the variable x,
 * else the file x. Throws INVALID_VALUE.
 */
export function parseSecrets(values: readonly string[], env: NodeJS.ProcessEnv): Readonly<Record<string, Secret>> {
  return Object.fromEntries(values.map((value) => parseSecret(value, env)));
}

interface SecretFields {
  readonly type?: string;
  readonly id?: string;
  readonly file?: string;
  readonly env?: string;
}

function parseSecret(text: string, env: NodeJS.ProcessEnv): readonly [id: string, secret: Secret] {
  let fields: SecretFields = {};
  for (const [key, value] of parsePairs("secret", text)) {
    if (value === undefined) throw invalidSecret(text);
    fields = { ...fields, ...readField(key, value, text) };
  }
  const { type, id = "", file = "", env: variable = "" } = fields;
  if (id === "") throw invalidSecret(text);
  if (variable !== "") return [id, { env: variable }];
  if (file !== "") return [id, type === "env" ? { env: file } : { file }];
  return [id, env[id] === undefined ? { file: id } : { env: id }];
}

function readField(key: string, value: string, text: string): SecretFields {
  switch (key) {
    case "id":
    case "env":
      return { [key]: value };
    case "src":
    case "source":
      return { file: value };
    case "type":
      if (value === "file" || value === "env") return { type: value };
      throw invalidValue("secret", text, "of type file or env");
    default:
      throw invalidSecret(text);
  }
}

function invalidSecret(text: string): UsageError {
  return invalidValue("secret", text, "id=ID,src=PATH or id=ID,env=NAME");
}
