/** What a machine offers to builds. */
export interface MachineCheck {
  /** Stable, `namespaces.user`. */
  readonly id: string;
  /** For people: `user namespace`. */
  readonly name: string;
  /** `limited`: it works with less; `missing`: what needs it fails. */
  readonly state: "ok" | "limited" | "missing";
  /** What was found, or why it is missing; one line. */
  readonly detail: string;
  /** The command, setting or flag that changes it, of everything that is not ok. */
  readonly remedy?: string;
}

/** A check that went well. */
export function ok(id: string, name: string, detail: string): MachineCheck {
  return { id, name, state: "ok", detail };
}

/** A check that did not. */
export function lacking(
  state: "limited" | "missing",
  [id, name]: readonly [id: string, name: string],
  detail: string,
  remedy: string,
): MachineCheck {
  return { id, name, state, detail, remedy };
}
