import { parseBoolean } from "../boolean.ts";
import { suggest } from "../suggest.ts";
import type { FlagField } from "./instructions.ts";

type Refuse = (message: string, field: FlagField, hint?: string) => never;

/** Whether the fields of `--device` are `name[,required]`, as BuildKit's ParseDevice reads them; calls `refuse` if not. */
export function checkDevice(fields: readonly FlagField[], refuse: Refuse): void {
  let name = "";
  for (const field of fields) {
    const { key, value, text } = field;
    if (value === undefined && key === "required") continue;
    if (key === "required" && value !== undefined) {
      if (parseBoolean(value.text) === undefined) refuse(`invalid value for ${key}: ${value.text}`, field);
    } else if (key === "name" && value !== undefined) {
      if (name !== "") refuse(`device name already set to ${name}`, field);
      name = value.text;
    } else if (name === "") {
      name = text;
    } else if (value === undefined) {
      refuse(`invalid field '${text}' must be a key=value pair`, field);
    } else {
      refuse(`unexpected key '${key}' in '${text}'`, field, meant(key));
    }
  }
}

function meant(key: string): string {
  const near = suggest(key, ["name", "required"]);
  return near === undefined ? "it takes name and required" : `did you mean ${near}?`;
}
