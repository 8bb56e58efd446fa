/** A program that builds images, ready to be timed: its base image `bench/busybox` is there, its daemon (if any) runs. */
export interface BenchBuilder {
  /** Name and version, as the table shows it. */
  readonly name: string;
  /** Builds the Dockerfile in `context`. Throws with the program's output when the build fails. */
  build(context: string, options: { readonly noCache: boolean }): Promise<void>;
  /** Ends what was started and takes back what was left on the machine. */
  close(): Promise<void>;
}

/** A builder that cannot be timed here, and why. */
export interface MissingBuilder {
  readonly name: string;
  readonly missing: string;
}

/** Prepares a builder with all its state under `work`, `base` being the OCI layout of its base image. */
export type PrepareBuilder = (work: string, base: string) => Promise<BenchBuilder | MissingBuilder>;

/** What the Dockerfiles of the benchmark start from. */
export const BASE_NAME = "bench/busybox";
