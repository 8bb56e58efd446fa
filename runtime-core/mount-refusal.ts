import { CAP_SYS_ADMIN, errnoText, has, readFacts } from "./machine/facts.ts";
import { CONTAINER_REMEDY } from "./machine/remedies.ts";
import { binding } from "./native.ts";

/** Why nothing can be mounted, and what changes that. */
export interface MountRefusal {
  /** A clause: `the mount namespace was refused: EPERM (operation not permitted)`. */
  readonly reason: string;
  readonly remedy: string;
}

/** Says why this process may not mount, which every build with namespaces has to; undefined where it may. Under a millisecond. */
export function mountRefusal(): MountRefusal | undefined {
  const errno = binding().mountRefusal();
  if (errno == null) return undefined;
  const facts = readFacts();
  const causes = [
    ...(has(facts, CAP_SYS_ADMIN) ? [] : ["CAP_SYS_ADMIN is withheld"]),
    ...(facts.isFiltered ? ["a filter of system calls is in place"] : []),
  ];
  const cause = causes.length === 0 ? "" : `, ${causes.join(" and ")}`;
  return {
    reason: `a mount namespace is refused: ${errnoText(errno)}${cause}`,
    remedy: CONTAINER_REMEDY,
  };
}

/** Whether this process looks like one in a container that may refuse a sandbox what it needs; a build then tries one first. */
export function mayRefuseSandbox(): boolean {
  const { isFiltered, maskedProc } = readFacts();
  return isFiltered || maskedProc.length > 0;
}
