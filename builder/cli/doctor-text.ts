import type { MachineCheck, SandboxCapabilities } from "../../runtime-core/index.ts";
import { printable } from "./printable.ts";

/** The report for people: a line a check, its remedy below it, and what it comes to. */
export function doctorText({ checks, isolation }: SandboxCapabilities): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return `${checks.map((check) => line(check, width)).join("")}\n${CONCLUSIONS[isolation]}\n`;
}

const STATE_WIDTH = "limited".length;

function line({ state, name, detail, remedy }: MachineCheck, width: number): string {
  const first = `${state.padEnd(STATE_WIDTH)}  ${name.padEnd(width)}  ${printable(detail)}\n`;
  if (remedy === undefined) return first;
  return `${first}${" ".repeat(STATE_WIDTH + 2 + width + 2)}remedy: ${printable(remedy)}\n`;
}

const CONCLUSIONS: Readonly<Record<SandboxCapabilities["isolation"], string>> = {
  namespaces: "RUN steps run in the sandbox (--isolation namespaces, the default).",
  chroot:
    "RUN steps run only with --isolation chroot, which isolates less: what is missing above keeps the sandbox from them.",
  none: "RUN steps cannot run here: what is missing above keeps them from it.",
};
