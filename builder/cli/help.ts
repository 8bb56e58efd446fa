import { BUILD_FLAGS } from "./build-flags.ts";
import { DOCTOR_FLAGS } from "./doctor-flags.ts";
import type { Flag } from "./flags.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { DU_FLAGS, PRUNE_FLAGS } from "./store-flags.ts";

/** `tsbuild --help`. */
export function mainHelp(): string {
  return `Builds images from Dockerfiles and pushes them to registries: one process, no daemon.

Usage: tsbuild COMMAND [OPTIONS]

Commands:
  build    Build an image from a Dockerfile
  run      Run a command in an image, in the sandbox of a build's steps
  du       Say what the store keeps, and how much of it can be removed
  prune    Remove what the store need not keep
  doctor   Say what this machine allows, and what to change
  help     Show the help of a command

Options:
  -h, --help       Show this
  -v, --version    Show the version

Example:
  tsbuild build -t registry.example.com/app:1 --push .
`;
}

/** `tsbuild build --help`. */
export function buildHelp(): string {
  const ours = BUILD_FLAGS.filter(({ support }) => support === undefined);
  return `Builds an image from a Dockerfile.

Usage: tsbuild build [OPTIONS] CONTEXT

CONTEXT is a directory, a git repository (https://host/repo.git#ref:subdir), the URL of an archive, or - for an archive
or a Dockerfile on standard input.

${flagSections(ours)}

Docker's flags that are accepted and ignored:
${nameLines(BUILD_FLAGS, "ignored")}
Docker's flags that are refused, because they would change the result:
${nameLines(BUILD_FLAGS, "refused")}
Progress goes to stderr, the result to stdout. The exit code is that of a failed RUN, 1 for another failure, 2 for a
command line that makes no sense, 130 after Ctrl-C; a --check that finds something ends with 1.

Examples:
  tsbuild build -t app .
  tsbuild build --check .
  tsbuild build -t registry.example.com/app:1 --push --build-arg VERSION=1 .
  tsbuild build --build-context base=oci-layout://./base -o type=oci,dest=app.tar .
`;
}

/** `tsbuild run --help`. */
export function runHelp(): string {
  const ours = RUN_FLAGS.filter(({ support }) => support === undefined);
  return `Runs a command in an image, on a root that is thrown away at its end.

Usage: tsbuild run [OPTIONS] IMAGE [COMMAND] [ARG...]

IMAGE is a name or a digest in the store, or of a registry when the store has no such image; or oci-layout://PATH[:tag].

${flagSections(ours)}

Docker's flags that are accepted and ignored:
${nameLines(RUN_FLAGS, "ignored")}
Docker's flags that are refused:
${nameLines(RUN_FLAGS, "refused")}
The exit code is the command's own, 128 and its number after a signal; 126 and 127 when it cannot be executed or is not
there, 125 when tsbuild itself fails. Ctrl-C goes to the command, a second one kills it.

Examples:
  tsbuild run -it debian
  tsbuild run -v "$PWD:/work" -w /work node npm test
  echo hi | tsbuild run -i busybox cat
`;
}

/** `tsbuild du --help`. */
export function duHelp(): string {
  return `Says what the store keeps: images, build cache, caches of RUN, and how much of it can be removed.

Usage: tsbuild du [OPTIONS]

${flagSections(DU_FLAGS)}

${FILTERS}
Sums count once what several records share. A * is at what steps write: caches of RUN. Reclaimable is what
tsbuild prune --all would free now.

Examples:
  tsbuild du --verbose
  tsbuild du --filter type=exec.cachemount
  tsbuild du --format json
`;
}

/** `tsbuild prune --help`. */
export function pruneHelp(): string {
  return `Removes build cache that no image with a name is made of, caches of RUN, and images without a name.

Usage: tsbuild prune [OPTIONS]

${flagSections(PRUNE_FLAGS)}

--all removes the build cache of images with a name too. The images stay whole: what builds on them unpacks them
again, what would rebuild them runs again. What a build uses at the time stays, and a build that finds something gone
makes it again. With a bound in bytes the least recently and least often used goes first.

${FILTERS}
It asks before only on a terminal. The exit code is 1 when the answer is no.

Examples:
  tsbuild prune -f --filter until=168h
  tsbuild prune -f --all --keep-storage 10GB
  tsbuild prune --dry-run --filter type=exec.cachemount
`;
}

const FILTERS = `Filters, all of which must hold: FIELD, FIELD=VALUE, FIELD!=VALUE, FIELD~=REGEX.
  id, parent, type, description, name         type is one of regular, source.git.checkout, source.http,
                                              exec.cachemount, image, blob, internal; id=REGEX
  inuse, shared, private, mutable, immutable  or with =false
  until                                       not used for a time, 24h, or since a moment, 2026-01-31T12:00:00Z
`;

/** `tsbuild doctor --help`. */
export function doctorHelp(): string {
  return `Says what this machine allows builds, each ok, limited or missing, with its remedy. Changes nothing.

Usage: tsbuild doctor [OPTIONS]

${flagSections(DOCTOR_FLAGS)}

The exit code is 0 when RUN steps can run, by themselves or with --isolation chroot, else 1.
`;
}

/** The rows below their headings, aligned with each other. */
function flagSections(flags: readonly Flag[]): string {
  const width = Math.max(...flags.map((flag) => flagUsage(flag).length));
  const headings = [...new Set(flags.map(sectionOf))];
  const texts = headings.map((heading) => {
    const rows = flags.filter((flag) => sectionOf(flag) === heading);
    const lines = rows.map((flag) => `  ${flagUsage(flag).padEnd(width)}  ${flag.help}`);
    return `${heading}:\n${lines.join("\n")}`;
  });
  return texts.join("\n\n");
}

function sectionOf({ section = "Options" }: Flag): string {
  return section;
}

function flagUsage({ name, short, value }: Flag): string {
  const letter = short === undefined ? "    " : `-${short}, `;
  return `${letter}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function nameLines(flags: readonly Flag[], support: "ignored" | "refused"): string {
  const names = flags.filter((flag) => flag.support === support).map(({ name }) => `--${name}`);
  const lines: string[] = [];
  for (const name of names) {
    const line = lines.at(-1);
    if (line === undefined || line.length + name.length > 100) lines.push(`  ${name}`);
    else lines[lines.length - 1] = `${line} ${name}`;
  }
  return `${lines.join("\n")}\n`;
}
