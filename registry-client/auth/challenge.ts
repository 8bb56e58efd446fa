/** One way to authenticate that a server offers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`, `negotiate`. */
  readonly scheme: string;
  /** By name in lower case, unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** More than this in one header is no challenge but an attack on the parser. */
const maxHeaderLength = 16 << 10;

const schemePattern = /([!#$%&'*+.^_`|~\w-]+)(?=[ \t,]|$)/y;
const parameterPattern = /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))(?=[ \t]*(?:,|$))/y;
const token68Pattern = /[ \t]+[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;
const separatorPattern = /[ \t,]*/y;
/** Up to the next comma; past a quote that nothing makes sense of, to the end. */
const garbagePattern = /[^,"]*(?:".*)?/y;

/**
 * Every challenge of every WWW-Authenticate header: there may be several headers, several challenges in one, and commas
 * within quotes. What cannot be read is passed over.
 * Reference: RFC 9110 section 11.6.1.
 */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => parseHeader(header.slice(0, maxHeaderLength)));
}

function parseHeader(header: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  for (let position = 0; position < header.length; ) {
    const next = position + matchAt(separatorPattern, header, position).length;
    const parameter = execAt(parameterPattern, header, next);
    const scheme = parameter ? undefined : execAt(schemePattern, header, next);
    const current = challenges.at(-1);
    if (parameter) {
      const value = parameter[2]?.replace(/\\(.)/g, "$1") ?? parameter[3] ?? "";
      current?.parameters.set((parameter[1] ?? "").toLowerCase(), value);
      position = next + parameter[0].length;
    } else if (scheme) {
      challenges.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
      position = next + scheme[0].length;
      position += matchAt(token68Pattern, header, position).length;
    } else {
      position = next + Math.max(1, matchAt(garbagePattern, header, next).length);
    }
  }
  return challenges;
}

function execAt(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

function matchAt(pattern: RegExp, text: string, position: number): string {
  return execAt(pattern, text, position)?.[0] ?? "";
}
