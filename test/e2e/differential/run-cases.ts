// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import { type DifferentialCase, TREE } from "./case.ts";

/** What the other instructions do to the config, the history and the files. */
export const RUN_CASES: readonly DifferentialCase[] = [
  {
    name: "WORKDIR",
    dockerfile: [
      "FROM busybox",
      "WORKDIR /a/b",
      "WORKDIR c",
      "RUN pwd > p",
      "WORKDIR ../x",
      "WORKDIR /",
      "WORKDIR tmp",
      "WORKDIR /a/b/c",
    ],
  },
  {
    name: "WORKDIR as USER",
    dockerfile: [
      "FROM busybox",
      "USER www-data",
      "WORKDIR /home/x/y",
      "USER 7:8",
      "WORKDIR z",
      "USER www-data:daemon",
      "WORKDIR zz",
    ],
  },
  {
    name: "WORKDIR as a user of the next RUN",
    dockerfile: ["FROM busybox", "USER 12345", "WORKDIR /w", "WORKDIR /tmp/q"],
  },
  {
    name: "WORKDIR expansion",
    dockerfile: ["FROM busybox", "ENV D=/e/f", "WORKDIR $D/g", "WORKDIR ${NONE}/h", "ARG R=rel", "WORKDIR ${R}"],
  },
  {
    name: "WORKDIR through a symlink",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir /real && ln -s real /alias",
      "WORKDIR /alias/in",
      "RUN pwd > /p && touch here",
    ],
  },
  {
    name: "USER",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -m 1777 /o",
      "USER www-data",
      "RUN id > /o/1; echo $HOME >> /o/1",
      "USER 33",
      "RUN id > /o/2; echo $HOME >> /o/2",
      "USER www-data:daemon",
      "RUN id > /o/3",
      "USER 4242",
      "RUN id > /o/4; echo $HOME >> /o/4",
      "USER 4242:4343",
      "RUN id > /o/5",
      "USER 0",
      "RUN id > /o/6; echo $HOME >> /o/6",
      "USER root",
      "RUN id > /o/7",
      "USER :50",
      "USER daemon:50",
      "RUN id > /o/8",
    ],
  },
  {
    name: "ENV and ARG",
    buildArgs: { G: "given", UNUSED_HERE: "" },
    dockerfile: [
      "ARG G=global",
      "ARG H=h-$G",
      "FROM busybox",
      "ARG G",
      "ARG H",
      "ARG L=local",
      "ENV E=env-$G M='single $G' N=\"double $G\" O=un\\ quoted",
      "ENV OLD style value  with   spaces",
      "ARG E=arg",
      "RUN env | grep -v ^H | sort > /env; echo $E $G $H $L >> /env",
      "ENV L=l2 A=1 B=$A",
      "ENV C=${A:-d} D=${Z:-dflt} F=${A:+alt} P=$PATH:/x",
      "RUN env | sort > /env2",
    ],
  },
  {
    name: "ARG scopes",
    dockerfile: [
      "ARG V=1",
      "FROM busybox AS a",
      "ARG V",
      "ARG W=w",
      "RUN echo $V $W > /v",
      "FROM a AS b",
      "RUN echo $V $W > /w",
      "FROM busybox",
      'RUN echo "[$V]" > /x',
      "ARG V",
      "ARG N",
      'RUN echo "[$V] [${N-unset}]" > /y',
      "COPY --from=b /v /w /z/",
    ],
  },
  {
    name: "ARG order in history",
    dockerfile: [
      "FROM busybox",
      "ARG ZED=1",
      "ARG ALPHA=2 BETA",
      "RUN echo $ZED$ALPHA > /x",
      "ENV ALPHA=9",
      "RUN echo $ZED$ALPHA > /x",
    ],
  },
  {
    name: "SHELL and forms",
    dockerfile: [
      "FROM busybox",
      'SHELL ["/bin/sh", "-ec"]',
      "RUN echo a > /a",
      'RUN ["/bin/sh", "-c", "echo $0 > /b"]',
      "CMD echo hi",
      "ENTRYPOINT run this",
      "HEALTHCHECK --interval=5s --timeout=2s --start-period=1m --retries=4 CMD check me",
    ],
  },
  {
    name: "CMD before ENTRYPOINT",
    dockerfile: ["FROM busybox", 'CMD ["a", "b\\"c", "d\\\\e"]', 'ENTRYPOINT ["/x", "<&>"]'],
  },
  { name: "ENTRYPOINT clears an inherited CMD", dockerfile: ["FROM busybox", 'ENTRYPOINT ["/x"]'] },
  {
    name: "ENTRYPOINT of a stage clears CMD of its base",
    dockerfile: ["FROM busybox AS a", "CMD echo a", "FROM a", 'ENTRYPOINT ["/x"]', "FROM a"],
  },
  { name: "ENTRYPOINT empty", dockerfile: ["FROM busybox", "ENTRYPOINT []"] },
  {
    name: "LABEL",
    labels: { flag: "from flag", over: "flag" },
    dockerfile: [
      "FROM busybox",
      "ARG A=x",
      'LABEL a=b "c d"="e f" g=\'h $A\' i="j $A" over=file',
      'LABEL multi="one \\',
      'two" last=1',
      "LABEL legacy some text here",
      'LABEL $A=key esc=a\\"b html=<&>',
    ],
  },
  {
    name: "EXPOSE",
    dockerfile: ["FROM busybox", "ARG P=9000", "EXPOSE 80 443/tcp 53/UDP $P 7000-7003 8000-8001/udp", "EXPOSE 80 22"],
  },
  {
    name: "VOLUME",
    dockerfile: ["FROM busybox", "VOLUME /a /b", 'VOLUME ["/c d", "/e"]', "RUN mkdir -p /a && echo kept > /a/x"],
  },
  {
    name: "STOPSIGNAL, MAINTAINER and HEALTHCHECK NONE",
    dockerfile: [
      "FROM busybox",
      "MAINTAINER Some One <one@example.com>",
      "STOPSIGNAL SIGRTMIN+3",
      "STOPSIGNAL 9",
      "HEALTHCHECK NONE",
    ],
  },
  { name: "HEALTHCHECK exec", dockerfile: ["FROM busybox", 'HEALTHCHECK --retries=2 CMD ["/bin/check", "x"]'] },
  {
    name: "--target",
    target: "Middle",
    dockerfile: [
      "FROM busybox AS first",
      "RUN echo 1 > /1",
      "FROM first AS middle",
      "RUN echo 2 > /2",
      "FROM busybox AS unused",
      "RUN false",
    ],
  },
  {
    name: "stages that are not needed",
    dockerfile: ["FROM busybox AS unused", "RUN false", "FROM busybox", "RUN true"],
  },
  {
    name: "ONBUILD kept",
    dockerfile: ["FROM busybox", "ONBUILD RUN echo hi", "ONBUILD COPY . /x", "ONBUILD ENV a=$b"],
  },
  {
    name: "ONBUILD run",
    context: TREE,
    dockerfile: [
      "FROM busybox AS base",
      "ONBUILD COPY file /x/",
      "ONBUILD RUN echo y > /y",
      "ONBUILD ENV a=b",
      "ONBUILD USER www-data",
      "FROM base",
      "RUN id > /tmp/id",
    ],
  },
  {
    name: "whiteouts",
    dockerfile: [
      "FROM busybox",
      "RUN rm -r /home /var && rm /etc/group /bin/vi",
      "RUN mkdir -p /d/e/f && touch /d/1 /d/e/2",
      "RUN rm /d/1 && rm -r /d/e",
    ],
  },
  {
    name: "opaque dirs",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /d/e && touch /d/1 /d/e/2",
      "RUN rm -r /d && mkdir -p /d/e && touch /d/3",
      "RUN rm -r /d && mkdir /d",
    ],
  },
  {
    name: "dir to file and file to dir",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /d/e && touch /d/1 /f /g",
      "RUN rm -r /d && echo now > /d && rm /f && mkdir /f && touch /f/1 && rm /g && ln -s f /g",
      "RUN rm /g && mkdir /g && rm /d && ln -s g /d",
    ],
  },
  {
    name: "metadata only",
    dockerfile: [
      "FROM busybox",
      "RUN echo x > /x && mkdir /d",
      "RUN chmod 600 /x",
      "RUN chown 33:33 /x /d",
      "RUN chmod 1777 /d",
      "RUN chmod 4755 /x",
    ],
  },
  {
    name: "touch only",
    dockerfile: ["FROM busybox", "RUN echo x > /x", "RUN touch -d '2001-01-01 00:00:00' /x", "RUN true"],
  },
  {
    name: "hard link across layers",
    dockerfile: [
      "FROM busybox",
      "RUN echo x > /x",
      "RUN ln /x /y && ln /bin/busybox /bb",
      "RUN echo y >> /y",
      "RUN mv /x /z",
    ],
  },
  {
    name: "RUN that touches nothing",
    dockerfile: [
      "FROM busybox",
      "RUN true",
      "RUN ls / > /dev/null",
      "RUN echo a > /tmp/a && rm /tmp/a",
      "RUN mkdir /q",
      "RUN true",
    ],
  },
  { name: "only empty steps", dockerfile: ["FROM busybox", "RUN true", "ENV a=b"] },
  {
    name: "mount points left alone",
    dockerfile: [
      "FROM busybox",
      "RUN rm -rf /proc /sys /dev; ls / > /ls; ls -a /etc | grep -e hosts -e resolv; true",
      "RUN test ! -L /etc/resolv.conf && ls /etc > /etc-list",
    ],
  },
  {
    name: "symlink /etc/resolv.conf",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /run/x && ln -s ../run/x/resolv.conf /tmp/l && echo a > /run/x/resolv.conf",
      "COPY --from=busybox /etc/passwd /etc/resolv.conf",
      "RUN echo ok > /ok",
    ],
  },
  {
    name: "specials",
    dockerfile: [
      "FROM busybox",
      "RUN mkfifo /fifo && ln -s /nowhere /l && printf '' > /empty && touch '/sp ace' /ünï && mkdir /.wh-not",
    ],
  },
  {
    name: "umask, cwd and stdin",
    dockerfile: ["FROM busybox", "RUN umask > /u; cat > /stdin; pwd > /pwd; hostname > /h; tty > /tty; true"],
  },
  {
    name: "continuations and comments",
    dockerfile: [
      "# comment",
      "FROM busybox",
      "RUN echo a \\",
      "  # inside",
      "  b \\",
      "",
      "  c > /x",
      "run echo lower > /y",
      "  RUN   echo   indented   > /z",
    ],
  },
  {
    name: "escape directive",
    dockerfile: ["# escape=`", "FROM busybox", "RUN echo a `", "  b > /x", "ENV P=C:\\dir Q=`$P"],
  },
  {
    name: "special names",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /a/b && touch '/a/-dash' $'/a/b/new\\nline' '/a/*' '/a/back\\slash' && ln -s '*' /a/star",
    ],
  },
  {
    name: "deep and long names",
    dockerfile: [
      "FROM busybox",
      "RUN n=$(printf 'x%.0s' $(seq 1 200)); mkdir -p /$n/$n && echo y > /$n/$n/$n && ln -s $n/$n /l && ln /$n/$n/$n /$n/hard",
    ],
  },
  {
    name: "removed and made again",
    dockerfile: [
      "FROM busybox",
      "RUN echo x > /x",
      "RUN rm /x",
      "RUN echo x > /x",
      "RUN rm -r /home && mkdir /home && echo only > /home/only",
    ],
  },
  {
    name: "renamed lower directory",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /d/e && touch /d/1 /d/e/2",
      "RUN mv /d /moved",
      "RUN mv /moved/e /e && mv /moved /d",
    ],
  },
  {
    name: "exec form keeps variables",
    dockerfile: ["FROM busybox", "ENV X=1", 'RUN ["/bin/busybox", "touch", "/$X"]'],
  },
  {
    name: "duplicate and quoted ENV",
    dockerfile: [
      "FROM busybox",
      "ENV A=1 A=2",
      'ENV B="x y" C=\'$A\' D=\\$A E="a\\"b" F=',
      "ENV A=3",
      "RUN env | sort > /e",
    ],
  },
  {
    name: "replaced base directory symlinked",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /usr/lib && touch /usr/lib/a && ln -s usr/lib /lib2",
      "RUN rm -r /lib && mv /usr/lib /lib && ln -s ../lib /usr/lib",
    ],
  },
  {
    name: "a file replaced by its hard link",
    dockerfile: [
      "FROM busybox",
      "RUN echo 1 > /a && echo 2 > /b && ln /a /c",
      "RUN ln -f /b /a",
      "RUN rm /c && ln -s a /c && chmod 600 /b",
    ],
  },
  {
    name: "hard links into a deeper directory",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /z/y && echo 1 > /z/y/x && ln /z/y/x /a && ln /a /m && chmod 4711 /a && chown 3:4 /m",
      "RUN rm /a",
      "RUN chmod 600 /m",
    ],
  },
  {
    name: "opaque directory with a mode",
    dockerfile: [
      "FROM busybox",
      "RUN mkdir -p /d/s && touch /d/s/1 && chmod 700 /d && chown 5:5 /d/s",
      "RUN rm -r /d && mkdir -m 1770 /d && chown 8:9 /d",
      "RUN mkdir -p /d/s && touch /d/s/2",
    ],
  },
  {
    name: "a sparse file and a large one",
    dockerfile: [
      "FROM busybox",
      "RUN dd if=/dev/zero of=/sparse bs=1 count=1 seek=3000000 2>/dev/null; yes | head -c 2000000 > /yes",
    ],
  },
  {
    name: "rename over a lower file",
    dockerfile: [
      "FROM busybox",
      "RUN echo old > /f && echo n > /g && chmod 640 /g",
      "RUN mv /g /f",
      "RUN cp /f /h && mv /h /f && chown 1:1 /f",
    ],
  },
  {
    name: "files of a removed base path",
    dockerfile: ["FROM busybox", "RUN rm -rf /usr /var /home /root /run /lib", "RUN mkdir -p /usr/bin"],
  },
  {
    name: "ENV in a stage used by ARG defaults",
    buildArgs: { B: "cli" },
    dockerfile: [
      "FROM busybox",
      "ENV X=1",
      "ARG A=${X}2",
      "ARG B=${A}3",
      "ENV C=$A-$B",
      "RUN echo $A $B $C > /o",
      "LABEL l=$A.$B m=${NOPE:-none}",
    ],
  },
  {
    name: "FROM with ARG",
    buildArgs: { IMG: "busybox" },
    dockerfile: ["ARG IMG=nothing", "ARG TAG=latest", "FROM ${IMG}:${TAG} AS a", 'RUN echo "$IMG" > /i', "FROM a"],
  },
  {
    name: "predefined platform arguments",
    dockerfile: [
      "FROM busybox",
      "ARG TARGETARCH",
      "ARG TARGETPLATFORM BUILDPLATFORM TARGETOS",
      "RUN echo $TARGETARCH $TARGETPLATFORM $BUILDPLATFORM $TARGETOS > /p",
    ],
  },
  {
    name: "proxy arguments",
    buildArgs: { http_proxy: "http://p:1", NO_PROXY: "x" },
    dockerfile: ["FROM busybox", "RUN echo $http_proxy $NO_PROXY > /p", "ARG NO_PROXY", "RUN echo $NO_PROXY > /q"],
  },
  {
    name: "ENV quoting",
    dockerfile: [
      "FROM busybox",
      "ENV A='a\\$b' B=\"x\\$y\" C=a\\ b D=\"a'b'c\" E='a\"b' F=${A}x$B",
      "ENV G a 'b' \"c\" \\$d",
      "RUN env | sort > /e",
    ],
  },
  {
    name: "variables with modifiers",
    dockerfile: [
      "FROM busybox",
      "ENV E= V=val",
      "ENV A=${E:-x} B=${V:+y} C=${V:-z} D=${U:+w} F=\\${V} G=${V}_$V.$V H=$V$V I='${V}'",
    ],
  },
  {
    name: "SHELL inherited",
    dockerfile: [
      "FROM busybox AS a",
      'SHELL ["/bin/busybox", "sh", "-c"]',
      "FROM a",
      "RUN echo x > /x",
      "CMD a b",
      "ENTRYPOINT echo \"q\" 'z'",
    ],
  },
  {
    name: "CMD shell then exec",
    dockerfile: ["FROM busybox", "CMD one two", "CMD [ \"a\" , 'b' ]", 'CMD ["x", "é\\u00e9\\n\\t"]'],
  },
  {
    name: "EXPOSE again and of the base",
    dockerfile: [
      "FROM busybox AS a",
      "EXPOSE 1 2/sctp",
      "VOLUME /v",
      "LABEL a=1 b=2",
      "USER 3",
      "WORKDIR /ww",
      "STOPSIGNAL SIGQUIT",
      "FROM a",
      "EXPOSE 3",
      "VOLUME /v /u",
      "LABEL b=3",
    ],
  },
  {
    name: "image without a shell",
    dockerfile: [
      "FROM busybox AS b",
      "FROM scratch",
      "WORKDIR /dev",
      "WORKDIR /proc",
      "WORKDIR /sys",
      "WORKDIR /etc",
      "COPY --from=b /bin/busybox /busybox",
      'RUN ["/busybox", "touch", "/made"]',
    ],
  },
];
