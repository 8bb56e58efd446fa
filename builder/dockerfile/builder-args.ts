/** Arguments that speak to the builder: an ARG may declare them, and no environment has them. */
export const BUILDER_ARGS: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);
