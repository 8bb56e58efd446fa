import { join } from "node:path";
import type { Contender, Subject } from "./contender.ts";
import { spawned } from "./spawned.ts";

/** The program itself, started and reaped by the C loop: what every other row has on top. */
export function alone(subject: Subject): Promise<Contender> {
  const commandLine = async (program: string) => [join(subject.rootfs, program)];
  return spawned({ name: "vfork and exec alone", peer: "alone", commandLine }, subject);
}
