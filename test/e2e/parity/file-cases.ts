import { GIT, type ParityCase, BUILDKIT as peer, TREE } from "./case.ts";

/** Archives in each compression, and what only looks like one. */
const ARCHIVES = `mkdir -p t/d/empty; echo a > t/d/a; ln t/d/a t/d/hard; ln -s a t/d/link; echo x > t/x; chmod 4711 t/x; chmod 1770 t/d
  mkfifo t/fifo; chown -hR 33:50 t/d; mknod t/null c 1 3
  tar c -C t . > plain.tar; gzip -nc plain.tar > zipped; bzip2 -c plain.tar > b.tar.bz2; xz -c plain.tar > x.txz
  printf 'not a tar' > fake.tar; echo text | gzip -n > text.gz; rm -r t`;

/** ADD, and what COPY does with files of every kind. */
export const FILE_CASES: readonly ParityCase[] = [
  {
    name: "ADD: archives are unpacked, by content",
    context: ARCHIVES,
    dockerfile: [
      "FROM busybox",
      "ADD plain.tar /plain",
      "ADD zipped /gz/",
      "ADD b.tar.bz2 /bz",
      "ADD x.txz /xz/deep",
      "ADD fake.tar text.gz /files/",
      "COPY plain.tar /copied.tar",
    ],
    peer,
  },
  {
    name: "ADD: --chown and --chmod of archives and files",
    context: `${ARCHIVES}; echo f > file`,
    dockerfile: [
      "FROM busybox",
      "ADD --chown=www-data:staff fake.tar /a",
      "ADD --chown=5 file /b/c/file",
      "ADD --chmod=600 file /d",
      "ADD --chown=1:2 --chmod=0755 file /e/",
    ],
    peer,
  },
  {
    name: "ADD: an archive over what is there",
    context: ARCHIVES,
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p -m 700 /w/d && echo old > /w/x && ln -s /etc /w/d/link && echo keep > /w/d/keep",
      "ADD plain.tar /w",
      "WORKDIR /w2",
      "ADD zipped .",
      "ADD *.bz2 fake.tar ./more/",
    ],
    peer,
  },
  {
    name: "ADD: files and directories as COPY has them",
    context: TREE,
    dockerfile: [
      "FROM busybox",
      "ADD dir /d",
      "ADD file file2 /e/",
      'ADD ["file", "/with blank/"]',
      "ADD d*/s* /y/",
      "ADD . /all",
    ],
    peer,
  },
  {
    name: "ADD: a URL",
    context: "mkdir ../sub; echo one > ../one.txt; echo two > ../sub/two.txt; tar cf ../archive.tar .",
    dockerfile: [
      "FROM busybox",
      "ADD @WEB@/one.txt /a",
      "ADD @WEB@/one.txt @WEB@/sub/two.txt /dir/",
      "ADD --chown=www-data @WEB@/sub/two.txt /x/y",
      "ADD @WEB@/archive.tar /tar/",
      "ARG path=sub",
      "ADD @WEB@/$path/two.txt?q=1 /q/",
    ],
    peer,
  },
  {
    name: "COPY: the forms of sources and destination",
    context: `${TREE}; mkdir 'b c'; echo z > 'b c/d e'; echo q > '$x'; echo s > 'st*r'`,
    dockerfile: [
      "FROM busybox",
      'COPY ["b c/d e", "file", "/new dir/"]',
      "COPY \\$x /dollar/",
      "COPY st\\*r /star",
      "COPY ./file ./././dir/../file2 /dots/",
      "COPY dir/[a-b] dir/?ink /class/",
      "COPY / /root-of-context/",
      "COPY --chmod=0 file /zero",
    ],
    peer,
  },
  {
    name: "COPY: user attributes of the context",
    context: "echo a > a; setfattr -n user.note -v text a; mkdir d; setfattr -n user.d -v x d",
    dockerfile: ["FROM busybox", "COPY . /c", "COPY a /a", "COPY --chown=5:5 a /owned", "COPY d /d/"],
    peer,
  },
  {
    name: "COPY: .dockerignore with exceptions",
    context: `${TREE}; mkdir -p src/lib node_modules/x; touch src/a.js src/a.test.js src/lib/b.js node_modules/x/y README.md CHANGELOG.md .env .env.example
      printf '# keep these out\\n\\n*.md\\n!README.md\\nnode_modules/\\n**/*.test.js\\n.env*\\n!.env.example\\ndir/*\\n!dir/sub\\nDockerfile\\n.dockerignore\\n' > .dockerignore`,
    dockerfile: ["FROM busybox", "COPY . /app", "COPY src/*.js /js/", "COPY dir /dir"],
    peer,
  },
  {
    name: "COPY: Dockerfile.dockerignore of another Dockerfile",
    context:
      "touch a b c; mkdir docker; echo a > .dockerignore; echo b > docker/app.Dockerfile.dockerignore; mv Dockerfile docker/app.Dockerfile",
    flags: ["-f", "context/docker/app.Dockerfile"],
    dockerfile: ["FROM busybox", "COPY . /c"],
    peer,
  },
  {
    name: "context: a tarball on standard input",
    context: `${TREE}; chown -R 33:33 dir; echo file2 > .dockerignore`,
    from: "-",
    stdin: "tar c -C context .",
    dockerfile: ["FROM busybox", "COPY . /all", "COPY dir/a /a"],
    peer,
  },
  {
    name: "context: a compressed tarball on standard input",
    context: TREE,
    from: "-",
    stdin: "tar cz -C context .",
    flags: ["--target", "b"],
    dockerfile: ["FROM busybox AS b", "COPY dir /all"],
    peer,
  },
  {
    name: "context: only a Dockerfile, on standard input",
    from: "-",
    stdin: "cat context/Dockerfile",
    dockerfile: ["FROM busybox", "RUN echo x > /x"],
    peer,
  },
  {
    name: "context: a Dockerfile on standard input beside a directory",
    context: `${TREE}; mv Dockerfile ../elsewhere`,
    flags: ["-f", "-"],
    stdin: "cat elsewhere",
    dockerfile: ["FROM busybox", "COPY file /x"],
    peer,
  },
  {
    name: "context: a tarball at a URL",
    context: `${TREE}; tar czf ../context.tar.gz .`,
    from: "@WEB@/context.tar.gz",
    dockerfile: ["FROM busybox", "COPY . /all", "RUN cat /all/file > /seen"],
    peer,
  },
  {
    name: "context: a git repository, a branch of it",
    context: GIT,
    from: "@WEB@/app.git#side",
    dockerfile: ["FROM busybox", "COPY . /all"],
    peer,
  },
];
