import { redactAddresses } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import { GitFailure } from "./git-process.ts";

/** A failed git command in the Dockerfile's terms; anything else stays as it is. */
export function gitError(error: unknown, remote: string): unknown {
  if (!(error instanceof GitFailure)) return error;
  return new BuildError("GIT_FAILED", `failed to fetch remote ${redactAddresses(remote)}: ${error.message}`, {
    cause: error,
    hint: hintOf(error.stderr),
  });
}

function hintOf(stderr: string): string | undefined {
  if (/could not read Username|Authentication failed|HTTP Basic: Access denied|returned error: 40[13]/.test(stderr)) {
    return "it needs a login: give the secret GIT_AUTH_TOKEN, and check the address";
  }
  if (/Permission denied \(publickey/.test(stderr)) return "it needs a key: give an agent with --ssh default";
  if (/Host key verification failed/.test(stderr)) return "the host's key is not the one in ~/.ssh/known_hosts";
  if (/not found|does not exist|does not appear to be a git repository/i.test(stderr)) {
    return "there is no such repository: check the address";
  }
  if (/transport '.*' not allowed/.test(stderr)) return "submodules may be at http, https, git and ssh addresses only";
  if (/Could not resolve host|Connection refused|unable to connect|Failed to connect/i.test(stderr)) {
    return "check the address and this machine's network";
  }
  return undefined;
}
