import { type ParityCase, TREE } from "./case.ts";

const contexts = { kind: "buildah", why: "Docker 20.10 has no named contexts" } as const;

/** What buildah knows and Docker 20.10's BuildKit does not. */
export const BUILDAH_CASES: readonly ParityCase[] = [
  {
    name: "build-context: a directory for COPY --from and for a bind mount",
    context: `${TREE}; mkdir ../other; echo o > ../other/o; chmod 600 ../other/o; mkdir ../other/d; echo p > ../other/d/p`,
    flags: ["--build-context", "other=./other"],
    dockerfile: [
      "FROM busybox",
      "COPY --from=other o /o",
      "COPY --from=other --chown=33:50 d /d",
      "RUN --mount=type=bind,from=other,target=/m cat /m/d/p > /seen",
    ],
    peer: contexts,
  },
  {
    name: "build-context: over an image's name and a stage's",
    context: TREE,
    flags: ["--build-context", "alpine=docker-image://busybox"],
    dockerfile: ["FROM alpine", "COPY file /x"],
    peer: contexts,
  },
];
