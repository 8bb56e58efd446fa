import type { ExposeInstruction, Word } from "../dockerfile/instructions.ts";
import { expandWords } from "./expand-word.ts";
import { formatList } from "./go-format.ts";
import { PortSpecError, parsePortSpec } from "./port-spec.ts";
import { type BuildScope, failure } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withHistory } from "./stage-state.ts";

/** EXPOSE: a word may become several when it is expanded. */
export function dispatchExpose(state: StageState, { ports }: ExposeInstruction, { scope }: StageContext): StageState {
  const exposed = ports.flatMap((word) =>
    expandWords(scope, word, state.environment).flatMap((port) => readPort(scope, word, port)),
  );
  const exposedPorts = state.exposedPorts.withAll(exposed.map((port) => [port, {}]));
  return withHistory({ ...state, exposedPorts }, `EXPOSE ${formatList(exposed)}`, true);
}

function readPort(scope: BuildScope, word: Word, port: string): readonly string[] {
  try {
    return parsePortSpec(port);
  } catch (error) {
    if (!(error instanceof PortSpecError)) throw error;
    const hint = "a port is 0 to 65535, a range 8000-8010, a protocol tcp, udp or sctp";
    throw failure(scope, word.range, "INVALID_PORT", error.message, hint);
  }
}
