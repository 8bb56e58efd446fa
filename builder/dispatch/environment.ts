import { BUILDER_ARGS } from "../dockerfile/builder-args.ts";
import type { ArgInstruction, EnvInstruction } from "../dockerfile/instructions.ts";
import { expandWord } from "./expand-word.ts";
import { setEnv } from "./image-env.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withHistory } from "./stage-state.ts";

/** ENV: every value of one instruction sees the variables from before it. */
export function dispatchEnv(state: StageState, { pairs }: EnvInstruction, { scope }: StageContext): StageState {
  const rows = pairs.map(
    ({ key, value }) =>
      [expandWord(scope, key, state.environment), expandWord(scope, value, state.environment)] as const,
  );
  const env = rows.reduce((before, [name, value]) => setEnv(before, name, value), state.env);
  const createdBy = ["ENV", ...rows.map(([name, value]) => `${name}=${value}`)].join(" ");
  return withHistory({ ...state, env, environment: state.environment.withAll(rows) }, createdBy, true);
}

/** ARG of a stage: `--build-arg`, else its default, else the global ARG of that name, else nothing. */
export function dispatchArg(state: StageState, { args }: ArgInstruction, context: StageContext): StageState {
  let { environment, buildArgs } = state;
  const shown: string[] = [];
  for (const arg of args) {
    const name = arg.key.text;
    const value = argValue(name, arg, environment, context);
    if (value !== undefined && !BUILDER_ARGS.has(name)) environment = environment.with(name, value);
    buildArgs = buildArgs.with(name, value ?? "");
    context.scope.declaredArgs.add(name);
    shown.push(value === undefined ? name : `${name}=${value}`);
  }
  return withHistory({ ...state, environment, buildArgs }, `ARG ${shown.join(" ")}`, true);
}

function argValue(
  name: string,
  arg: ArgInstruction["args"][number],
  environment: ReadonlyMap<string, string>,
  { scope }: StageContext,
): string | undefined {
  const given = scope.options.buildArgs;
  if (Object.hasOwn(given, name)) return given[name];
  return arg.value === undefined ? scope.globalArgs.get(name) : expandWord(scope, arg.value, environment);
}
