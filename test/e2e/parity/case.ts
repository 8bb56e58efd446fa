/** A Dockerfile, what it is built with, and who says what must come out. */
export interface ParityCase {
  /** What it is about, in a few words. */
  readonly name: string;
  /** `@WEB@`, in every text of a case, is the URL of the directory above the context. */
  readonly dockerfile: readonly string[];
  /** A shell script that fills the build context. It runs in `context/`, umask 022. */
  readonly context?: string;
  /** Flags of `build` as both builders take them. Relative paths are of the directory above the context. */
  readonly flags?: readonly string[];
  /** The positional argument. Default `context`. `-` reads `stdin`. */
  readonly from?: string;
  /** A shell script beside the context whose output is the standard input of `build`. */
  readonly stdin?: string;
  readonly peer: Peer;
}

/** Who says what must come out, and why it is not Docker's BuildKit when it is not. */
export type Peer = BuildKit | Buildah | Written;

export interface Buildah {
  readonly kind: "buildah";
  readonly why: string;
  /** What buildah leaves of its mounts. */
  readonly leaves?: readonly string[];
}

export interface BuildKit {
  readonly kind: "buildkit";
  /** Mount points that Docker 20.10 leaves in the image; since BuildKit 0.11 they are removed. */
  readonly leaves?: readonly string[];
}

/** What neither of the two builders knows, written out from BuildKit's rules. */
export interface Written {
  readonly kind: "written";
  readonly why: string;
  /** Lines of `listTree` with texts that base images do not have; those that a base image has and this one has not, behind a `-`. */
  readonly files: readonly string[];
  /** Laid over the config of busybox. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** `created_by` of the rows above the base image's. */
  readonly history: readonly string[];
}

export const BUILDKIT: Peer = { kind: "buildkit" };

export function buildkitThatLeaves(...leaves: readonly string[]): Peer {
  return { kind: "buildkit", leaves };
}

/** A context with every kind of file that a user keeps in one. */
export const TREE: string = `mkdir -p dir/sub dir/empty; echo a > dir/a; echo b > dir/sub/b; echo hidden > dir/.hidden; ln -s a dir/link
  ln -s nowhere dir/dangling; ln -s sub dir/sublink; echo f > file; echo g > file2; chmod 640 dir/a; chmod 711 dir/sub`;

/** A repository beside the context, `app.git`, with the context on `main`, a branch `side` with a directory `sub`, and a tag. */
export const GIT: string = `${TREE}
  git init -q -b main ../work && cp -a . ../work && cd ../work
  git="git -c user.name=t -c user.email=t@example.com"; export GIT_AUTHOR_DATE="@1000000000 +0000" GIT_COMMITTER_DATE="@1000000000 +0000"
  chmod 755 file; $git add -A; $git commit -qm one; $git tag v1
  git checkout -q -b side; mkdir sub; cp Dockerfile sub; echo side > sub/file; $git add -A; $git commit -qm two; git checkout -q main
  git clone -q --bare . ../app.git`;
