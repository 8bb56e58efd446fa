// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import { type DifferentialCase, TREE } from "./case.ts";

/** A stage whose /out has owners, modes and links. */
const OWNED = [
  "FROM busybox AS made",
  "RUN mkdir -p /out/d/e && echo a > /out/d/a && echo b > /out/d/e/b && ln -s a /out/d/l && ln /out/d/a /out/d/hard \\",
  "  && chown -h 33:50 /out/d /out/d/a /out/d/l && chown 7:8 /out/d/e/b /out && chmod 4755 /out/d/a \\",
  "  && chmod 2775 /out/d && chmod 1777 /out/d/e",
];

/** Which files COPY and .dockerignore bring, where, and whose they are. */
export const COPY_CASES: readonly DifferentialCase[] = [
  { name: "file to new file", context: TREE, dockerfile: ["FROM busybox", "COPY file /x/y/z"] },
  { name: "file to dir with slash", context: TREE, dockerfile: ["FROM busybox", "COPY file /x/y/"] },
  { name: "file to existing dir", context: TREE, dockerfile: ["FROM busybox", "COPY file /tmp", "COPY file /root"] },
  { name: "file over file", context: TREE, dockerfile: ["FROM busybox", "COPY file /etc/passwd"] },
  {
    name: "dir contents",
    context: TREE,
    dockerfile: ["FROM busybox", "COPY dir /d", "COPY dir/ /tmp", "COPY dir/sub /d"],
  },
  { name: "everything", context: TREE, dockerfile: ["FROM busybox", "COPY . ."] },
  {
    name: "everything below WORKDIR",
    context: TREE,
    dockerfile: ["FROM busybox", "WORKDIR /w/x", "COPY . .", "COPY dir .", "COPY file .."],
  },
  { name: "several sources", context: TREE, dockerfile: ["FROM busybox", "COPY file dir file2 /x/"] },
  {
    name: "wildcards",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "COPY fil* /x/",
      "COPY d*/s* /y/",
      "COPY dir/[ab] /z",
      "COPY dir/[^d]* /all/",
      "COPY nothing* /none/",
    ],
  },
  { name: "wildcard to one file", context: TREE, dockerfile: ["FROM busybox", "COPY file? /x/new"] },
  {
    name: "wildcard without match beside a file",
    context: TREE,
    dockerfile: ["FROM busybox", "COPY file nothing* /x/"],
  },
  {
    name: "symlinks as sources",
    context: TREE,
    dockerfile: ["FROM busybox", "COPY dir/link /x/", "COPY dir/sublink /y", "COPY dir/link /plain"],
  },
  { name: "source below a symlink", context: TREE, dockerfile: ["FROM busybox", "COPY dir/sublink/b /x/"] },
  {
    name: "symlink as destination",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "RUN mkdir /real && ln -s real /alias && ln -s /real/sub /dangling && ln -s ../../../../etc/new /out",
      "COPY file /alias/",
      "COPY dir /alias",
      "COPY file /alias/deep/er/",
    ],
  },
  {
    name: "dangling symlink as destination",
    context: TREE,
    dockerfile: ["FROM busybox", "RUN ln -s /real/sub /dangling", "COPY file /dangling/x"],
  },
  {
    name: "file over a symlink to a file",
    context: TREE,
    dockerfile: ["FROM busybox", "RUN echo old > /old && ln -s old /alias", "COPY file /alias"],
  },
  {
    name: "dir entry over a symlink",
    context: `${TREE}; mkdir -p over/alias; echo n > over/alias/n; echo m > over/file`,
    dockerfile: ["FROM busybox", "RUN mkdir /real /o && ln -s ../real /o/file", "COPY over /o"],
  },
  {
    name: "merge keeps the mode of the destination",
    context: TREE,
    dockerfile: ["FROM busybox", "RUN mkdir -p -m 700 /d /d/sub && chown 33:33 /d /d/sub", "COPY dir /d"],
  },
  {
    name: "hard links",
    context: "mkdir d; echo a > d/a; ln d/a d/b; ln d/a c",
    dockerfile: ["FROM busybox", "COPY . /x", "COPY d/a c /y/"],
  },
  {
    name: "special modes",
    context: "mkdir d; echo a > d/a; chmod 6755 d/a; chmod 3777 d; echo b > b; chmod 000 b",
    dockerfile: ["FROM busybox", "COPY . /x", "COPY d /y", "COPY b /b"],
  },
  {
    name: "owners of the context",
    context: "mkdir d; echo a > d/a; ln -s a d/l; chown -hR 33:44 d",
    dockerfile: ["FROM busybox", "COPY d /d", "COPY d/a /a"],
  },
  {
    name: "--chown",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "COPY --chown=www-data dir /a",
      "COPY --chown=www-data:staff dir /b/c",
      "COPY --chown=55 dir /d",
      "COPY --chown=33:0 file /e/f/g",
      "COPY --chown=daemon:5 dir /tmp",
      "COPY --chown=nobody file /etc/group",
    ],
  },
  {
    name: "--chown of what RUN added",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "RUN echo 'app:x:1000:1001::/:/bin/sh' >> /etc/passwd",
      "ARG who=app",
      "COPY --chown=$who dir /a",
    ],
  },
  { name: "USER does not own copies", context: TREE, dockerfile: ["FROM busybox", "USER www-data", "COPY dir /a/b"] },
  {
    name: "--chmod",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "RUN mkdir /d /x",
      "COPY --chmod=711 file /a",
      "COPY --chmod=750 dir /d",
      "COPY --chmod=600 --chown=1:2 file /x/",
    ],
  },
  {
    name: ".dockerignore",
    context: `${TREE}; mkdir -p n/m/o; touch n/1 n/m/2 n/m/o/3 n/m/o/4.md; printf '*.tmp\\nn\\n!n/m/o\\nn/m/o/*.md\\n# c\\n/file2\\n**/.hidden\\nDockerfile\\n' > .dockerignore; touch x.tmp dir/y.tmp`,
    dockerfile: ["FROM busybox", "COPY . /c", "COPY dir /d", "COPY n* /n/"],
  },
  {
    name: "quoted paths and spaces",
    context: "mkdir 'a b'; echo x > 'a b/c d'; echo y > '[z]'",
    dockerfile: ["FROM busybox", 'COPY ["a b/c d", "/x y/"]', "COPY [[]z] /z"],
  },
  {
    name: "variables in paths",
    context: TREE,
    dockerfile: ["FROM busybox", "ENV D=dir", "ARG T=/t", "COPY ${D}/a $T/", "COPY ${X:-file} ${T}/${D:+yes}/"],
  },
  {
    name: "outside of the context stays inside",
    context: TREE,
    dockerfile: ["FROM busybox", "COPY ../file /x", "COPY /dir/../file2 /y"],
  },
  {
    name: "--from stage keeps owners",
    dockerfile: [
      ...OWNED,
      "FROM busybox",
      "COPY --from=made /out /copy/of",
      "COPY --from=made /out/d/a /one/file",
      "COPY --from=0 /out/d /tmp",
    ],
  },
  {
    name: "--from stage with --chown",
    dockerfile: [
      ...OWNED,
      "FROM busybox",
      "COPY --from=made --chown=1:2 /out /copy/of",
      "COPY --chown=www-data --from=made /out/d/a /one/file",
    ],
  },
  {
    name: "--from image",
    dockerfile: [
      "FROM scratch",
      "COPY --from=busybox /etc/passwd /bin/busybox /x/",
      "COPY --from=busybox /tmp /t",
      "COPY --from=busybox /root/ /r",
    ],
  },
  {
    name: "--from follows symlinks",
    dockerfile: [
      "FROM busybox AS a",
      "RUN mkdir /r && echo x > /r/x && ln -s r /l && ln -s /r/x /rx",
      "FROM busybox",
      "COPY --from=a /l /l",
      "COPY --from=a /rx /",
      "COPY --from=a /l/x /y",
      "COPY --from=a /r* /all/",
    ],
  },
  {
    name: "--from a stage with whiteouts",
    dockerfile: [
      "FROM busybox AS a",
      "RUN mkdir -p /d/e && touch /d/1 /d/2 /d/e/3",
      "RUN rm /d/1 && rm -r /d/e && mkdir /d/e && touch /d/e/4",
      "FROM scratch",
      "COPY --from=a /d /d",
    ],
  },
  {
    name: "--from scratch stage",
    context: TREE,
    dockerfile: ["FROM scratch AS s", "COPY file /a/f", "FROM busybox", "COPY --from=s / /", "COPY --from=s /a /b"],
  },
  { name: "copy of the same file again", context: TREE, dockerfile: ["FROM busybox", "COPY file /x", "COPY file /x"] },
  { name: "FROM scratch", context: TREE, dockerfile: ["FROM scratch", "COPY dir /", "ENV A=b", 'CMD ["/a"]'] },
  {
    name: "wildcard of dirs and files",
    context: `${TREE}; mkdir dir2; echo q > dir2/q`,
    dockerfile: ["FROM busybox", "COPY dir* fi* /w"],
  },
  {
    name: "slash behind a directory source",
    context: TREE,
    dockerfile: ["FROM busybox", "COPY dir/sub/ dir/empty/ /s/", "COPY dir/. /t"],
  },
  {
    name: "--from with a trailing slash and a dot",
    dockerfile: [...OWNED, "FROM busybox", "COPY --from=made /out/. /a", "COPY --from=made /out/d/ /b/c/"],
  },
  {
    name: "--from over what is there",
    dockerfile: [
      ...OWNED,
      "FROM busybox",
      "RUN mkdir -p -m 700 /x/d/e && echo z > /x/d/a && chown 99:99 /x /x/d /x/d/a",
      "COPY --from=made /out /x",
    ],
  },
  {
    name: "--from with a setuid file and a chown",
    dockerfile: [...OWNED, "FROM busybox", "COPY --from=made --chown=5:6 /out/d/a /s", "RUN chown 9:9 /s"],
  },
  {
    name: "symlink to a directory outside of the source",
    context: "mkdir d; ln -s / d/root; ln -s ../../.. d/up; ln -s /etc abs",
    dockerfile: ["FROM busybox", "COPY d /d", "COPY --from=busybox /bin/sh /sh"],
  },
  {
    name: "absolute symlink in the context",
    context: "mkdir d; echo x > d/x; ln -s /d abs; ln -s /d/x file",
    dockerfile: ["FROM busybox", "COPY abs /a", "COPY file /f", "COPY abs/x /x"],
  },
  {
    name: "destination . and ..",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "WORKDIR /a/b",
      "COPY file ./",
      "COPY file2 ../",
      "COPY dir ./../c",
      "COPY file new",
      "COPY file ./sub/",
    ],
  },
  {
    name: ".dockerignore of everything but",
    context:
      "mkdir -p src/a src/b; touch src/a/x src/b/y top; ln -s src/a l; printf '*\\n!src/a\\n!l\\n' > .dockerignore",
    dockerfile: ["FROM busybox", "COPY . /c", "COPY src /s"],
  },
  {
    name: ".dockerignore patterns",
    context:
      "mkdir -p a/b/c d.x/e; touch a/b/c/f.go a/b/f.go f.go a/x.tmp d.x/e/f 'sp ace' ab ac; printf '**/*.go\\n!a/b/f.go\\n?.x\\na[b]\\n /a/x.tmp \\n\\n# x\\nsp ace\\n./ac/\\n' > .dockerignore",
    dockerfile: ["FROM busybox", "COPY . /c"],
  },
  {
    name: "Dockerfile.dockerignore",
    context: "touch a b; echo a > .dockerignore; echo b > Dockerfile.dockerignore",
    dockerfile: ["FROM busybox", "COPY . /c"],
  },
  {
    name: "empty directories and modes of the context",
    context: "mkdir -m 700 e; mkdir -m 1777 t; mkdir -p n/m; chmod 750 n/m",
    dockerfile: ["FROM busybox", "COPY . /c", "COPY e /e2", "COPY n /n"],
  },
  {
    name: "xattrs and capabilities",
    dockerfile: [
      "FROM busybox AS a",
      "RUN cp /bin/busybox /p && chmod 755 /p",
      "FROM busybox",
      "COPY --from=a /p /bin/p",
    ],
  },
  {
    name: "--chown of a group alone, of root, and with an empty part",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "COPY --chown=:staff file /a",
      "COPY --chown=www-data: file /b",
      "COPY --chown=root:root file /c",
      "COPY --chown=:7 file /d",
    ],
  },
  {
    name: "--chown=root without a passwd",
    context: TREE,
    dockerfile: ["FROM scratch", "COPY --chown=root:root dir /d/"],
  },
  { name: "a directory, then a file", context: TREE, dockerfile: ["FROM busybox", "COPY dir file /y"] },
  {
    name: "special modes with --chown",
    context: "echo x > s; chmod 6755 s; mkdir -m 3777 t; touch t/f",
    dockerfile: ["FROM busybox", "COPY --chown=5:6 s /s", "COPY --chown=5:6 t /t/"],
  },
  {
    name: "hard links among the matches of a pattern",
    context: "mkdir d; echo x > d/a; ln d/a d/b",
    dockerfile: ["FROM busybox", "COPY d/* /e/", "COPY d/a d/b /f/"],
  },
  {
    name: "WORKDIR of a USER with a group, of an id, and behind symlinks",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir /real && ln -s ../../../real /alias && ln -s /gone/deep /dangling",
      "WORKDIR /alias/x",
      "WORKDIR /dangling/y",
      "USER www-data:staff",
      "WORKDIR /w/x",
      "WORKDIR y/../z",
      "USER 55",
      "WORKDIR /q",
    ],
  },
];
