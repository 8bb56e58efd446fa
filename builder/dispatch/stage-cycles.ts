import { type BuildScope, failure } from "./scope.ts";
import { readStages, type StagePlan } from "./stage-plan.ts";

/**
 * Throws CIRCULAR_STAGE when stages read each other, needed or not. A stage that reads one that is FROM it is no cycle to
 * BuildKit: it reads from a later stage, which is said where that matters.
 */
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
    const needed = plan === undefined ? undefined : readStages(plan)[top.next++];
    if (needed === undefined) {
      finished.add(top.index);
      onPath.delete(top.index);
      path.pop();
    } else if (onPath.has(needed)) {
      throw circular(scope, plans, { root, from: top.index, to: needed });
    } else if (!finished.has(needed)) {
      onPath.add(needed);
      path.push({ index: needed, next: 0 });
    }
  }
}

/** BuildKit names the stage that it began with, which only leads to the circle; the place is where the circle closes. */
function circular(
  scope: BuildScope,
  plans: readonly StagePlan[],
  { root, from, to }: { readonly root: number; readonly from: number; readonly to: number },
): Error {
  const source = plans[from]?.sources.find((other) => other.type === "stage" && other.index === to);
  const message = `circular dependency detected on stage: ${plans[root]?.displayName}`;
  if (source === undefined) throw new Error(message);
  const hint = "a stage can only copy from the stages above it";
  return failure(scope, source.word.range, "CIRCULAR_STAGE", message, hint);
}
