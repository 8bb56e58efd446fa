import { resolve } from "node:path";
import { readContextIgnore } from "./build-context.ts";
import { statIfThere } from "./directory.ts";
import type { NamedContext } from "./dispatch/index.ts";
import { BuildError } from "./errors.ts";
import type { ImageResolver } from "./image-resolver.ts";

/** `--build-context` values by name. Throws INVALID_BUILD_CONTEXT, CONTEXT_NOT_FOUND. */
export async function openNamedContexts(
  contexts: Readonly<Record<string, string>>,
  images: ImageResolver,
): Promise<Readonly<Record<string, NamedContext>>> {
  const opened = Object.entries(contexts).map(
    async ([name, value]) => [name, await openNamedContext(name, value, images)] as const,
  );
  return Object.fromEntries(await Promise.all(opened));
}

async function openNamedContext(name: string, value: string, images: ImageResolver): Promise<NamedContext> {
  const image = after(value, "docker-image://");
  if (image !== undefined) return { type: "image", resolve: (options) => images.resolve(image, options) };
  const layout = after(value, "oci-layout://");
  if (layout !== undefined) return { type: "image", resolve: (options) => images.resolveLayout(layout, options) };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) {
    throw new BuildError(
      "INVALID_BUILD_CONTEXT",
      `the build context ${name} has an address of an unknown kind: ${value}`,
      {
        hint: "use a directory, docker-image://REFERENCE or oci-layout://PATH[:tag]",
      },
    );
  }
  return await openDirectory(name, value);
}

async function openDirectory(name: string, value: string): Promise<NamedContext> {
  const path = resolve(value);
  const found = await statIfThere(path);
  if (found?.isDirectory() !== true) {
    throw new BuildError("CONTEXT_NOT_FOUND", `the build context ${name} is not a directory: ${value}`, {
      hint: "an image needs docker-image:// before its name",
    });
  }
  return { type: "local", path, ignore: await readContextIgnore(path) };
}

function after(value: string, prefix: string): string | undefined {
  return value.startsWith(prefix) ? value.slice(prefix.length) : undefined;
}
