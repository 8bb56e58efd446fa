import { quote } from "../dockerfile/quote.ts";

/** A check of BuildKit's: its name, what it is about, and its message about one place. */
export interface Rule<A extends readonly string[] = readonly string[]> {
  readonly name: string;
  readonly description: string;
  /** Where it is explained. */
  readonly url?: string;
  /** Off unless it is asked for. */
  readonly experimental: boolean;
  readonly message: (...args: A) => string;
}

export const STAGE_NAME_CASING: Rule<[name: string]> = rule(
  "StageNameCasing",
  "Stage names should be lowercase",
  (name: string) => `Stage name '${name}' should be lowercase`,
);

export const FROM_AS_CASING: Rule<[from: string, as: string]> = rule(
  "FromAsCasing",
  "The 'as' keyword should match the case of the 'from' keyword",
  (from: string, as: string) => `'${as}' and '${from}' keywords' casing do not match`,
);

export const NO_EMPTY_CONTINUATION: Rule<[]> = rule(
  "NoEmptyContinuation",
  "Empty continuation lines will become errors in a future release",
  () => "Empty continuation line",
);

export const CONSISTENT_INSTRUCTION_CASING: Rule<[keyword: string, casing: string]> = rule(
  "ConsistentInstructionCasing",
  "All commands within the Dockerfile should use the same casing (either upper or lower)",
  (keyword: string, casing: string) => `Command '${keyword}' should match the case of the command majority (${casing})`,
);

export const DUPLICATE_STAGE_NAME: Rule<[name: string]> = rule(
  "DuplicateStageName",
  "Stage names should be unique",
  (name: string) => `Duplicate stage name ${quote(name)}, stage names should be unique`,
);

export const RESERVED_STAGE_NAME: Rule<[name: string]> = rule(
  "ReservedStageName",
  "Reserved words should not be used as stage names",
  (name: string) => `Stage name should not use the same name as reserved stage ${quote(name)}`,
);

export const JSON_ARGS_RECOMMENDED: Rule<[keyword: string]> = rule(
  "JSONArgsRecommended",
  "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
  (keyword: string) => `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`,
);

export const MAINTAINER_DEPRECATED: Rule<[]> = rule(
  "MaintainerDeprecated",
  "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
  () => "Maintainer instruction is deprecated in favor of using label",
);

export const UNDEFINED_ARG_IN_FROM: Rule<[name: string, meant: string]> = rule(
  "UndefinedArgInFrom",
  "FROM command must use declared ARGs",
  (name: string, meant: string) =>
    `FROM argument '${name}' is not declared${meant === "" ? "" : ` (did you mean ${meant}?)`}`,
);

export const WORKDIR_RELATIVE_PATH: Rule<[path: string]> = rule(
  "WorkdirRelativePath",
  "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
  (path: string) => `Relative workdir ${quote(path)} can have unexpected results if the base image changes`,
);

export const UNDEFINED_VAR: Rule<[name: string, meant: string]> = rule(
  "UndefinedVar",
  "Variables should be defined before their use",
  (name: string, meant: string) =>
    `Usage of undefined variable '$${name}'${meant === "" ? "" : ` (did you mean $${meant}?)`}`,
);

export const MULTIPLE_INSTRUCTIONS_DISALLOWED: Rule<[keyword: string]> = rule(
  "MultipleInstructionsDisallowed",
  "Multiple instructions of the same type should not be used in the same stage",
  (keyword: string) =>
    `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
);

export const LEGACY_KEY_VALUE_FORMAT: Rule<[keyword: string]> = rule(
  "LegacyKeyValueFormat",
  "Legacy key/value format with whitespace separator should not be used",
  (keyword: string) => `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
);

export const INVALID_BASE_IMAGE_PLATFORM: Rule<[image: string, expected: string, actual: string]> = {
  name: "InvalidBaseImagePlatform",
  description: "Base image platform does not match expected target platform",
  experimental: false,
  message: (image, expected, actual) =>
    `Base image ${image} was pulled with platform ${quote(actual)}, expected ${quote(expected)} for current build`,
};

export const REDUNDANT_TARGET_PLATFORM: Rule<[platform: string]> = rule(
  "RedundantTargetPlatform",
  "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
  (platform: string) =>
    `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`,
);

export const SECRETS_USED_IN_ARG_OR_ENV: Rule<[keyword: string, name: string]> = rule(
  "SecretsUsedInArgOrEnv",
  "Sensitive data should not be used in the ARG or ENV commands",
  (keyword: string, name: string) =>
    `Do not use ARG or ENV instructions for sensitive data (${keyword} ${quote(name)})`,
);

export const INVALID_DEFAULT_ARG_IN_FROM: Rule<[base: string]> = rule(
  "InvalidDefaultArgInFrom",
  "Default value for global ARG results in an empty or invalid base image name",
  (base: string) => `Default value for ARG ${base} results in empty or invalid base image name`,
);

export const FROM_PLATFORM_FLAG_CONST_DISALLOWED: Rule<[platform: string]> = rule(
  "FromPlatformFlagConstDisallowed",
  "FROM --platform flag should not use a constant value",
  (platform: string) => `FROM --platform flag should not use constant value ${quote(platform)}`,
);

export const COPY_IGNORED_FILE: Rule<[verb: string, path: string]> = rule(
  "CopyIgnoredFile",
  "Attempting to Copy file that is excluded by .dockerignore",
  (verb: string, path: string) => `Attempting to ${verb} file ${quote(path)} that is excluded by .dockerignore`,
);

export const INVALID_DEFINITION_DESCRIPTION: Rule<[keyword: string, name: string]> = {
  ...rule(
    "InvalidDefinitionDescription",
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
    (keyword: string, name: string) => `Comment for ${keyword} should follow the format: \`# ${name} <description>\``,
  ),
  experimental: true,
};

export const EXPOSE_PROTO_CASING: Rule<[port: string]> = rule(
  "ExposeProtoCasing",
  "Protocol in EXPOSE instruction should be lowercase",
  (port: string) => `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
);

export const EXPOSE_INVALID_FORMAT: Rule<[port: string]> = rule(
  "ExposeInvalidFormat",
  "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
  (port: string) => `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
);

function rule<A extends readonly string[]>(
  name: string,
  description: string,
  message: (...args: A) => string,
): Rule<A> {
  return {
    name,
    description,
    url: `https://docs.docker.com/go/dockerfile/rule/${kebab(name)}/`,
    experimental: false,
    message,
  };
}

function kebab(name: string): string {
  return name
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase();
}
