import * as assert from "uvu/assert";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("mounts and caches");
const { bait } = attacks.host;

const linked = await hostileImage({
  layers: [
    tar(
      member({ name: "out", type: "2", link: bait }),
      member({ name: "up", type: "2", link: `../../../../../../../..${bait}` }),
      member({ name: "top", type: "2", link: "/" }),
      member({ name: "a", type: "5", mode: 0o755 }),
      member({ name: "a/empty", type: "5", mode: 0o755 }),
    ),
  ],
});
const images = { linked };

/** One swaps a subdirectory of a cache for a link while the other mounts it. */
const ROUNDS = 3;

attacks.each(
  "a cache's subdirectory swapped for a link leads nowhere (CVE-2024-23651, CVE-2024-11218)",
  async ({ build }) => {
    const swap =
      "RUN --mount=type=cache,id=swap,target=/c,sharing=shared mkdir -p /c/sub /c/other; for i in $(seq 400); do " +
      `mv /c/sub /c/other/sub 2> /dev/null; ln -s ${bait} /c/sub 2> /dev/null; rm -f /c/sub; ln -s / /c/sub; rm -f /c/sub; mv /c/other/sub /c/sub 2> /dev/null; done; true`;
    const mount =
      "RUN --mount=type=cache,id=swap,source=sub,target=/s,sharing=shared cat /s/file /s/etc/hostname; touch /s/made; rm -rf /s/empty; true";
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = await build({
        flags: ["--no-cache"],
        dockerfile: [
          "FROM busybox AS swap",
          swap,
          "RUN touch /a",
          ...["m0", "m1", "m2"].flatMap((name) => [
            `FROM busybox AS ${name}`,
            `ENV N=${name}`,
            mount,
            `RUN touch /${name}`,
          ]),
          "FROM scratch",
          ...["swap /a", "m0 /m0", "m1 /m1", "m2 /m2"].map((pair) => {
            const [stage, path] = pair.split(" ");
            return `COPY --from=${stage} ${path} /`;
          }),
        ],
      });
      if (outcome.code !== 0) assert.match(outcome.stderr, /^error: .*\[[A-Z_]+\]$/m);
    }
  },
);

attacks.add(
  "a mount point moved away and a link in its place take nothing with them (CVE-2024-23652)",
  {
    images,
    dockerfile: [
      "FROM linked",
      `RUN --mount=type=tmpfs,target=/a/new/deep mv /a/new /a/old 2> /dev/null; mv /a /b; ln -s ${bait} /a; ls -d ${bait} 2> /dev/null; true`,
      `RUN --mount=type=tmpfs,target=/x/empty mv /x /y; ln -s ${bait} /x; true`,
      `RUN --mount=type=bind,source=Dockerfile,target=/z/file mv /z /w; ln -s ${bait} /z; true`,
    ],
  },
  ({ code, stderr }) => {
    if (code !== 0) assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
  },
);

attacks.add(
  "targets through links are made inside the root (CVE-2024-45310, CVE-2025-52881)",
  {
    images,
    flags: ["--secret", "id=s,src=/etc/hostname"],
    dockerfile: [
      "FROM linked",
      "RUN --mount=type=tmpfs,target=/out/one --mount=type=cache,target=/up/two --mount=type=secret,id=s,target=/out/three --mount=type=bind,target=/top/four ls /out /four",
      "RUN --mount=type=tmpfs,target=/../../../../five --mount=type=cache,target=../../six true",
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    for (const name of ["one", "two", "three", "Dockerfile"]) assert.ok(printed.includes(name), stderr);
  },
);

attacks.add(
  "ids and sources of caches that climb are names like others (CVE-2024-9675)",
  {
    dockerfile: [
      "FROM busybox",
      ...["../../../../etc", bait, "%2e%2e/%2e%2e", "..", ".", "a\\\\0b", "x/../../y"].map(
        (id) => `RUN --mount=type=cache,id=${id},target=/c ls -A /c; touch /c/mine`,
      ),
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    assert.equal(printed, []);
  },
);

for (const source of ["../../../../../..", `../../../../../..${bait}`, bait, "/.."]) {
  attacks.add(
    `a cache's or an input's source cannot climb: ${source}`,
    {
      dockerfile: [
        "FROM busybox AS stage",
        "FROM busybox",
        `RUN --mount=type=cache,id=c,source=${source},target=/c ls -A /c`,
        `RUN --mount=type=bind,source=${source},target=/c ls -A /c`,
        `RUN --mount=type=bind,from=stage,source=${source},target=/c ls -A /c`,
      ],
    },
    ({ code, stderr, printed }) => {
      if (code !== 0) assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m);
      for (const line of printed) assert.ok(!["file", "empty"].includes(line), stderr);
    },
  );
}

/** CVE-2024-9407: what is no option must not become one. */
const JUNK: readonly string[] = [
  "type=bind,bind-propagation=rshared,source=/,target=/h",
  "type=bind,src=/,dst=/h,relabel=shared",
  "type=bind,source=/,target=/h,rw=maybe",
  "type=tmpfs,target=/h,size=1,nr_inodes=1",
  "type=tmpfs,target=/h,tmpfs-mode=1777",
  "type=devpts,target=/h",
  "type=cache,target=/h,mode=0777,o=upperdir=/",
  'type=bind,"source=/,target=/h",x',
];

attacks.each("options of mounts that do not exist are refused (CVE-2024-9407)", async ({ build }) => {
  for (const options of JUNK) {
    const { code, stderr } = await build({ dockerfile: ["FROM busybox", `RUN --mount=${options} ls /h`] });
    assert.is(code, 1, options);
    assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m, options);
  }
});

attacks.add(
  "what a bind mount shows cannot be changed by the step, and what it writes to is thrown away",
  {
    files: { kept: "kept\n" },
    dockerfile: [
      "FROM busybox AS stage",
      "RUN echo stage > /s",
      "FROM busybox",
      "RUN --mount=target=/ro (echo x > /ro/kept) 2> /dev/null || echo refused; (mount -o remount,rw /ro) 2> /dev/null || echo refused",
      "RUN --mount=target=/rw,rw --mount=from=stage,target=/st,rw echo x > /rw/kept; echo x > /st/s; ln -s / /rw/l; mknod /rw/n c 1 3 2> /dev/null; true",
      "RUN --mount=target=/ro --mount=from=stage,target=/st cat /ro/kept /st/s",
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    assert.equal(printed, ["refused", "refused", "kept", "stage"]);
  },
);

attacks.run();
