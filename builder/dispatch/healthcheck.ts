import type { Healthcheck } from "../../registry-client/index.ts";
import type { HealthcheckInstruction } from "../dockerfile/instructions.ts";
import { formatDuration, formatList } from "./go-format.ts";
import { type StageState, withConfig } from "./stage-state.ts";

/** HEALTHCHECK: the shell form is kept as CMD-SHELL, for the runtime to give to the image's shell. */
export function dispatchHealthcheck(state: StageState, instruction: HealthcheckInstruction): StageState {
  const check: Healthcheck = {
    Test: healthcheckTest(instruction),
    ...nonZero("Interval", instruction.intervalNs),
    ...nonZero("Timeout", instruction.timeoutNs),
    ...nonZero("StartPeriod", instruction.startPeriodNs),
    ...nonZero("StartInterval", instruction.startIntervalNs),
    ...nonZero("Retries", instruction.retries),
  };
  return withConfig(state, { Healthcheck: check }, `HEALTHCHECK ${describe(check)}`);
}

function healthcheckTest({ test }: HealthcheckInstruction): readonly string[] {
  if (test === undefined) return ["NONE"];
  return test.form === "exec" ? ["CMD", ...test.argv] : ["CMD-SHELL", test.script];
}

function nonZero(key: Exclude<keyof Healthcheck, "Test">, value: number | undefined): Partial<Healthcheck> {
  return value === undefined || value === 0 ? {} : { [key]: value };
}

/** Go's %+v of the struct. */
function describe({ Test = [], ...check }: Healthcheck): string {
  const durations = (["Interval", "Timeout", "StartPeriod", "StartInterval"] as const).map(
    (key) => `${key}:${formatDuration(check[key] ?? 0)}`,
  );
  return `{Test:${formatList(Test)} ${durations.join(" ")} Retries:${check.Retries ?? 0}}`;
}
