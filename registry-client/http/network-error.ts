import { RegistryError, redactUrl } from "../errors.ts";

interface Failure {
  readonly text: string;
  readonly hint?: string;
  readonly isTransient?: boolean;
  readonly isTls?: boolean;
}

const failures: ReadonlyMap<string, Failure> = new Map<string, Failure>([
  ["ECONNREFUSED", { text: "connection refused", hint: "is the registry running, and is the port right" }],
  ["ENOTFOUND", { text: "no such host", hint: "check the registry's name and this machine's DNS" }],
  [
    "EAI_AGAIN",
    { text: "the name could not be looked up", hint: "check this machine's network and DNS", isTransient: true },
  ],
  ["EHOSTUNREACH", { text: "host unreachable", hint: "check this machine's network" }],
  ["ENETUNREACH", { text: "network unreachable", hint: "check this machine's network" }],
  ["ECONNRESET", { text: "connection reset", isTransient: true }],
  ["EPIPE", { text: "connection closed", isTransient: true }],
  ["ETIMEDOUT", { text: "timed out", isTransient: true }],
  ["ERR_STREAM_PREMATURE_CLOSE", { text: "connection closed early", isTransient: true }],
  ["HPE_INVALID_CONSTANT", { text: "the answer is no HTTP", hint: "does this port speak TLS, or another protocol" }],
  [
    "EPROTO",
    {
      text: "TLS handshake failed",
      hint: "does this port speak plain HTTP; then mark the registry insecure",
      isTls: true,
    },
  ],
  [
    "ERR_SSL_WRONG_VERSION_NUMBER",
    { text: "the port speaks no TLS", hint: "mark the registry insecure to speak plain HTTP", isTls: true },
  ],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", { text: "self-signed certificate", isTls: true }],
  ["SELF_SIGNED_CERT_IN_CHAIN", { text: "certificate signed by an unknown authority", isTls: true }],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", { text: "certificate signed by an unknown authority", isTls: true }],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", { text: "certificate signed by an unknown authority", isTls: true }],
  ["UNABLE_TO_GET_ISSUER_CERT", { text: "certificate signed by an unknown authority", isTls: true }],
  ["CERT_HAS_EXPIRED", { text: "certificate has expired", hint: "renew the registry's certificate", isTls: true }],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    { text: "certificate is for another name", hint: "use a name that the certificate has", isTls: true },
  ],
]);

/** A failure below HTTP, as this module reports it. */
export function networkError(cause: unknown, request: { readonly method: string; readonly url: URL }): RegistryError {
  const code = errnoOf(cause);
  const failure = failures.get(code) ?? { text: messageOf(cause, code), isTransient: true };
  return new RegistryError(
    failure.isTls ? "TLS_UNTRUSTED" : "REGISTRY_UNREACHABLE",
    `${request.method} ${redactUrl(request.url)}: ${failure.text}`,
    {
      method: request.method,
      url: request.url,
      hint: failure.hint ?? (failure.isTls ? trustHint(request.url) : undefined),
      isTransient: failure.isTransient,
      cause: new Error(code || failure.text),
    },
  );
}

function trustHint(url: URL): string {
  return `put the authority's certificate into /etc/containers/certs.d/${url.host}/ca.crt`;
}

/** The system's code, which node-fetch, proxies and TLS wrap at different depths. */
function errnoOf(error: unknown): string {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const { code, errno } = current as { code?: unknown; errno?: unknown };
    if (typeof code === "string" && code !== "ERR_BAD_RESPONSE") return code;
    if (typeof errno === "string") return errno;
    if (current instanceof AggregateError && current.errors.length > 0) return errnoOf(current.errors[0]);
  }
  return error instanceof Error && /premature close/i.test(error.message) ? "ERR_STREAM_PREMATURE_CLOSE" : "";
}

/** node-fetch puts the whole address, query and all, into its messages: they are not passed on. */
function messageOf(error: unknown, code: string): string {
  if (code !== "") return code;
  return error instanceof Error ? error.name : "failed";
}
