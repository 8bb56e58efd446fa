# Sourced by the other scripts: every set-up step, each skipped when what it makes is there and up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# debootstrap, runc and their like are not on an ordinary user's PATH.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# What compiling the addon needs beside cargo, and what the demo's image is made of and run with.
DEMO_PACKAGES=(ca-certificates gcc libc6-dev busybox-static runc umoci)
# The programs that tests check tsbuild against, and what their base images are made with.
TEST_PACKAGES=("${DEMO_PACKAGES[@]}" git docker-registry skopeo podman buildah crun docker.io debootstrap uidmap
  zstd bzip2 xz-utils libarchive-tools python3 attr libcap2-bin apache2-utils nginx-light openssl openssh-client openssh-server bubblewrap)
# What scripts/test-vm boots a machine with.
VM_PACKAGES=(qemu-system-x86 qemu-system-common busybox-static e2fsprogs)

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -n true 2>/dev/null || die "this step needs root" "run it as root, or run 'sudo -v' first"
    sudo -n "$@"
  fi
}

# as_root with the caller's environment, so that it finds the same node and certificates, but not the caller's home: what npm
# keeps there would become root's.
as_root_here() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    as_root true
    sudo -n --preserve-env env "PATH=$PATH" HOME=/root "CALLER_HOME=$HOME" "$@"
  fi
}

require_toolchain() {
  command -v node >/dev/null || die "node is not on the PATH" "install Node 20.19 or later"
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
    die "node $(node --version) is too old" "install Node 20.19 or later"
  [ -x "${HOME:-/root}/.cargo/bin/cargo" ] && PATH="$PATH:${HOME:-/root}/.cargo/bin"
  command -v cargo >/dev/null || die "cargo is not on the PATH" "install Rust 1.91 or later (rustup.rs)"
}

# Succeeds when the files under the given paths are as they were at the last `stamp NAME PATH...`.
is_fresh() { [ "$(cat ".cache/stamps/$1" 2>/dev/null)" = "$(fingerprint "${@:2}")" ]; }

stamp() {
  mkdir -p .cache/stamps
  fingerprint "${@:2}" >".cache/stamps/$1"
}

fingerprint() {
  { node --version && find "$@" -name target -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum
}

install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Debian packages: ${missing[*]}"
  as_root bash -s -- "${missing[@]}" <scripts/install-packages.sh
}

install_node_modules() {
  [ -d node_modules/uvu ] && is_fresh node-modules package-lock.json && return
  say "npm packages"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  stamp node-modules package-lock.json
}

build_addon() {
  local sources=(runtime-core/src runtime-core/init runtime-core/Cargo.toml runtime-core/Cargo.lock runtime-core/build.rs)
  compgen -G 'runtime-core/*.node' >/dev/null && is_fresh addon "${sources[@]}" && return
  say "native addon (cargo, release)"
  npm run --silent build:native -- --output-dir .cache/addon
  # Only the library: the committed loader and typings stay as they are, and check:binding says when they are stale.
  cp .cache/addon/*.node runtime-core/
  stamp addon "${sources[@]}"
}

build_package() {
  local sources=(builder registry-client layers runtime-core/*.ts tsconfig.json tsconfig.build.json package-lock.json scripts/*.mjs scripts/*.cjs)
  if ! { [ -x dist/tsbuild.cjs ] && is_fresh dist "${sources[@]}"; }; then
    say "TypeScript"
    rm -rf dist
    npm run --silent build:ts
    stamp dist "${sources[@]}"
  fi
  ln -sfn ../../dist/tsbuild.cjs node_modules/.bin/tsbuild
}

make_base() {
  [ -d ".cache/base/$1" ] && return
  say "base image '$1' from Debian packages"
  as_root_here node --import tsx scripts/make-base.ts "$1" >/dev/null
}

set_up() {
  require_toolchain
  install_packages "$@"
  install_node_modules
  build_addon
  build_package
}
