import { parseBoolean } from "../boolean.ts";
import { BuildError } from "../errors.ts";

/** A repository at a remote, and what of it is wanted: `https://host/repo.git#ref:subdir`, `git@host:repo?tag=v1`. */
export interface GitReference {
  /** What git is given: without query and fragment. */
  readonly remote: string;
  /** `github.com/user/repo`: only a build context may be written so, since it could be a path. */
  readonly mayBeLocal: boolean;
  /** A commit, branch, tag or full ref. Absent: the default branch. */
  readonly ref?: string;
  /** The commit that the ref must be, or its first digits. */
  readonly checksum?: string;
  readonly subdir?: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
}

interface Address {
  readonly remote: string;
  readonly query: string;
  readonly fragment: string;
  readonly mayBeLocal?: boolean;
}

const REMOTE = /^(https?|ssh|git):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is;
const SCP = /^([a-z0-9_-]+@[a-z0-9.-]+:.*?)(?:\?(.*?))?(?:#(.*))?$/is;
const GITHUB = /^(github\.com\/[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

/**
 * Reads a git reference as BuildKit does; undefined for what is none. An HTTP address is one when its path ends in `.git`.
 * Throws INVALID_GIT_REFERENCE for a query that makes no sense. BuildKit frontend/dockerfile/dfgitutil.
 */
export function parseGitReference(text: string): GitReference | undefined {
  const address = readAddress(text);
  if (address === undefined) return undefined;
  const { remote, mayBeLocal = false } = address;
  const [ref = "", ...subdir] = decode(address.fragment).split(":");
  const fromFragment = { ...given("ref", ref), ...given("subdir", subdir.join(":")) };
  return { remote, mayBeLocal, ...withQuery(fromFragment, new URLSearchParams(address.query)) };
}

/** Whether ADD downloads a file from there: `http://` and `https://`, except git repositories. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && readAddress(text) === undefined;
}

function readAddress(text: string): Address | undefined {
  if (/^\.\.?\//.test(text)) return undefined;
  const url = REMOTE.exec(text);
  if (url !== null) {
    const [, scheme = "", host = "", path = "", query = "", fragment = ""] = url;
    if (/^http/i.test(scheme) && !path.endsWith(".git")) return undefined;
    return { remote: `${scheme.toLowerCase()}://${host}${path}`, query, fragment };
  }
  const scp = /^[a-z0-9]+:\/\//i.test(text) ? null : SCP.exec(text);
  if (scp !== null) return { remote: scp[1] ?? "", query: scp[2] ?? "", fragment: scp[3] ?? "" };
  const github = GITHUB.exec(text);
  if (github === null) return undefined;
  return { remote: `https://${github[1]}`, query: github[2] ?? "", fragment: github[3] ?? "", mayBeLocal: true };
}

type Wanted = Omit<GitReference, "remote" | "mayBeLocal">;

function withQuery(fragment: Pick<Wanted, "ref" | "subdir">, query: URLSearchParams): Wanted {
  let wanted: Wanted = fragment;
  for (const key of new Set(query.keys())) wanted = { ...wanted, ...queryMember(key, query.getAll(key), wanted) };
  const ref = namedRef(query, wanted.ref) ?? wanted.ref ?? wanted.checksum;
  return ref === undefined ? wanted : { ...wanted, ref };
}

function queryMember(key: string, values: readonly string[], wanted: Wanted): Wanted {
  const [value = ""] = values;
  if (values.length > 1) throw invalid(`query ${JSON.stringify(key)} has multiple values`);
  if (value === "" && !FLAGS.has(key)) throw invalid(`query ${JSON.stringify(key)} has no value`);
  switch (key) {
    case "ref":
      return { ref: agreed("ref", wanted.ref, value) };
    case "subdir":
      return { subdir: agreed("subdir", wanted.subdir, value) };
    case "checksum":
    case "commit":
      return { checksum: value };
    case "keep-git-dir":
      return { keepGitDir: flag(key, value) };
    case "submodules":
      return { submodules: flag(key, value) };
    case "tag":
    case "branch":
      return {};
    case "fetch-by-commit":
      flag(key, value);
      return {};
    case "mtime":
      // Every time that is written is the build's epoch, whichever of the two is asked for.
      if (value !== "checkout" && value !== "commit") throw invalid(`invalid mtime value: ${JSON.stringify(value)}`);
      return {};
    default:
      throw invalid(`unexpected query ${JSON.stringify(key)}`);
  }
}

const FLAGS: ReadonlySet<string> = new Set(["keep-git-dir", "submodules", "fetch-by-commit"]);

/** `tag=` and `branch=` name the full ref. */
function namedRef(query: URLSearchParams, ref: string | undefined): string | undefined {
  const [tag, branch] = [query.get("tag"), query.get("branch")];
  if (tag !== null && branch !== null) throw invalid("branch conflicts with tag");
  if (tag !== null) return agreed("ref", ref, prefixed("refs/tags/", tag));
  return branch === null ? undefined : agreed("ref", ref, prefixed("refs/heads/", branch));
}

function prefixed(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

function agreed(key: string, before: string | undefined, value: string): string {
  if (before === undefined || before === value) return value;
  throw invalid(`${key} conflicts: ${JSON.stringify(before)} vs ${JSON.stringify(value)}`);
}

/** A key alone is true. */
function flag(key: string, value: string): boolean {
  const given = value === "" ? true : parseBoolean(value);
  if (given !== undefined) return given;
  throw invalid(`invalid ${key} value: ${JSON.stringify(value)}`);
}

function given<K extends string>(key: K, value: string): { readonly [P in K]?: string } {
  return value === "" ? {} : ({ [key]: value } as { readonly [P in K]?: string });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(message: string): BuildError {
  const hint = "a git address takes ref, tag, branch, subdir, checksum, keep-git-dir and submodules";
  return new BuildError("INVALID_GIT_REFERENCE", message, { hint });
}
