import type { ContainerConfig } from "../../registry-client/index.ts";
import { chainOf, toArray } from "./chain.ts";
import { envRows, openEnv } from "./image-env.ts";
import { PersistentMap } from "./persistent-map.ts";
import type { SettledConfig, StageState } from "./stage-state.ts";

/** The parts of a state that an image config is made of. */
export type ConfigParts = Pick<StageState, "config" | "env" | "labels" | "exposedPorts" | "volumes" | "onbuild">;

/** An image config in parts. What is null in it, as Docker writes what is empty, is left out; so is what no one knows. */
export function openConfig(image: ContainerConfig): ConfigParts {
  return {
    config: settledConfig(image),
    env: openEnv(image.Env ?? []),
    labels: new PersistentMap(Object.entries(image.Labels ?? {})),
    exposedPorts: new PersistentMap(Object.entries(image.ExposedPorts ?? {})),
    volumes: new PersistentMap(Object.entries(image.Volumes ?? {})),
    onbuild: chainOf(image.OnBuild ?? []),
  };
}

/**
 * The config of the image that a stage is so far, its members in the order of image-spec's config.md, names sorted: equal
 * images are equal bytes.
 */
export function imageConfig(state: ConfigParts): ContainerConfig {
  const { config, exposedPorts, volumes, labels } = state;
  return present({
    User: config.User,
    ExposedPorts: sorted(exposedPorts),
    Env: envRows(state.env),
    Entrypoint: config.Entrypoint,
    Cmd: config.Cmd,
    Volumes: sorted(volumes),
    WorkingDir: config.WorkingDir,
    Labels: sorted(labels),
    StopSignal: config.StopSignal,
    ArgsEscaped: config.ArgsEscaped,
    Healthcheck: config.Healthcheck,
    OnBuild: toArray(state.onbuild),
    Shell: config.Shell,
  });
}

function settledConfig(image: ContainerConfig): SettledConfig {
  const { User, Entrypoint, Cmd, WorkingDir, StopSignal, ArgsEscaped, Healthcheck, Shell } = image;
  return present({ User, Entrypoint, Cmd, WorkingDir, StopSignal, ArgsEscaped, Healthcheck, Shell });
}

function sorted<V extends string | object>(map: PersistentMap<V>): Readonly<Record<string, V>> | undefined {
  if (map.size === 0) return undefined;
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** `members` without those that are null or empty: what Go's `omitempty` leaves out. */
function present<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value))) as Present<T>;
}

function isEmpty(value: unknown): boolean {
  return value == null || value === "" || value === false || (Array.isArray(value) && value.length === 0);
}
