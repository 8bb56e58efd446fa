import * as assert from "uvu/assert";
import { checkLimits, type SandboxLimits } from "../../runtime-core/index.ts";
import { freshDirectory, run, stepSpec } from "./sandbox-fixture.ts";

/** What uvu's suites are called with. */
type Register = (name: string, body: () => Promise<void>) => void;

/**
 * A test of limits that not every machine can enforce: where this one cannot, the limit must be refused by name, before the step
 * runs and by `checkLimits` alike.
 */
export function enforced(
  test: Register,
  name: string,
  limits: SandboxLimits,
  body: (limits: SandboxLimits) => Promise<void>,
): void {
  test(name, async () => {
    const refused = await checkLimits(limits, freshDirectory());
    if (refused.length === 0) return await body(limits);
    for (const { limit, reason, remedy } of refused) {
      assert.ok(limit in limits, limit);
      assert.ok(reason.length > 10 && remedy.length > 10, `${reason}: ${remedy}`);
    }
    const error = await run(stepSpec("true", { limits })).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string },
    );
    assert.is(error?.code, "SANDBOX_LIMIT_UNSUPPORTED");
  });
}
