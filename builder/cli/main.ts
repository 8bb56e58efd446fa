import { createRequire } from "node:module";
import { suggest } from "../suggest.ts";
import { exitCodeOf, reportError } from "./report-error.ts";
import { UsageError } from "./usage-error.ts";

const COMMANDS = ["build", "run", "du", "prune", "doctor", "help"];

// A reader that has seen enough, as in `tsbuild --help | head`, is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

main(process.argv.slice(2)).then(async (code) => {
  await Promise.all([process.stdout, process.stderr].map(delivered));
  process.exit(code);
});

/** Pipes take what they can and Node keeps the rest, which would be lost with the process. */
function delivered(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => stream.write("", () => resolve()));
}

/** Runs a command line and returns the exit code. A command's code is loaded when it is used. */
async function main(args: readonly string[]): Promise<number> {
  try {
    return await runCommand(args);
  } catch (error) {
    process.stderr.write(reportError(error, { color: false, annotate: false }));
    return exitCodeOf(error);
  }
}

async function runCommand([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case "build":
      return await (await import("./build-command.ts")).buildCommand(args);
    case "run":
      return await (await import("./run-command.ts")).runCommand(args);
    case "du":
      return await (await import("./du-command.ts")).duCommand(args);
    case "prune":
      return await (await import("./prune-command.ts")).pruneCommand(args);
    case "doctor":
      return await (await import("./doctor-command.ts")).doctorCommand(args);
    case undefined:
    case "help":
    case "--help":
    case "-h":
      return await showHelp(args[0]);
    case "--version":
    case "-v":
    case "version":
      return say(`tsbuild ${packageVersion()}\n`);
    default:
      throw unknownCommand(command);
  }
}

async function showHelp(command: string | undefined): Promise<number> {
  const { buildHelp, doctorHelp, duHelp, mainHelp, pruneHelp, runHelp } = await import("./help.ts");
  if (command === undefined || command === "help") return say(mainHelp());
  if (command === "build") return say(buildHelp());
  if (command === "run") return say(runHelp());
  if (command === "du") return say(duHelp());
  if (command === "prune") return say(pruneHelp());
  if (command === "doctor") return say(doctorHelp());
  throw unknownCommand(command);
}

function unknownCommand(command: string): UsageError {
  const near = suggest(command, COMMANDS);
  const what = command.startsWith("-") ? "flag" : "command";
  return new UsageError(
    "UNKNOWN_COMMAND",
    `unknown ${what}: ${command}`,
    near === undefined ? "see tsbuild --help" : `did you mean tsbuild ${near}?`,
  );
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)("tsbuild/package.json") as { version: string };
  return version;
}
