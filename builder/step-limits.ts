import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type CgroupLimits,
  checkLimits,
  type LimitRefusal,
  SandboxError,
  SandboxGroup,
} from "../runtime-core/index.ts";
import { BuildError } from "./errors.ts";
import { buildLimitKey, LIMIT_FLAGS } from "./limit-flags.ts";
import type { BuildOptions } from "./options.ts";
import { defaultStore } from "./store-location.ts";

/** The limits of a build, tried on this machine. */
export interface StepLimits {
  /** The cgroup that its steps share, where they have limits together. */
  readonly group?: SandboxGroup;
  close(): Promise<void>;
}

/**
 * Finds out whether this machine can enforce what is asked, before anything runs and whatever is cached. Throws BuildError
 * SANDBOX_LIMIT_UNSUPPORTED, which names every limit that it cannot, with the reason; SANDBOX_INVALID_SPEC.
 */
export async function openStepLimits({ limits = {}, buildLimits = {}, store }: BuildOptions): Promise<StepLimits> {
  const directory = nearestDirectory(resolve(store ?? defaultStore()));
  try {
    const refused = await checkLimits(limits, directory, buildLimits);
    if (refused.length > 0) throw cannotEnforce(refused);
    if (Object.keys(buildLimits).length === 0) return { close: async () => {} };
    const group = await SandboxGroup.open(buildLimits, limits, directory);
    return { group, close: () => group.close() };
  } catch (cause) {
    if (!(cause instanceof SandboxError)) throw cause;
    throw new BuildError(cause.code, cause.message, { cause, hint: cause.hint });
  }
}

function cannotEnforce(refused: readonly LimitRefusal[]): BuildError {
  const reasons = refused.map((refusal) => `${nameOf(refusal)}: ${refusal.reason}`);
  const hint = [...new Set(refused.map(({ remedy }) => remedy))].join("; ");
  return new BuildError("SANDBOX_LIMIT_UNSUPPORTED", `this machine cannot enforce ${reasons.join("; ")}`, { hint });
}

function nameOf({ limit, scope }: LimitRefusal): string {
  return scope === "step" ? LIMIT_FLAGS[limit] : `--build-limit ${buildLimitKey(limit as keyof CgroupLimits)}`;
}

/** Where a store that is still to be made will lie. */
function nearestDirectory(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestDirectory(dirname(path));
}
