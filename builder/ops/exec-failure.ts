import type { SandboxResult, SandboxSpec } from "../../runtime-core/index.ts";
import { BuildError } from "../errors.ts";
import type { ExecOp, Vertex } from "../llb/index.ts";
import { blockedHint } from "./blocked-ends.ts";
import type { OpContext } from "./context.ts";
import { limitHint, limitText } from "./limit-text.ts";
import { placeOf } from "./place.ts";

/** What resolvers of libc, busybox, curl, apt, npm, pip and Go print when a name has no answer. */
const NO_NAME =
  /temporary failure (?:in name resolution|resolving)|could not resolve|name or service not known|bad address|EAI_AGAIN|ENOTFOUND|no such host|server misbehaving|network is unreachable|unable to resolve/i;

/** What programs say of that they do not find there. */
const NEEDS_PROC = /\/proc\b|\/dev\/(?:fd|stdin|stdout|stderr)\b/;

/** How a step ended, and the last of what it printed. */
export interface StepEnd {
  readonly result: SandboxResult;
  readonly spec: SandboxSpec;
  readonly output: string;
}

/** A RUN whose command failed, or was ended at a limit: RUN_FAILED, RUN_LIMIT_HIT. */
export function commandFailed(vertex: Vertex, { argv }: ExecOp, end: StepEnd, context: OpContext): BuildError {
  const { exitCode, limitHit } = end.result;
  const reason = `exit code: ${exitCode}${limitHit === undefined ? "" : ` (${limitText(limitHit)})`}`;
  return new BuildError(
    limitHit === undefined ? "RUN_FAILED" : "RUN_LIMIT_HIT",
    `process "${argv.join(" ")}" did not complete successfully: ${reason}`,
    { hint: failureHint(end), ...placeOf(vertex, context), exitCode },
  );
}

/** What to look at: a limit, the missing network, the shell's own exit codes, else where it ran. */
function failureHint({ result, spec, output }: StepEnd): string {
  if (result.limitHit !== undefined) return limitHint(result.limitHit);
  const hint = networkHint({ result, spec, output });
  if (hint !== undefined) return hint;
  if (result.exitCode === 126 && /exec format error/i.test(output)) {
    return "the program is of another platform than this machine: register qemu-user-static with binfmt_misc, or let the stage be FROM --platform=$BUILDPLATFORM";
  }
  if (spec.rootfs.trees !== undefined && NEEDS_PROC.test(output)) {
    return "steps have no /proc with --isolation chroot, and so no /dev/stdin, /dev/stdout and /dev/fd either: write to the streams themselves";
  }
  switch (result.exitCode) {
    case 126:
      return "the command is not executable, or its interpreter is not in the image";
    case 127:
      return "the command is not in the image: install it in an earlier step, or check PATH";
    default:
      return `the output above is the command's own; it ran as uid ${spec.user.uid} in ${spec.cwd}, network ${spec.network}`;
  }
}

function networkHint({ result, spec, output }: StepEnd): string | undefined {
  if (result.networkMissing !== undefined && NO_NAME.test(output)) {
    return `the step has no network: ${result.networkMissing}; or use --network host`;
  }
  if (spec.network === "none" && NO_NAME.test(output)) {
    return "this step was given no network: leave out --network none, or the flag --network=none of RUN";
  }
  return blockedHint(result, spec);
}
