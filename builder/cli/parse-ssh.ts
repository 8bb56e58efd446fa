import type { BuildOptions } from "../options.ts";
import { invalidValue } from "./values.ts";

/** `--ssh`: `default` or another id, alone for the agent of $SSH_AUTH_SOCK, or with a socket or keys. Throws INVALID_VALUE. */
export function parseSsh(values: readonly string[], env: NodeJS.ProcessEnv): NonNullable<BuildOptions["ssh"]> {
  return Object.fromEntries(
    values.map((value) => {
      const [id = "", ...rest] = value.split("=");
      if (id === "") throw invalidValue("ssh", value, "default, or ID=PATH");
      const paths = rest.join("=").split(",");
      return [id, { paths: paths.filter((path) => path !== "").concat(rest.length === 0 ? agentOf(env) : []) }];
    }),
  );
}

function agentOf(env: NodeJS.ProcessEnv): readonly string[] {
  const socket = env["SSH_AUTH_SOCK"];
  return socket === undefined || socket === "" ? [] : [socket];
}
