/** 1-based line and column (in UTF-16 units, as editors count). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A place in a file; `end` is exclusive. */
export interface SourceRange {
  /** As the user named it: `Dockerfile`, `docker/app.Dockerfile`. */
  readonly file: string;
  readonly start: Position;
  readonly end: Position;
}

/** The text a range points into, kept so that an error can show it. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}
