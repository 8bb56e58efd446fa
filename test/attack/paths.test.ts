import { spawn } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("paths");
const { bait } = attacks.host;

/** An image with links that lead to the bait. */
const linked = await hostileImage({
  layers: [
    tar(
      member({ name: "out", type: "2", link: bait }),
      member({ name: "up", type: "2", link: `../../../../../../../..${bait}` }),
      member({ name: "loop", type: "2", link: "loop" }),
      member({ name: "top", type: "2", link: "/" }),
      member({ name: "procroot", type: "2", link: "/proc/self/root" }),
      member({ name: "cwd", type: "2", link: "/proc/self/cwd" }),
    ),
  ],
});
const images = { linked };

for (const fd of [3, 8, 17]) {
  attacks.add(
    `WORKDIR /proc/self/fd/${fd} leads to nothing of the machine (CVE-2024-21626)`,
    {
      dockerfile: [
        "FROM busybox",
        `WORKDIR /proc/self/fd/${fd}`,
        `RUN cat ../../../../../../../..${bait}/file; ls -a; pwd`,
      ],
    },
    ({ code, stderr }) => assert.is(code, 1, stderr),
  );
}

attacks.add(
  "WORKDIR through links stays in the root (CVE-2026-55686)",
  {
    images,
    dockerfile: [
      "FROM linked",
      "WORKDIR /out/new",
      "WORKDIR /up/other",
      "WORKDIR ../../../../../../third",
      `RUN ls -d ${bait}/new ${bait}/other /third`,
    ],
  },
  ({ code, printed, stderr }) => {
    assert.is(code, 0, stderr);
    assert.equal(printed, ["/third", `${bait}/new`, `${bait}/other`]);
  },
);

attacks.add(
  "COPY and ADD through links stay in the root",
  {
    images,
    files: { f: "f\n" },
    prepare: () => {},
    dockerfile: [
      "FROM linked AS source",
      "COPY f /out/a",
      "COPY f /up/b",
      "COPY f /out/dir/",
      "COPY --chown=1:1 --chmod=4755 f /procroot/c",
      "ADD f ../../../../../../out/d",
      "FROM linked",
      `COPY --from=source /out/a /up/b ${bait}/dir/f /got/`,
      `COPY --from=source ${bait} /got2/`,
      `RUN cd /got && ls; ls /got2`,
    ],
  },
  ({ code, printed, stderr }) => {
    if (code !== 0) return assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
    assert.not.ok(printed.includes("file"), stderr);
  },
);

attacks.add(
  "COPY --from through a link to the root of everything sees the stage's own (CVE-2024-1753)",
  {
    images,
    dockerfile: [
      "FROM linked AS source",
      "FROM busybox",
      "COPY --from=source /top/etc/hostname* /top/etc/passwd /got/",
      `RUN --mount=type=bind,from=source,source=/top,target=/h,rw ls /h; ls -d /h${bait}; true`,
      `RUN --mount=type=bind,from=source,source=/out,target=/h,rw ls /h`,
    ],
  },
  ({ printed, stderr }) => {
    assert.ok(printed.includes("procroot"), stderr);
    assert.not.ok(printed.includes(`/h${bait}`), stderr);
    assert.match(stderr, /\[MOUNT_SOURCE_NOT_FOUND\]/);
  },
);

for (const [what, target] of [
  ["absolute", bait],
  ["relative", `../../../../../../../..${bait}`],
  ["to /proc", "/proc/self/root"],
] as const) {
  attacks.add(
    `a link of the context (${what}) does not lead COPY out of it`,
    {
      files: { "a/x": "x" },
      prepare: (context) => {
        symlinkSync(join(target, "file"), join(context, "file"));
        symlinkSync(target, join(context, "dir"));
      },
      dockerfile: ["FROM busybox", "COPY dir/file dir/empty file /got/", "RUN cat /got/*"],
    },
    ({ code, stderr }) => {
      assert.is(code, 1);
      assert.match(stderr, /\[COPY_SOURCE_NOT_FOUND\]/);
    },
  );
}

attacks.add(
  "COPY of paths above the context is COPY of the context",
  {
    dockerfile: ["FROM busybox", `COPY ../../../../../../..${bait}/file /got`],
  },
  ({ code, stderr }) => {
    assert.is(code, 1);
    assert.match(stderr, /\[COPY_SOURCE_NOT_FOUND\]/);
  },
);

const ADDED = tar(member({ name: `..${"/..".repeat(12)}${bait}/escaped`, data: "x" }));
const ADDED_LINKS = tar(
  member({ name: "l", type: "2", link: bait }),
  member({ name: "l/through", data: "x" }),
  member({ name: `${bait}/absolute`, data: "x" }),
  member({ name: "hard", type: "1", link: `${bait}/file` }),
);
const ADDED_HARD = tar(
  member({ name: "l", type: "2", link: bait }),
  member({ name: "hard", type: "1", link: "l/file" }),
);

for (const [what, archive] of [
  ["names with ..", ADDED],
  ["links and absolute names", ADDED_LINKS],
  ["hard links through links", ADDED_HARD],
] as const) {
  attacks.add(
    `ADD of an archive with ${what} writes into the root alone`,
    {
      images,
      prepare: (context) => writeFileSync(join(context, "evil.tar"), archive),
      dockerfile: ["FROM linked", "ADD evil.tar /", "ADD evil.tar /out/", "RUN cat /hard /out/file; ls -R /out/; true"],
    },
    ({ code, stderr }) => {
      if (code !== 0) assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
    },
  );
}

attacks.each("files swapped for links while they are copied lead nowhere", async ({ build }) => {
  const outcome = await build({
    files: Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`d/f${index}`, "x"])),
    prepare: (context) => swapUntilDone(context),
    dockerfile: ["FROM busybox", "COPY d /got/", "ADD d /got2/", `RUN cat /got/*/file /got/file 2> /dev/null; true`],
  });
  if (outcome.code !== 0) assert.match(outcome.stderr, /^error: .*\[[A-Z_]+\]$/m);
});

/** Another process swaps the directory for a link to the bait and back, for as long as a build takes, at most. */
function swapUntilDone(context: string): void {
  const script = `for i in $(seq 3000); do mv d e; ln -s ${bait} d; rm d; mv e d; done`;
  spawn("sh", ["-c", script], { cwd: context, stdio: "ignore" }).unref();
}

for (const [what, archive] of [
  ["whose Dockerfile is a link out", tar(member({ name: "Dockerfile", type: "2", link: `${bait}/file` }))],
  [
    "with a file through a link (CVE-2026-44517)",
    tar(
      member({ name: "d", type: "2", link: bait }),
      member({ name: "d/through", data: "x" }),
      member({ name: "Dockerfile", data: "FROM busybox\nCOPY d /d\nRUN cat /d/file\n" }),
    ),
  ],
  [
    "with names that climb",
    tar(
      member({ name: `../../../../../../..${bait}/climbed`, data: "x" }),
      member({ name: "Dockerfile", data: "FROM busybox\n" }),
    ),
  ],
] as const) {
  attacks.add(
    `a context on standard input ${what} is refused or stays inside`,
    { dockerfile: [], positional: "-", input: archive },
    ({ code, stderr }) => {
      assert.is(code, 1, stderr);
      assert.match(stderr, /^error: /m);
    },
  );
}

attacks.run();
