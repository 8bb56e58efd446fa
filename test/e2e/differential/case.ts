/** A Dockerfile that both builders build. */
export interface DifferentialCase {
  /** What it is about, in a few words. */
  readonly name: string;
  readonly dockerfile: readonly string[];
  /** A shell script that fills the build context. */
  readonly context?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
}

/** A context with every kind of file, for the cases about COPY. */
export const TREE = `mkdir -p dir/sub dir/empty; echo a > dir/a; echo b > dir/sub/b; echo hidden > dir/.hidden; ln -s a dir/link
  ln -s nowhere dir/dangling; ln -s sub dir/sublink; echo f > file; echo g > file2; chmod 640 dir/a; chmod 711 dir/sub`;
