import type { CheckResult, LintWarning, Outline, SourceFile, TargetList } from "../index.ts";
import { renderLineFrame } from "./line-frame.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

/** The results of `--call` as buildx prints them. A check's build error is not in it: that goes to standard error. */
export function checkText({ warnings, error, source }: CheckResult): string {
  const sorted = [...warnings].sort((a, b) => a.range.start.line - b.range.start.line);
  const count = warnings.length === 1 ? "1 warning has been found!" : `${warnings.length} warnings have been found!`;
  if (warnings.length > 0) {
    const blocks = sorted.map((warning) => warningText(warning, source));
    return `Check complete, ${count}\n${blocks.join("")}${error === undefined ? "" : "\n"}`;
  }
  return error === undefined ? "Check complete, no warnings found.\n" : "";
}

export function outlineText({ name, description, args, secrets, ssh }: Outline): string {
  const mounts = (list: Outline["secrets"]) => list.map((mount) => [mount.name, mount.required ? "true" : ""]);
  const sections = [
    targetSection(name, description),
    section(
      ["BUILD ARG", "VALUE", "DESCRIPTION"],
      args.map((arg) => [arg.name, arg.value ?? "", arg.description]),
    ),
    section(["SECRET", "REQUIRED"], mounts(secrets)),
    section(["SSH", "REQUIRED"], mounts(ssh)),
  ];
  return printable(sections.join(""));
}

export function targetsText({ targets }: TargetList): string {
  const rows = targets.map(({ name, isDefault, description }) => [
    [name, isDefault ? "(default)" : undefined].filter((word) => word !== undefined).join(" "),
    description,
  ]);
  return printable(formatTable([["TARGET", "DESCRIPTION"], ...rows], 1));
}

function warningText({ rule, url, message, range }: LintWarning, source: SourceFile): string {
  const title = `WARNING: ${rule}${url === undefined ? "" : ` - ${url}`}`;
  return `\n${title}\n${printable(message)}\n${renderLineFrame(source, range)}`;
}

function targetSection(name: string | undefined, description: string): string {
  if (name === undefined && description === "") return "";
  const rows = [["TARGET:", name ?? "(default)"], ...(description === "" ? [] : [["DESCRIPTION:", description]])];
  return `${formatTable(rows, 1)}\n`;
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : `${formatTable([header, ...rows], 3)}\n`;
}
