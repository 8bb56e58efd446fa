# Installs the named Debian packages without starting the services they bring. Run as root.
set -euo pipefail
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  # policy-rc.d is asked by every maintainer script that would start a daemon; 101 is "not allowed".
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{
  apt-get -o DPkg::Lock::Timeout=300 update &&
    apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
} >"$log" 2>&1 </dev/null || {
  cat "$log" >&2
  exit 1
}
rm "$log"
