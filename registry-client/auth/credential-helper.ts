import { spawn } from "node:child_process";
import { RegistryError } from "../errors.ts";
import type { Credential } from "./credentials.ts";

/** A helper may ask its user to unlock a key ring. */
const defaultTimeoutMs = 60_000;
const maxOutputBytes = 1 << 20;
/** What helpers print when they know nothing; the protocol has no code for it. */
const notFoundPattern = /credentials not found in native keychain/i;

/**
 * Asks `docker-credential-<name>` for the credentials of a server. undefined: it has none.
 * Throws CREDENTIALS_FAILED when it is missing, fails, hangs or answers nonsense; what it printed is not repeated.
 * Reference: github.com/docker/docker-credential-helpers, "Development".
 */
export async function askCredentialHelper(
  name: string,
  serverUrl: string,
  env: NodeJS.ProcessEnv = process.env,
  timeoutMs: number = defaultTimeoutMs,
): Promise<Credential | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw failed(name, "is no valid name of a credential helper");
  const { code, stdout, stderr } = await runHelper(name, serverUrl, { env, timeoutMs });
  if (code === 0) return parseAnswer(name, stdout);
  if (notFoundPattern.test(stdout) || notFoundPattern.test(stderr)) return undefined;
  throw failed(name, `failed with exit code ${code}`, `run: echo ${serverUrl} | docker-credential-${name} get`);
}

interface HelperResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface HelperRun {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

function runHelper(name: string, input: string, { env, timeoutMs }: HelperRun): Promise<HelperResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, ["get"], {
      env,
      stdio: "pipe",
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const isMissing = cause.code === "ENOENT";
      reject(
        failed(
          name,
          isMissing ? "is not in PATH" : `could not be run: ${cause.code}`,
          "install it, or take it out of config.json",
        ),
      );
    });
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL") reject(failed(name, `gave no answer in ${timeoutMs / 1000} s`));
      else resolve({ code, stdout: stdout(), stderr: stderr() });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= maxOutputBytes) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function parseAnswer(name: string, stdout: string): Credential {
  let answer: { readonly Username?: unknown; readonly Secret?: unknown } | null;
  try {
    answer = JSON.parse(stdout);
  } catch {
    throw failed(name, "did not answer JSON");
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== "string" || typeof secret !== "string") throw failed(name, "answered no Username and Secret");
  return username === "<token>"
    ? { type: "identity-token", token: secret }
    : { type: "password", username, password: secret };
}

function failed(name: string, reason: string, hint?: string): RegistryError {
  return new RegistryError("CREDENTIALS_FAILED", `credential helper docker-credential-${name} ${reason}`, { hint });
}
