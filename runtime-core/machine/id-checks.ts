import { userInfo } from "node:os";
import { lacking, type MachineCheck, ok } from "./check.ts";
import { type Facts, readText } from "./facts.ts";

/** Which ids a step can have: subuid(5), user_namespaces(7). */
export function idChecks(facts: Facts): readonly MachineCheck[] {
  return facts.uid === 0 ? [mapOfRoot(facts)] : subordinateIds();
}

function mapOfRoot({ isInUserNamespace }: Facts): MachineCheck {
  const check = ["ids", "id map"] as const;
  if (!isInUserNamespace) return ok(...check, "every id of an image has a place");
  const count = idCount("/proc/self/uid_map");
  if (count > 1) return ok(...check, `${count} ids are mapped in this user namespace`);
  const detail = "one id is mapped in this user namespace: files of other owners cannot be made";
  return lacking("limited", check, detail, "give the user a range in /etc/subuid and /etc/subgid");
}

function idCount(path: string): number {
  const lines = (readText(path) ?? "").trim().split("\n");
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2] ?? 0), 0);
}

function subordinateIds(): readonly MachineCheck[] {
  const name = userName();
  if (name === undefined) {
    const detail = `uid ${process.getuid?.()} is not in /etc/passwd: subordinate ids are given to named users`;
    return [lacking("limited", ["ids", "subordinate ids"], detail, "add the user to /etc/passwd")];
  }
  return ["/etc/subuid", "/etc/subgid"].map((path) => {
    const check = [`ids${path.replaceAll("/", ".")}`, path] as const;
    const count = idsOf(name, path);
    if (count >= 65_536) return ok(...check, `${count} ids for ${name}`);
    const flag = path === "/etc/subuid" ? "--add-subuids" : "--add-subgids";
    const remedy = `as root: usermod ${flag} ${firstFree(path)} ${name}`;
    if (count > 0) return lacking("limited", check, `${count} ids for ${name}: images have owners up to 65535`, remedy);
    return lacking("limited", check, `no ids for ${name}: builds have a single id, and apt, dpkg and su fail`, remedy);
  });
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

function rows(path: string): readonly { readonly owner: string; readonly first: number; readonly count: number }[] {
  return (readText(path) ?? "").split("\n").flatMap((line) => {
    const [owner = "", first, count] = line.split(":");
    return Number.isSafeInteger(Number(first) + Number(count)) && count !== undefined
      ? [{ owner, first: Number(first), count: Number(count) }]
      : [];
  });
}

function idsOf(name: string, path: string): number {
  const owners = [name, `${process.getuid?.()}`];
  return rows(path).reduce((sum, row) => (owners.includes(row.owner) ? sum + row.count : sum), 0);
}

function firstFree(path: string): string {
  const first = Math.max(100_000, ...rows(path).map((row) => row.first + row.count));
  return `${first}-${first + 65_535}`;
}
