import { type ParityCase, TREE } from "./case.ts";

const contexts = {
  kind: "buildah",
  leaves: ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"],
  why: "Docker 20.10 has no named contexts",
} as const;

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
    name: "build-context: a directory over a stage's name",
    context: `${TREE}; mkdir ../other; echo instead > ../other/made`,
    flags: ["--build-context", "stage=./other"],
    dockerfile: ["FROM busybox AS stage", "RUN echo stage > /made", "FROM busybox", "COPY --from=stage /made /x"],
    peer: contexts,
  },
  {
    name: "build-context: .dockerignore of the main context is not its",
    context: `${TREE}; echo o > ../.dockerignore; mkdir ../other; echo o > ../other/o; echo o > .dockerignore`,
    flags: ["--build-context", "other=./other", "--platform", "linux/amd64"],
    dockerfile: ["FROM busybox", "COPY --from=other . /o"],
    peer: contexts,
  },
];
