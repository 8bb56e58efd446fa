import type { Vertex } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { execRunner } from "./exec.ts";
import { fileRunner } from "./file.ts";
import { gitRunner } from "./git.ts";
import { httpRunner } from "./http.ts";
import { imageRunner } from "./image.ts";
import { localRunner } from "./local.ts";
import { mergeRunner } from "./merge.ts";
import { scratchRunner } from "./scratch.ts";

/** Op → behaviour: the one place that knows every op. */
export function resolveOp(vertex: Vertex, context: OpContext): OpRunner {
  const { op } = vertex;
  switch (op.type) {
    case "scratch":
      return scratchRunner();
    case "image":
      return imageRunner(vertex, op, context);
    case "local":
      return localRunner(op, context);
    case "http":
      return httpRunner(vertex, op, context);
    case "git":
      return gitRunner(vertex, op, context);
    case "exec":
      return execRunner(vertex, op, context);
    case "file":
      return fileRunner(vertex, op, context);
    case "merge":
      return mergeRunner(context);
  }
}
