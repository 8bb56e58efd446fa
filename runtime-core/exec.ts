import { RuntimeError } from "./errors.ts";
import { binding, nativeFailure } from "./native.ts";

/** A program and how it is started. */
export interface Program {
  /** A path, or a name that is looked up in PATH. */
  readonly file: string;
  /** Without the name of the program itself. */
  readonly args: readonly string[];
  /** Laid over this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Becomes another program, with this process's id, terminal and standard streams. Whatever else the process holds is gone.
 * Throws RuntimeError NOT_FOUND, IO. execve(2).
 */
export function replaceProcess({ file, args, env }: Program): never {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  try {
    binding().replaceProcess(file, [...args], variables);
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : new RuntimeError(failure);
  }
  throw new Error("execve returned without an error");
}
