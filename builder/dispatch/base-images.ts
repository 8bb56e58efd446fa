import {
  formatPlatform,
  normalizePlatform,
  type Platform,
  RegistryError,
  referenceProblem,
} from "../../registry-client/index.ts";
import { quote } from "../dockerfile/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { BuildError } from "../errors.ts";
import { INVALID_BASE_IMAGE_PLATFORM } from "../lint/index.ts";
import { findNamedContext } from "./named-contexts.ts";
import type { ContextFiles, NamedContext, ResolvedImage } from "./options.ts";
import { type BuildScope, located } from "./scope.ts";

/** What a name outside the Dockerfile stands for. */
export type BaseSource =
  | { readonly type: "scratch" }
  | { readonly type: "image"; readonly image: ResolvedImage }
  | { readonly type: "files"; readonly name: string; readonly context: ContextFiles };

/** Names in FROM and COPY --from that are no stage. Each is resolved once, and all may be asked for ahead. */
export class BaseImages {
  readonly #scope: BuildScope;
  readonly #sources = new Map<string, Promise<BaseSource>>();

  constructor(scope: BuildScope) {
    this.#scope = scope;
  }

  /** A named context of that name, else `scratch`, else an image. Throws BASE_IMAGE_NOT_FOUND and what resolving says. */
  find(name: string, platform: Platform | undefined, range: SourceRange): Promise<BaseSource> {
    const wanted = platform ?? this.#scope.options.targetPlatform;
    return this.#once(`${formatPlatform(wanted)} ${name}`, range, () => {
      const context = findNamedContext(this.#scope.options, name, wanted);
      if (context !== undefined) return this.#open(name, context, wanted, range);
      return name === "scratch" ? Promise.resolve({ type: "scratch" }) : this.#image(name, wanted, range);
    });
  }

  /** A named context that takes the place of a stage. */
  open(name: string, context: NamedContext, platform: Platform | undefined, range: SourceRange): Promise<BaseSource> {
    const wanted = platform ?? this.#scope.options.targetPlatform;
    return this.#once(`stage ${name}`, range, () => this.#open(name, context, wanted, range));
  }

  async #open(name: string, context: NamedContext, platform: Platform, range: SourceRange): Promise<BaseSource> {
    switch (context.type) {
      case "local":
      case "fetched":
        return { type: "files", name, context };
      case "scratch":
        return { type: "scratch" };
      case "image":
        return { type: "image", image: await context.resolve({ ...this.#callOptions(range), platform }) };
    }
  }

  async #image(name: string, platform: Platform, range: SourceRange): Promise<BaseSource> {
    const asked = this.#scope.options.resolveImage(name, { ...this.#callOptions(range), platform });
    const image = await asked.catch((error: unknown) => {
      throw isInvalidName(error) ? invalidName(name, error) : error;
    });
    this.#warnOfPlatform(name, platform, image, range);
    return { type: "image", image };
  }

  #once(key: string, range: SourceRange, start: () => Promise<BaseSource>): Promise<BaseSource> {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const started = start().catch((error: unknown) => {
      throw this.#explain(error, range);
    });
    this.#sources.set(key, started);
    started.catch(() => {}); // whoever needs it awaits it; one that was asked for ahead may go unheard
    return started;
  }

  #callOptions(range: SourceRange) {
    const { signal } = this.#scope.options;
    return signal === undefined ? { range } : { range, signal };
  }

  #explain(error: unknown, range: SourceRange): unknown {
    if (error instanceof RegistryError) {
      return new BuildError(error.code, error.message, {
        range,
        source: this.#scope.dockerfile.source,
        hint: error.hint,
        cause: error,
      });
    }
    return located(error, this.#scope, range);
  }

  #warnOfPlatform(name: string, wanted: Platform, { config }: ResolvedImage, range: SourceRange): void {
    if (config.os === wanted.os && config.architecture === wanted.architecture) return;
    const [expected, actual] = [formatPlatform(wanted), formatPlatform(normalizePlatform(config))];
    this.#scope.linter.report(INVALID_BASE_IMAGE_PLATFORM, range, name, expected, actual);
  }
}

function isInvalidName(error: unknown): error is RegistryError {
  return error instanceof RegistryError && error.code === "INVALID_REFERENCE";
}

function invalidName(name: string, cause: RegistryError): RegistryError {
  const message = `failed to parse stage name ${quote(name)}: ${referenceProblem(name)}`;
  return new RegistryError(cause.code, message, { cause, ...(cause.hint === undefined ? {} : { hint: cause.hint }) });
}
