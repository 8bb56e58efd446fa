import type { ImageConfig, Platform } from "../../registry-client/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { createVertex, type Edge, edge, emptyRoot } from "../llb/index.ts";
import { normalizeHistory } from "./base-history.ts";
import { chainOf } from "./chain.ts";
import { type ConfigParts, openConfig } from "./image-config.ts";
import { envMap, envRows, type ImageEnv, setEnv } from "./image-env.ts";
import type { ResolvedImage } from "./options.ts";
import { PersistentMap } from "./persistent-map.ts";
import type { StageState } from "./stage-state.ts";
import { StepEnvironment } from "./step-environment.ts";
import { joinWorkdir } from "./workdir.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** FROM scratch: no files, no layer. */
export function scratchState(platform: Platform): StageState {
  const config = { ...platform, rootfs: { type: "layers", diff_ids: [] }, config: { WorkingDir: "/" } } as const;
  return openState(emptyRoot(), config);
}

/** FROM an image. One without layers is an empty root with a config. */
export function imageState(image: ResolvedImage, name: string, range: SourceRange): StageState {
  const { diff_ids } = image.config.rootfs;
  return openState(diff_ids.length === 0 ? emptyRoot() : imageEdge(image, name, range), image.config);
}

/** An image's files. */
export function imageEdge(image: ResolvedImage, name: string, range: SourceRange): Edge {
  const { reference, manifest, source } = image;
  return edge(createVertex({ type: "image", reference, manifest, source }, [], { name, range }));
}

/** `FROM docker.io/library/busybox:latest@sha256:…`. */
export function imageTitle({ reference, manifest }: ResolvedImage): string {
  return `FROM ${reference}${reference.includes("@") ? "" : `@${manifest.digest}`}`;
}

/** FROM a stage: all it has but its numbers, and the ENV of its image again over its ARGs. */
export function childState(parent: StageState): StageState {
  const environment = parent.environment.withAll(envMap(envRows(parent.env)));
  return { ...parent, environment, step: 0, isCmdSet: false };
}

function openState(root: Edge, image: ImageConfig): StageState {
  const baseLayerCount = image.rootfs.diff_ids.length;
  const history = normalizeHistory(image.history ?? [], baseLayerCount);
  return {
    root,
    platform: platformOf(image),
    ...(image.author === undefined || image.author === "" ? {} : { author: image.author }),
    ...settled(openConfig(image.config ?? {})),
    history: chainOf(history),
    baseHistory: history.length,
    baseLayerCount,
    buildArgs: new PersistentMap(),
    step: 0,
    isCmdSet: false,
  };
}

/** There is always a PATH, and WORKDIR is clean and absolute. */
function settled(parts: ConfigParts): ConfigParts & Pick<StageState, "environment"> {
  const { config } = parts;
  const env = withPath(parts.env);
  const workdir = config.WorkingDir ? { WorkingDir: joinWorkdir("/", config.WorkingDir) } : {};
  return { ...parts, config: { ...config, ...workdir }, env, environment: StepEnvironment.of(envMap(envRows(env))) };
}

function withPath(env: ImageEnv): ImageEnv {
  return envMap(env.base).has("PATH") ? env : setEnv(env, "PATH", DEFAULT_PATH);
}

function platformOf({ architecture, os, variant, ...image }: ImageConfig): Platform {
  const version = image["os.version"];
  const features = image["os.features"];
  return {
    architecture,
    os,
    ...(variant ? { variant } : {}),
    ...(version ? { "os.version": version } : {}),
    ...(features ? { "os.features": features } : {}),
  };
}
