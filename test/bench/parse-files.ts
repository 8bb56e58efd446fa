/** A Dockerfile that is slow to read for who is careless. */
export interface ParseFile {
  readonly name: string;
  readonly text: string;
}

const FROM = "FROM bench/busybox\n";

/** A megabyte of each shape: many instructions, one long script, one long command; and as many names as that. */
export const PARSE_FILES: readonly ParseFile[] = [
  { name: "36,000 RUN", text: FROM + lines(36_000, (index) => `RUN echo line ${index}`.padEnd(28)) },
  {
    name: "a heredoc of 1 MB",
    text: `${FROM}RUN <<EOF\n${lines(32_000, (index) => `echo line ${index} of a script`)}EOF\n`,
  },
  {
    name: "a RUN of 32,000 lines",
    text: `${FROM}RUN ${lines(32_000, (index) => `echo this is line ${index} && \\`)}true\n`,
  },
  { name: "20,000 ENV", text: FROM + lines(20_000, (index) => `ENV NAME_${index}=value`) },
  { name: "20,000 ARG", text: FROM + lines(20_000, (index) => `ARG NAME_${index}=value`) },
  { name: "20,000 LABEL", text: FROM + lines(20_000, (index) => `LABEL org.example.name-${index}="a value"`) },
];

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join("");
}
