const PROXY_NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"] as const;

/**
 * The proxy arguments among `--build-arg`: RUN sees them in both cases without an ARG. They are no part of the image, its
 * history or the cache key.
 */
export function proxyEnv(buildArgs: Readonly<Record<string, string>>): readonly string[] {
  return PROXY_NAMES.flatMap((name) => {
    const value = proxyValue(name, buildArgs);
    return value === undefined || value === "" ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`];
  });
}

/** Whether a build argument is a proxy's, in any case. */
export function isProxyArg(name: string): boolean {
  return PROXY_NAMES.some((proxy) => proxy === name.toUpperCase());
}

/** In whatever case it was given; the last of several in the order of their names, as in BuildKit. */
function proxyValue(name: string, buildArgs: Readonly<Record<string, string>>): string | undefined {
  const given = Object.keys(buildArgs).filter((key) => key.toUpperCase() === name);
  const last = given.sort().at(-1);
  return last === undefined ? undefined : buildArgs[last];
}
