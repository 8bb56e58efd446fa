import type {
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
} from "../dockerfile/instructions.ts";
import { suggest } from "../suggest.ts";
import { append } from "./chain.ts";
import { expandWord } from "./expand-word.ts";
import { formatList } from "./go-format.ts";
import { failure } from "./scope.ts";
import { isSignal, SIGNAL_NAMES } from "./signal.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withConfig, withHistory } from "./stage-state.ts";

/** LABEL: keys and values see variables. */
export function dispatchLabel(state: StageState, { pairs }: LabelInstruction, { scope }: StageContext): StageState {
  const labels = pairs.map(
    ({ key, value }) =>
      [expandWord(scope, key, state.environment), expandWord(scope, value, state.environment)] as const,
  );
  const createdBy = ["LABEL", ...labels.map(([name, value]) => `${name}=${value}`)].join(" ");
  return withHistory({ ...state, labels: state.labels.withAll(labels) }, createdBy, true);
}

/** USER: stored as written; who it is is looked up when a step runs. */
export function dispatchUser(state: StageState, { user }: UserInstruction, { scope }: StageContext): StageState {
  const User = expandWord(scope, user, state.environment);
  return withConfig(state, { User }, `USER ${User}`);
}

/** VOLUME: recorded; what later steps change there is kept, as in BuildKit. */
export function dispatchVolume(state: StageState, { paths }: VolumeInstruction, { scope }: StageContext): StageState {
  const volumes = paths.map((word) => {
    const path = expandWord(scope, word, state.environment);
    if (path !== "") return path;
    throw failure(scope, word.range, "INVALID_VOLUME", "VOLUME specified can not be an empty string");
  });
  const known = state.volumes.withAll(volumes.map((path) => [path, {}]));
  return withHistory({ ...state, volumes: known }, `VOLUME ${formatList(volumes)}`, true);
}

/** STOPSIGNAL: a Linux signal by name or number, stored as written. */
export function dispatchStopsignal(
  state: StageState,
  { signal }: StopsignalInstruction,
  { scope }: StageContext,
): StageState {
  const StopSignal = expandWord(scope, signal, state.environment);
  if (isSignal(StopSignal)) return withConfig(state, { StopSignal }, `STOPSIGNAL ${StopSignal}`);
  const near = suggest(StopSignal.toUpperCase(), SIGNAL_NAMES);
  const hint = near === undefined ? "a name such as SIGTERM, or a number" : `did you mean ${near}?`;
  throw failure(scope, signal.range, "INVALID_SIGNAL", `invalid signal: ${StopSignal}`, hint);
}

/** ONBUILD: kept for whoever builds FROM this image; it has no row in the history. */
export function dispatchOnbuild(state: StageState, { expression }: OnbuildInstruction): StageState {
  return { ...state, onbuild: append(state.onbuild, expression) };
}

/** MAINTAINER: the image's author. */
export function dispatchMaintainer(state: StageState, { maintainer }: MaintainerInstruction): StageState {
  return withHistory({ ...state, author: maintainer.text }, `MAINTAINER ${maintainer.text}`, true);
}
