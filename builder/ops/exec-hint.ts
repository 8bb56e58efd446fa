import type { SandboxResult, SandboxSpec } from "../../runtime-core/index.ts";

/** What resolvers of libc, busybox, curl, apt, npm, pip and Go print when a name has no answer. */
const NO_NAME =
  /temporary failure (?:in name resolution|resolving)|could not resolve|name or service not known|bad address|EAI_AGAIN|ENOTFOUND|no such host|server misbehaving|network is unreachable|unable to resolve/i;

const TAIL_BYTES = 16 * 1024;

/** The last bytes that a step printed. */
export class OutputTail {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    while (this.#bytes - (this.#chunks[0]?.byteLength ?? 0) > TAIL_BYTES) {
      this.#bytes -= this.#chunks.shift()?.byteLength ?? 0;
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** What to look at when a RUN has failed: a limit, the missing network, the shell's own exit codes, else where it ran. */
export function failureHint(result: SandboxResult, spec: SandboxSpec, output: string): string {
  if (result.limitHit !== undefined) return `raise it with --${result.limitHit === "pids" ? "pids-limit" : "memory"}`;
  if (spec.network === "none" && NO_NAME.test(output)) {
    return "RUN has no network unless it is given one: use `tsbuild build --network host`, or `RUN --network=host` for this step";
  }
  if (result.exitCode === 126 && /exec format error/i.test(output)) {
    return "the program is of another platform than this machine: register qemu-user-static with binfmt_misc, or let the stage be FROM --platform=$BUILDPLATFORM";
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
