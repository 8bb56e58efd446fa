// Builds examples/hello from a program and prints its digest: node --import tsx examples/library.ts STORE BASE_LAYOUT
import { BuildError, build } from "tsbuild";

const [store = "", base = ""] = process.argv.slice(2);

try {
  const { descriptor, config } = await build({
    context: "examples/hello",
    store,
    buildContexts: { busybox: `oci-layout://${base}:latest` },
    buildArgs: { GREETING: "Hello from a library" },
    tags: ["example.com/hello:1"],
    onEvent: (event) => {
      if (event.type === "vertex") console.error(event.state, event.name);
      if (event.type === "log") process.stderr.write(event.data);
    },
  });
  console.log(descriptor.digest, config.config?.Cmd?.join(" "));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`${error.message} [${error.code}]`, error.hint ?? "");
  process.exitCode = error.exitCode ?? 1;
}
