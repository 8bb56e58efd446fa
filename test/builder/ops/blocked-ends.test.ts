import { suite } from "uvu";
import * as assert from "uvu/assert";
import { blockedHint } from "../../../builder/ops/blocked-ends.ts";
import type { SandboxResult, SandboxSpec } from "../../../runtime-core/index.ts";

const hints = suite("hint of a step that was not allowed to reach something");

const RESTRICTED = { privateNetwork: { nameservers: [], searchDomains: [], allow: [] } } as unknown as SandboxSpec;

for (const [name, blocked, hint] of [
  [
    "the name is suggested, with its port",
    ["1.2.3.4:443 (a.example)"],
    "blocked by --allow-net: 1.2.3.4:443 (a.example); if the step may reach it, add --allow-net a.example:443",
  ],
  [
    "what no list can open is not suggested",
    ["169.254.169.254:80", "b.example"],
    "blocked by --allow-net: 169.254.169.254:80, b.example; if the step may reach it, add --allow-net b.example",
  ],
  [
    "with nothing else, it is said to be closed to every RUN",
    ["169.254.169.254:80"],
    "closed to every RUN with a private network: 169.254.169.254:80",
  ],
] as const) {
  hints(name, () => {
    assert.is(blockedHint({ networkBlocked: blocked } as unknown as SandboxResult, RESTRICTED), hint);
  });
}

hints.run();
