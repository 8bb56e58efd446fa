import type { Instruction } from "../dockerfile/instructions.ts";
import { expandForDisplay } from "./expand-word.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";

/** A state whose next vertex has a number, and the vertex's name: `[build 2/4] RUN npm ci`. */
export interface NamedStep {
  readonly state: StageState;
  readonly name: string;
}

/** Numbers the vertex of an instruction. `suffix` is added to its text. */
export function nameStep(state: StageState, instruction: Instruction, context: StageContext, suffix = ""): NamedStep {
  const shown = expandForDisplay(context.scope, instruction.original + suffix, state.environment);
  const trigger = context.isTrigger ? "ONBUILD " : "";
  const step = state.step + 1;
  return {
    state: { ...state, step },
    name: stepName(context.plan.displayName, step, context.total, trigger + upperCaseKeyword(shown)),
  };
}

/** `[stage 2/4] text`; the number is as wide as the total, so that lines stand below each other. */
export function stepName(stage: string, step: number, total: number, text: string): string {
  if (total === 0) return text;
  const number = String(step).padStart(String(total).length);
  return `[${stage === "" ? "" : `${stage} `}${number}/${total}] ${text}`;
}

/** What happens beside the steps: `[internal] load build context`. */
export function internalName(text: string): string {
  return `[internal] ${text}`;
}

function upperCaseKeyword(text: string): string {
  return /^[A-Z]+\s/.test(text) ? text : text.replace(/^\S+/, (keyword) => keyword.toUpperCase());
}
