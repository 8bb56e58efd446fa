import type {
  CmdInstruction,
  CommandLine,
  EntrypointInstruction,
  ShellInstruction,
} from "../dockerfile/instructions.ts";
import { formatList, formatQuotedList } from "./go-format.ts";
import { type SettledConfig, type StageState, withConfig } from "./stage-state.ts";

const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

/** CMD. */
export function dispatchCmd(state: StageState, { command }: CmdInstruction): StageState {
  const argv = commandArgv(state.config, command);
  const next = withConfig(state, { Cmd: argv, ArgsEscaped: true }, `CMD ${formatQuotedList(argv)}`);
  return { ...next, isCmdSet: true };
}

/** ENTRYPOINT: an inherited CMD was meant for another one and goes; a CMD of this stage stays. */
export function dispatchEntrypoint(state: StageState, { command }: EntrypointInstruction): StageState {
  const argv = commandArgv(state.config, command);
  const { Cmd, Entrypoint: _, ...config } = state.config;
  const kept = state.isCmdSet && Cmd !== undefined ? { ...config, Cmd } : config;
  const change = argv.length > 0 ? { Entrypoint: argv } : {};
  return withConfig({ ...state, config: kept }, change, `ENTRYPOINT ${formatQuotedList(argv)}`);
}

/** SHELL: for every shell form after it. */
export function dispatchShell(state: StageState, { argv }: ShellInstruction): StageState {
  return withConfig(state, { Shell: argv }, `SHELL ${formatList(argv)}`);
}

/** What is executed: the exec form as it is, the shell form as one argument of the image's SHELL. */
export function commandArgv(config: SettledConfig, command: CommandLine): readonly string[] {
  return command.form === "exec" ? command.argv : withShell(config, command.script);
}

/** `script` as one argument of the image's SHELL. */
export function withShell(config: SettledConfig, script: string): readonly string[] {
  const shell = config.Shell === undefined || config.Shell.length === 0 ? DEFAULT_SHELL : config.Shell;
  return [...shell, script];
}
