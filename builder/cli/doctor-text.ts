import type { MachineCheck, SandboxCapabilities } from "../../runtime-core/index.ts";
import { printable } from "./printable.ts";

/** The report for people: a line a check, then each remedy, once, under the number that the lines have, and what it comes to. */
export function doctorText({ checks, isolation }: SandboxCapabilities): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const remedies = [...new Set(checks.flatMap(({ remedy }) => remedy ?? []))];
  const lines = checks.map((check) => line(check, width, remedies));
  return `${lines.join("")}\n${remediesText(remedies)}${CONCLUSIONS[isolation]}\n`;
}

const STATE_WIDTH = "limited".length;

function line({ state, name, detail, remedy }: MachineCheck, width: number, remedies: readonly string[]): string {
  const number = remedy === undefined ? "" : `  [${remedies.indexOf(remedy) + 1}]`;
  return `${state.padEnd(STATE_WIDTH)}  ${name.padEnd(width)}  ${printable(detail)}${number}\n`;
}

function remediesText(remedies: readonly string[]): string {
  if (remedies.length === 0) return "";
  const lines = remedies.map((remedy, index) => `  [${index + 1}]  ${printable(remedy)}\n`);
  return `remedies:\n${lines.join("")}\n`;
}

const CONCLUSIONS: Readonly<Record<SandboxCapabilities["isolation"], string>> = {
  namespaces: "RUN steps run in the sandbox (--isolation namespaces, the default).",
  chroot:
    "RUN steps run only with --isolation chroot, which isolates less: what is missing above keeps the sandbox from them.",
  none: "RUN steps cannot run here: what is missing above keeps them from it.",
};
