import { type BuildScope, failure } from "./scope.ts";
import { dependencies, type StagePlan } from "./stage-plan.ts";

/** Throws CIRCULAR_STAGE when stages need each other. FROM only looks back, so every cycle has a `COPY --from` in it. */
export function checkNoCycle(scope: BuildScope, plans: readonly StagePlan[]): void {
  const finished = new Set<number>();
  for (const plan of plans) visit(scope, plan.stage.index, plans, finished);
}

/** Depth first without recursion: there may be as many stages as lines. */
function visit(scope: BuildScope, root: number, plans: readonly StagePlan[], finished: Set<number>): void {
  if (finished.has(root)) return;
  const path = [{ index: root, next: 0 }];
  const onPath = new Set<number>([root]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const plan = plans[top.index];
    const needed = plan === undefined ? undefined : dependencies(plan)[top.next++];
    if (needed === undefined) {
      finished.add(top.index);
      onPath.delete(top.index);
      path.pop();
    } else if (onPath.has(needed)) {
      throw circular(scope, plans, top.index, needed);
    } else if (!finished.has(needed)) {
      onPath.add(needed);
      path.push({ index: needed, next: 0 });
    }
  }
}

function circular(scope: BuildScope, plans: readonly StagePlan[], from: number, to: number): Error {
  const source = plans[from]?.sources.find((other) => other.type === "stage" && other.index === to);
  const stage = plans[to];
  const range = source?.word.range ?? stage?.stage.from.range;
  const message = `circular dependency detected on stage: ${stage?.displayName}`;
  if (range === undefined) throw new Error(message);
  return failure(scope, range, "CIRCULAR_STAGE", message, "a stage can only copy from the stages above it");
}
