import { formatPlatform, type Platform } from "../../registry-client/index.ts";

/**
 * ARGs every Dockerfile has in its global scope: BUILD… and TARGET… of the two platforms, and TARGETSTAGE.
 * `--build-arg` overrides each.
 */
export function platformArgs(
  buildPlatform: Platform,
  targetPlatform: Platform,
  targetStage: string | undefined,
  buildArgs: Readonly<Record<string, string>>,
): Map<string, string> {
  const args = [
    ...prefixed("BUILD", buildPlatform),
    ...prefixed("TARGET", targetPlatform),
    ["TARGETSTAGE", targetStage ?? "default"] as const,
  ];
  return new Map(args.map(([name, value]) => [name, buildArgs[name] ?? value]));
}

function prefixed(prefix: "BUILD" | "TARGET", platform: Platform): readonly (readonly [string, string])[] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform["os.version"] ?? ""],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ""],
  ];
}
