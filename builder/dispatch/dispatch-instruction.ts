import type { StageInstruction } from "../dockerfile/instructions.ts";
import { dispatchAdd } from "./add.ts";
import { dispatchCmd, dispatchEntrypoint, dispatchShell } from "./command.ts";
import { dispatchCopy } from "./copy.ts";
import { dispatchArg, dispatchEnv } from "./environment.ts";
import { dispatchExpose } from "./expose.ts";
import { dispatchHealthcheck } from "./healthcheck.ts";
import {
  dispatchLabel,
  dispatchMaintainer,
  dispatchOnbuild,
  dispatchStopsignal,
  dispatchUser,
  dispatchVolume,
} from "./metadata.ts";
import { dispatchRun } from "./run.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";
import { dispatchWorkdir } from "./workdir.ts";

/** The stage after one instruction. Throws BuildError. */
export function dispatchInstruction(
  state: StageState,
  instruction: StageInstruction,
  context: StageContext,
): StageState | Promise<StageState> {
  switch (instruction.keyword) {
    case "ADD":
      return dispatchAdd(state, instruction, context);
    case "ARG":
      return dispatchArg(state, instruction, context);
    case "CMD":
      return dispatchCmd(state, instruction);
    case "COPY":
      return dispatchCopy(state, instruction, context);
    case "ENTRYPOINT":
      return dispatchEntrypoint(state, instruction);
    case "ENV":
      return dispatchEnv(state, instruction, context);
    case "EXPOSE":
      return dispatchExpose(state, instruction, context);
    case "HEALTHCHECK":
      return dispatchHealthcheck(state, instruction);
    case "LABEL":
      return dispatchLabel(state, instruction, context);
    case "MAINTAINER":
      return dispatchMaintainer(state, instruction);
    case "ONBUILD":
      return dispatchOnbuild(state, instruction);
    case "RUN":
      return dispatchRun(state, instruction, context);
    case "SHELL":
      return dispatchShell(state, instruction);
    case "STOPSIGNAL":
      return dispatchStopsignal(state, instruction, context);
    case "USER":
      return dispatchUser(state, instruction, context);
    case "VOLUME":
      return dispatchVolume(state, instruction, context);
    case "WORKDIR":
      return dispatchWorkdir(state, instruction, context);
  }
}

/** Whether an instruction gets a number in progress. */
export function isStep({ keyword }: StageInstruction): boolean {
  return keyword === "RUN" || keyword === "COPY" || keyword === "ADD" || keyword === "WORKDIR";
}
