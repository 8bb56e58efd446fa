import { parseDockerignore } from "../../builder/dockerfile/index.ts";
import { type ExecOp, type FileOpAction, type Op, topologicalOrder, type Vertex } from "../../builder/llb/index.ts";

/** An op as the table has it, with those of its fields that are there. */
export interface TrapOp {
  readonly source?: string;
  readonly exec?: readonly string[];
  readonly cwd?: string;
  readonly env?: readonly string[];
  readonly user?: string;
  /** `BIND:/`, `CACHE:/x`. */
  readonly mounts?: readonly string[];
  readonly mkdir?: string;
  readonly mkfile?: string;
  readonly data?: string;
  readonly copy?: string;
  readonly dest?: string;
  readonly exclude?: readonly string[] | null;
  readonly include?: readonly string[] | null;
  /** -1: the source's. */
  readonly mode?: number;
  readonly modeStr?: string;
  readonly owner?: string;
}

/** The table's rows in the words of `opRows`. */
export function expectedOps(rows: readonly TrapOp[]): readonly object[] {
  return rows.map(expectedOp);
}

function expectedOp(row: TrapOp): object {
  const { exec, cwd, env, user } = row;
  if (row.source !== undefined) return { image: row.source.replace("docker-image://", "") };
  if (exec !== undefined) return { exec, cwd, env, user, mounts: mountTargets(row.mounts ?? []) };
  if (row.mkdir !== undefined) return { mkdir: row.mkdir };
  if (row.mkfile !== undefined) return { mkfile: row.mkfile, data: row.data, mode: row.mode };
  const exclude = parseDockerignore((row.exclude ?? []).join("\n"));
  const mode = row.modeStr || (row.mode === -1 ? undefined : row.mode);
  return { copy: row.copy, dest: row.dest, exclude, mode, owner: row.owner };
}

/** What every mount but that of the root has: its type and its target. */
function mountTargets(mounts: readonly string[]): readonly string[] {
  return mounts.filter((mount) => mount !== "BIND:/").map((mount) => mount.replace(/\/$/, ""));
}

/** The ops of a graph, inputs first, an action of a file op each; the build context and empty roots have no row. */
export function opRows(target: Vertex): readonly object[] {
  return topologicalOrder(target).flatMap(({ op }) => rowsOf(op));
}

function rowsOf(op: Op): readonly object[] {
  if (op.type === "image") return [{ image: op.reference }];
  if (op.type === "exec") return [execRow(op)];
  return op.type === "file" ? op.actions.map(actionRow) : [];
}

function execRow({ argv, cwd, env, user, mounts = [] }: ExecOp): object {
  return { exec: argv, cwd, env, user, mounts: mounts.map((mount) => `${mount.type.toUpperCase()}:${mount.target}`) };
}

function actionRow(action: FileOpAction): object {
  if (action.type === "mkdir") return { mkdir: action.path };
  if (action.type === "mkfile") return { mkfile: action.path, data: action.data, mode: action.mode };
  if (action.type !== "copy") return action;
  const { paths, dest, exclude = [], mode, owner } = action;
  return { copy: paths.join(), dest, exclude, mode, owner: ownerText(owner) };
}

/** As BuildKit's protobuf prints it. */
function ownerText(owner: string | undefined): string {
  if (owner === undefined) return "<nil>";
  const [user = "", group] = owner
    .split(":")
    .map((part) => (/^\d+$/.test(part) ? `{byID:${part}}` : `{byName:{name:"${part}"}}`));
  return group === undefined ? `user:${user}` : `user:${user}  group:${group}`;
}
