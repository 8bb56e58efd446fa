# The guest as PID 1, with the host's files as its root: the rest of what a machine has, then the tests. Each of its records is a line
# on the second serial port, which no test writes to.
set -u
. /run/settings
export PATH HOME=/root TMPDIR=/tmp LC_ALL=C.UTF-8

record() {
  echo "$*" >/dev/ttyS1
}

finish() {
  record "end $*"
  sync
  echo o >/proc/sysrq-trigger
  sleep 60
}

set_up() {
  mkdir -p /dev/pts /dev/shm
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  chmod 666 /dev/fuse /dev/net/tun
  # Stores need a filesystem that takes every attribute, which neither virtiofs nor, before Linux 6.6, tmpfs is.
  mount -t ext4 /dev/vda /tmp && chmod 1777 /tmp && mkdir -p /tmp/.vm/upper /tmp/.vm/work
  # The repository may lie in a place that is covered now, and tests write to its .cache.
  mkdir -p /run/host "$REPOSITORY"
  mount -t virtiofs -o ro host /run/host
  mount -t overlay -o "lowerdir=/run/host$REPOSITORY,upperdir=/tmp/.vm/upper,workdir=/tmp/.vm/work" overlay "$REPOSITORY"
  ip link set lo up
  hostname vm
}

# Every controller is passed on as far as systemd does it, and this shell stands where a login of root would.
lay_out_cgroups() {
  local root=/sys/fs/cgroup controller
  mkdir -p "$root/system.slice/tests.scope"
  for controller in $(cat "$root/cgroup.controllers"); do
    echo "+$controller" >"$root/cgroup.subtree_control"
    echo "+$controller" >"$root/system.slice/cgroup.subtree_control"
  done
  echo $$ >"$root/system.slice/tests.scope/cgroup.procs"
}

set_up && lay_out_cgroups && cd "$REPOSITORY" || finish 1 "the guest could not be set up"
record "ready $(uname -r) $(cut -d ' ' -f 1 /proc/uptime) $(cat /sys/fs/cgroup/cgroup.controllers)"

status=0
for who in $RUNS; do
  record "begin $who"
  filters=$ROOT_FILTERS
  [ "$who" = root ] || filters=$USER_FILTERS
  # shellcheck disable=SC2086 # a list of words
  "$NODE" --import tsx test/run.ts "--as=$who" $filters </dev/null 2>&1 | tee /run/log
  code=${PIPESTATUS[0]}
  [ "$code" = 0 ] || status=1
  record "done $who $code $(tail -n 1 /run/log)"
done
finish "$status"
