// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles

/** Dockerfiles that use every instruction and every flag: what mutations start from. */
export const CORPUS: readonly string[] = [
  `# syntax=docker/dockerfile:1
# escape=\\
# check=skip=JSONArgsRecommended;error=false
ARG VERSION=3.19 REGISTRY
ARG FULL=\${REGISTRY:-docker.io}/library/alpine:\${VERSION}
FROM --platform=$BUILDPLATFORM \${FULL} AS build
ARG TARGETPLATFORM
ARG TARGETARCH VERSION
ENV PATH=/opt/bin:$PATH \\
    LANG="C.UTF-8" EMPTY= QUOTED='a $b c'
# a comment in between
WORKDIR /src/$TARGETARCH
COPY --chown=1000:1000 --chmod=0644 go.mod go.sum ./
RUN --mount=type=cache,target=/root/.cache,id=go,sharing=locked,mode=0755,uid=0,gid=0 \\
    --mount=type=bind,source=.,target=/ctx,rw \\
    go build ./... && \\

    echo done
FROM scratch
COPY --from=build --link /src/app /app
ENTRYPOINT ["/app"]
CMD ["--help"]
`,
  `FROM alpine AS base
SHELL ["/bin/ash", "-eo", "pipefail", "-c"]
RUN <<EOF
#!/bin/sh
echo "$HOME"
EOF
RUN <<-"ONE" cat > /a && cat <<TWO > /b
	tabs go
	ONE
two
TWO
COPY <<one.txt <<'two.txt' /etc/files/
hello $USER
one.txt
$not expanded
two.txt
ADD --chown=app:app <<EOF /etc/motd
\${GREETING:-hello} "$quoted"
EOF
RUN 3<<EOF cat
fd
EOF
`,
  `FROM debian:bookworm
ONBUILD ARG WHO=world
ONBUILD RUN --network=none echo $WHO
ONBUILD COPY --from=debian:bookworm /etc/os-release /
ONBUILD RUN <<EOF
trigger
EOF
HEALTHCHECK --interval=1m30s --timeout=5s --start-period=1.5h --start-interval=250ms --retries=3 CMD ["curl", "-f", "http://localhost/"]
HEALTHCHECK CMD curl -f http://localhost/ || exit 1
HEALTHCHECK NONE
EXPOSE 80 443/tcp 8000-8010/udp 127.0.0.1:53:53/UDP $PORT
VOLUME ["/data", "/var/lib"]
VOLUME /a /b
STOPSIGNAL SIGRTMIN+3
USER app:staff
LABEL org.example.title="A title" "multi word key"="multi \\
line" version=1.0
LABEL legacy the rest of the line
MAINTAINER Someone <someone@example.org>
`,
  `FROM onbuild AS child
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/file.tar.gz /opt/
ADD --keep-git-dir=true --link https://github.com/moby/buildkit.git#v0.10:docs /docs
ADD --unpack=true --exclude=*.md --chmod=u=rwX,go=rX archive.tar /srv/
COPY --parents --exclude=**/*.log --exclude=!keep.log ./a/./b/*.txt /d/
COPY ["with space", "/dest dir/"]
RUN --security=sandbox --network=host id
RUN --mount=type=secret,id=token,env=TOKEN,required=true --mount=type=ssh,id=default,mode=0600 \\
    --mount=type=tmpfs,target=/tmp,size=64m --mount=from=child2,target=/x true
`,
  `# escape=\`
FROM mcr.example.org/windows AS win
WORKDIR C:\\app
COPY a.txt \`
     b.txt C:\\app\\
RUN dir C:\\ && echo \`$HOME
ENV A=\`"quoted\`" B="c \`
 d"
`,
  `from alpine as A
arg y=1
arg x="\${y:?must be set}" z=\${x#*/} w=\${x%%.*} v=\${x/a/b} u=\${x//\\*/-} t=\${x:+\${x:-\${x}}}
env a=$x b=\${a} c="\${b:-"nested"}"
user \${u:-root}
workdir relative
cmd echo $x
entrypoint exec top -b
run ["a", "b\\u0041", "\\"q\\""]
copy / /
expose \${p:-80}/tcp
volume $x
stopsignal 9
label "$x"='$y' \${x}=z
onbuild workdir /w
from a
copy --from=0 / /
run --device=vendor.com/class=name,required id
`,
  `ARG A
ARG B=$A C="\${B}-c"
FROM \${A:-alpine} AS one
FROM one AS two
COPY --from=one /x /y
FROM --platform=linux/arm64/v8 alpine@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d AS three
COPY --from=two /x /y
COPY --from=1 /x /y
RUN --mount=type=bind,from=one,source=/x,target=/m cat /m
FROM three
FROM missing/image
`,
  "\ufeffFROM\talpine\r\nRUN echo \\\r\n  # comment\r\n\r\n  crlf\r\nENV k v with blanks  \r\nCMD\r\n",
  `FROM alpine
ARG HTTP_PROXY
ARG BUILDKIT_SANDBOX_HOSTNAME=host SOURCE_DATE_EPOCH=0
ARG TOKEN_SECRET="x" # not a comment
RUN --mount=type=cache,target="/with,comma",readonly true
RUN --mount type=bind
RUN --network=none
COPY --chown=$TOKEN_SECRET --chmod=$NOPE . .
ADD git@github.com:moby/buildkit.git?ref=v1&subdir=docs /x
COPY --exclude=a --link=false -- a b
`,
];
