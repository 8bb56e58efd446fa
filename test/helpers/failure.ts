/** The error of the given class that `work` fails with. Throws any other error, and one of its own when nothing fails. */
export async function failureOf<T extends Error>(
  kind: abstract new (...args: never[]) => T,
  work: Promise<unknown>,
): Promise<T> {
  try {
    await work;
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
