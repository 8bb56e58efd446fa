import type { BuildError, CheckResult, LintWarning, Outline, SourceFile, SourceRange, TargetList } from "../index.ts";

/** The results of `--call` as buildx prints them with `format=json`: two spaces, Go's escapes, sources in base64. */
export function checkJson({ warnings, error, source }: CheckResult): string {
  return goJson({
    warnings: warnings.map(warningJson),
    sources: [{ filename: source.file, data: base64(source), language: "Dockerfile" }],
    ...(error === undefined ? {} : { buildError: errorJson(error) }),
  });
}

export function outlineJson({ name, description, args, secrets, ssh, source }: Outline): string {
  const mounts = (list: Outline["secrets"]) =>
    list.map((mount) =>
      withoutEmpty({ name: mount.name, required: mount.required, location: locationOf(mount.range) }),
    );
  return goJson(
    withoutEmpty({
      name,
      description,
      args: args.map((arg) =>
        withoutEmpty({
          name: arg.name,
          description: arg.description,
          value: arg.value,
          location: locationOf(arg.range),
        }),
      ),
      secrets: mounts(secrets),
      ssh: mounts(ssh),
      sources: [base64(source)],
    }),
  );
}

export function targetsJson({ targets, source }: TargetList): string {
  const list = targets.map(({ name, isDefault, description, base, platform, range }) =>
    withoutEmpty({ name, default: isDefault, description, base, platform, location: locationOf(range) }),
  );
  return goJson({ targets: list, sources: [base64(source)] });
}

function warningJson({ rule, description, url, message, range }: LintWarning): object {
  return withoutEmpty({ ruleName: rule, description, url, detail: message, location: locationOf(range) });
}

/** BuildKit has the suggestion in the message. */
function errorJson({ message, hint, range }: BuildError): object {
  const meant = /^did you mean (?:--)?(.*)\?$/.exec(hint ?? "")?.[1];
  const told =
    meant === undefined || message.includes("did you mean") ? message : `${message} (did you mean ${meant}?)`;
  return { message: told, location: range === undefined ? {} : locationOf(range) };
}

/** A range for each line, without columns: BuildKit has none. */
function locationOf({ start, end }: SourceRange): object {
  const lines = Array.from({ length: Math.max(1, end.line - start.line + 1) }, (_, index) => start.line + index);
  return { ranges: lines.map((line) => ({ start: { line }, end: { line } })) };
}

/** Go's omitempty. */
function withoutEmpty(members: Readonly<Record<string, unknown>>): object {
  const isEmpty = (value: unknown) =>
    value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}

function base64({ text }: SourceFile): string {
  return Buffer.from(text).toString("base64");
}

/** Go's json.MarshalIndent keeps HTML out of strings. */
function goJson(value: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(value, null, 2).replace(/[<>&\u2028\u2029]/g, escaped)}\n`;
}
