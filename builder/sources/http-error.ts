import { RegistryError } from "../../registry-client/index.ts";
import { BuildError } from "../errors.ts";

/** A failed download in the Dockerfile's terms; what is no RegistryError stays as it is. */
export function httpError(error: unknown, shownUrl: string): unknown {
  if (!(error instanceof RegistryError)) return error;
  const { status } = error;
  const reason = status === undefined ? withoutPrefix(error.message) : `invalid response status ${status}`;
  return new BuildError(codeOf(error), `failed to fetch ${shownUrl}: ${reason}`, { cause: error, hint: hintOf(error) });
}

function codeOf({ code, status }: RegistryError): string {
  if (status !== undefined) return status === 404 || status === 410 ? "HTTP_NOT_FOUND" : "HTTP_FAILED";
  return code === "REGISTRY_UNREACHABLE" ? "HTTP_UNREACHABLE" : code === "TLS_UNTRUSTED" ? code : "HTTP_FAILED";
}

function hintOf(error: RegistryError): string | undefined {
  const { status, code } = error;
  if (status === 401 || status === 403) return "the secrets HTTP_AUTH_TOKEN_HOST and HTTP_AUTH_HEADER_HOST log in";
  if (status === 404 || status === 410) return "there is nothing at this address: check the path and the version in it";
  if (status !== undefined) return status >= 500 ? "the server failed: try again later" : undefined;
  if (code === "REGISTRY_UNREACHABLE") return "check the address, its port and this machine's network";
  return error.hint;
}

/** `GET https://host/path: connection refused`, of which the message has the address already. */
function withoutPrefix(message: string): string {
  return message.replace(/^GET \S+ /, "");
}
