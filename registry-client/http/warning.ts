const maxWarningLength = 4096;

/**
 * What a registry wants people to read: the texts of `Warning: 299 - "text"` headers, each on one line.
 * Reference: distribution-spec v1.1, "Warnings".
 */
export function parseWarnings(headers: readonly string[]): readonly string[] {
  return headers.flatMap((header) => {
    const quoted = /^\s*299 - "((?:[^"\\]|\\.)*)"\s*$/.exec(header.slice(0, maxWarningLength));
    const text = (quoted?.[1] ?? "")
      .replace(/\\(.)/g, "$1")
      .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
      .trim();
    return text === "" ? [] : [text];
  });
}
