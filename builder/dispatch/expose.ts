import type { ExposeInstruction, Word } from "../dockerfile/instructions.ts";
import { expandWords } from "./expand-word.ts";
import { formatList } from "./go-format.ts";
import { type BuildScope, failure } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withHistory } from "./stage-state.ts";

const MAX_PORT = 65535;
const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/** EXPOSE: `80`, `80/udp`, `8000-8010`; a host part (`ip:host:port`) is read and dropped. Words are taken in sorted order. */
export function dispatchExpose(state: StageState, { ports }: ExposeInstruction, { scope }: StageContext): StageState {
  const words = [...ports].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  const exposed = words.flatMap((word) =>
    expandWords(scope, word, state.environment).flatMap((port) => parsePort(scope, word, port)),
  );
  const exposedPorts = state.exposedPorts.withAll(exposed.map((port) => [port, {}]));
  return withHistory({ ...state, exposedPorts }, `EXPOSE ${formatList(exposed)}`, true);
}

/** `[[ip:]host:]port[-port][/protocol]` → `port/protocol`, one for each port. */
function parsePort(scope: BuildScope, word: Word, text: string): readonly string[] {
  const fail = (message: string) =>
    failure(
      scope,
      word.range,
      "INVALID_PORT",
      message,
      "a port is 1 to 65535, a range 8000-8010, a protocol tcp, udp or sctp",
    );
  const container = text.slice(text.lastIndexOf(":") + 1);
  const [port = "", ...rest] = container.split("/");
  const protocol = rest.join("/").toLowerCase() || "tcp";
  if (port === "") throw fail(`invalid port: ${JSON.stringify(text)}: no port specified`);
  if (!PROTOCOLS.has(protocol)) throw fail(`invalid port: ${JSON.stringify(text)}: invalid proto: ${protocol}`);
  const range = parseRange(port);
  if (range === undefined) throw fail(`invalid containerPort: ${port}`);
  return Array.from({ length: range.last - range.first + 1 }, (_, offset) => `${range.first + offset}/${protocol}`);
}

function parseRange(text: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  return match !== null && first <= last && last <= MAX_PORT ? { first, last } : undefined;
}
