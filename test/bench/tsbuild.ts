import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandOutput } from "../helpers/command.ts";
import { BASE_NAME, type PrepareBuilder } from "./builder.ts";

const MAIN = fileURLToPath(new URL("../../dist/tsbuild.cjs", import.meta.url));

/** This project, as it is built in `dist`. */
export const prepareTsbuild: PrepareBuilder = async (work, base) => {
  if (!existsSync(MAIN)) return { name: "tsbuild", missing: "not built: npm run build" };
  const options = ["--store", join(work, "store"), "--build-context", `${BASE_NAME}=oci-layout://${base}:latest`];
  return {
    name: "tsbuild",
    build: async (context, { noCache }) => {
      const flags = ["--quiet", "--tag", "bench", ...(noCache ? ["--no-cache"] : [])];
      await commandOutput([MAIN, "build", ...options, ...flags, context]);
    },
    close: async () => {},
  };
};
