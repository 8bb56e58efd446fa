/** One way to run a program, ready to be timed. */
export interface Contender {
  /** As the table shows it. */
  readonly name: string;
  /** The peer it is a form of; its fastest form is the one that counts. */
  readonly peer: string;
  /** Milliseconds of a run, from the call until nothing is left of it. Throws when the program did not run to success. */
  run(): Promise<number>;
  /** Ends what was started, and takes back what was left on the machine. */
  close(): Promise<void>;
}

/** A peer that cannot be timed here, and why. */
export interface MissingContender {
  readonly name: string;
  readonly missing: string;
}

/** What every contender runs: `true`, of `rootfs`, a root file system that nobody writes. */
export interface Subject {
  readonly rootfs: string;
  /** Absolute, in the root file system. Static. */
  readonly program: string;
  /** Ends with 1: tells that it is the program whose exit code arrives. */
  readonly failing: string;
  /** A directory for whatever the contender keeps. */
  readonly work: string;
  /** The compiled `spawn-loop.c`. */
  readonly spawnLoop: string;
}
