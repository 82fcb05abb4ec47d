# SPDX-License-Identifier: Apache-2.0
"""What the machine runs: scripts that print "name: value" lines, at which the tests look."""

START = r"""
echo
mount -t securityfs securityfs /sys/kernel/security
export CONTAINERD_SNAPSHOTTER=native CONTAINERD_ADDRESS=/run/c.sock WHERRY_CACHE=/run/cache
containerd --config /config.toml > /log 2>&1 &

one_line() { awk '{ printf "%s%s", s, $0; s = "; " }'; }
say() { name=$1; shift; echo "$name: $("$@" 2>&1 | one_line)"; }
status() { "$@" > /status 2>&1; echo $?; }
ATTEMPTS="write /data/old write /data/new write /other/new read /data/old"
# Of every thread; one line if they are the same.
labels() { cat /proc/$1/task/*/attr/current | sort -u; }
label() { cat /proc/$1/attr/current; }
until_true() { tries=0; until "$@" > /dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 100 ] || return 1; sleep 0.1; done; }
pid_of() { ctr tasks ls | awk -v name="$1" '$1 == name { print $2 }'; }
guest() { timeout 60 ctr run --rm --runtime io.containerd.wherry.v1 "$@"; }

until_true ctr version
ctr images import /guest.tar > /dev/null && ctr images import /httpbin.tar > /dev/null || exit 1
"""

PROFILES = r"""
profile test-deny flags=(attach_disconnected) {
  file,
  network,
  signal,
  deny /data/** w,
}
profile test-complain flags=(attach_disconnected,complain) {
  deny /nowhere w,
}
profile test-nothing {
  deny /nowhere w,
}
profile test-lost {
  file,
}
"""

# Containers of containerd.
APPARMOR = r"""
apparmor_parser -Kr /profiles || exit 1
say "unconfined guest" guest IMAGE c /guest.wasm $ATTEMPTS
say "denied guest" guest --apparmor-profile test-deny IMAGE c /guest.wasm $ATTEMPTS
say "guest with nothing" guest --apparmor-profile test-nothing IMAGE c /guest.wasm $ATTEMPTS
say "complaining guest" guest --apparmor-profile test-complain IMAGE c /guest.wasm $ATTEMPTS
say "not loaded" guest --apparmor-profile not-loaded IMAGE c /guest.wasm $ATTEMPTS
ctr containers delete c 2> /dev/null

ctr run --detach --runtime io.containerd.wherry.v1 --apparmor-profile test-complain IMAGE c0 /guest.wasm wait 1000
say "complaining label" labels $(pid_of c0)
ctr tasks kill --signal SIGKILL c0
ctr run --detach --runtime io.containerd.wherry.v1 IMAGE free /guest.wasm wait 1000
say "unconfined native write" status ctr tasks exec --exec-id x free /bin/busybox sh -c 'echo x > /data/new'
ctr tasks kill --signal SIGKILL free

ctr run --detach --runtime io.containerd.wherry.v1 --apparmor-profile test-deny IMAGE c1 /guest.wasm wait 1000
say "guest labels" labels $(pid_of c1)
ctr tasks exec --exec-id e1 c1 sleep 1000 &
until_true eval '[ $(ctr tasks ps c1 | wc -l) -ge 3 ]'
say "exec label" labels $(ctr tasks ps c1 | awk -v init=$(pid_of c1) 'NR > 1 && $1 != init { print $1 }')
say "exec write" ctr tasks exec --exec-id e2 c1 sh -c 'echo x > /data/new'
say "exec other write" status ctr tasks exec --exec-id e3 c1 sh -c 'echo x > /other/newer'
say "native label" ctr tasks exec --exec-id e4 c1 /bin/busybox cat /proc/self/attr/current
say "native write" ctr tasks exec --exec-id e5 c1 /bin/busybox sh -c 'echo x > /data/new'
ctr tasks kill --signal SIGKILL c1

ctr run --detach --net-host --env PORT=3000 --runtime io.containerd.wherry.v1 --apparmor-default-profile cri-containerd.apparmor.d HTTPBIN h1
until_true wget -q -O /answer http://127.0.0.1:3000/healthz
say "default answer" cat /answer
say "default labels" labels $(pid_of h1)
ctr tasks kill --signal SIGKILL h1
until_true eval '[ $(ctr tasks ls | grep -c RUNNING) = 0 ]'
for c in c0 free c1 h1; do ctr tasks delete $c; ctr containers delete $c; done > /dev/null 2>&1
say "left" grep -c /run/state /proc/mounts
"""

# Containers of a pod, by CRI: in_pod NAME PROFILE ARGS...
PODS = r"""
cri() { crictl --runtime-endpoint unix:///run/c.sock --timeout 60s "$@"; }
for image in guest pause; do ctr -n k8s.io images import /$image.tar > /dev/null; done
touch /etc/crictl.yaml
cat > /pod.json <<END
{ "metadata": { "name": "p", "uid": "p", "namespace": "default" }, "log_directory": "/logs",
  "linux": { "security_context": { "namespace_options": { "network": 2 } } } }
END
in_pod() {
  name=$1 profile=$2; shift 2
  args=""
  for arg in "$@"; do args="$args${args:+,}\"$arg\""; done
  cat > /$name.json <<END
{ "metadata": { "name": "$name" }, "image": { "image": "IMAGE" }, "command": ["/guest.wasm"], "args": [$args], "log_path": "$name.log",
  "linux": { "security_context": { "apparmor": $profile } } }
END
  container=$(cri create --no-pull $pod /$name.json /pod.json) && cri start $container > /dev/null
}
cri_pid() { cri inspect $1 | awk '/"pid":/ { gsub(",", ""); print $2; exit }'; }

until_true eval 'cri images | grep -q wherry.test/pause'
pod=$(cri runp --runtime wherry /pod.json)
in_pod tries '{ "profile_type": 2, "localhost_ref": "test-deny" }' $ATTEMPTS
until_true eval '[ $(wc -l < /logs/tries.log) = 4 ]'
say "pod's guest" sed 's/^[^ ]* stdout F //' /logs/tries.log
in_pod waits '{ "profile_type": 0 }' wait 1000
say "pod's default label" labels $(cri_pid $container)
say "pod's sandbox label" labels $(cri inspectp $pod | awk '/"pid":/ { gsub(",", ""); print $2; exit }')
say "pod's native exec" cri exec --sync $container /bin/busybox cat /proc/self/attr/current
cri rmp -f $pod > /dev/null 2>&1
"""

# A network of pods needs no more than an answer here.
CNI_CONFIGURATION = '{ "cniVersion": "0.4.0", "name": "none", "plugins": [{ "type": "none" }] }'
CNI_PLUGIN = r"""#!/bin/sh
case $CNI_COMMAND in
  ADD) echo '{ "cniVersion": "0.4.0", "interfaces": [{ "name": "'$CNI_IFNAME'", "sandbox": "'$CNI_NETNS'" }],
               "ips": [{ "version": "4", "address": "10.0.0.2/24", "interface": 0 }] }';;
  VERSION) echo '{ "cniVersion": "0.4.0", "supportedVersions": ["0.3.1", "0.4.0"] }';;
esac
"""

# cri-tools' own specs, each of which touches a file: critest_with NAME IMAGE.
CRITEST = r"""
printf '#!/bin/sh\nexec "$@"\n' > /bin/sudo
chmod +x /bin/sudo
critest_with() {
  printf 'defaultTestContainerImage: %s\nwebServerTestImage: %s\n' $2 $2 > /images.yaml
  ctr -n k8s.io images import /$1.tar > /dev/null
  until_true eval "cri images | grep -q $2"
  critest --runtime-endpoint unix:///run/c.sock --image-endpoint unix:///run/c.sock --test-images-file /images.yaml --runtime-handler wherry \
    --ginkgo.no-color --ginkgo.focus AppArmor --ginkgo.junit-report /$1.xml > /critest.log 2>&1
  sed -n 's/.*<testcase name="\[It\] \[k8s.io\] AppArmor \([^"]*\)".* status="\([a-z]*\)".*/critest of '$1' \1: \2/p' /$1.xml
}
critest_with native wherry.test/native:1
critest_with guest IMAGE
grep -A 10 'FAIL' /critest.log
"""

# Containers of wherry-oci: bundle NAME EXTRA-PROCESS EXTRA-LINUX ARGS...
BUNDLE = r"""
bundle() {
  name=$1 process=$2 linux=$3; shift 3
  args=""
  for arg in "$@"; do args="$args${args:+,}\"$arg\""; done
  mkdir -p /b/$name/rootfs/data /b/$name/rootfs/other /b/$name/rootfs/proc /b/$name/rootfs/bin
  cp /guest.wasm /b/$name/rootfs/
  cp /bin/busybox /b/$name/rootfs/bin/
  echo old > /b/$name/rootfs/data/old
  cat > /b/$name/config.json <<END
{ "ociVersion": "1.0.2",
  "process": { "args": [$args], "cwd": "/", "env": ["PATH=/bin"], "user": { "uid": 0, "gid": 0 }, "noNewPrivileges": true
    $process },
  "root": { "path": "rootfs" },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" } $MOUNTS],
  "linux": { "namespaces": [{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }
    $linux } }
END
}
oci() { wherry-oci --root /run/oci "$@"; }
oci_pid() { oci state $1 | grep -o '"pid": *[0-9]*' | grep -o '[0-9]*$'; }
# Of a module that is executed with those options.
exec_label() {
  container=$1; shift
  oci exec --detach --pid-file /run/exec.pid "$@" $container sleep 1000 > /run/exec.log 2>&1 < /dev/null || { cat /run/exec.log; return; }
  label $(cat /run/exec.pid)
}
USER_NAMESPACE=', { "type": "user" }], "uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }],
  "gidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
"""

BUNDLES = BUNDLE + r"""
MOUNTS=""
DENY=', "apparmorProfile": "test-deny"'

bundle plain "$DENY" "]" /guest.wasm $ATTEMPTS
say "oci guest" oci run --bundle /b/plain plain
bundle user "$DENY" "$USER_NAMESPACE" /guest.wasm $ATTEMPTS
chown -R 100000:100000 /b/user/rootfs
say "oci user guest" oci run --bundle /b/user user
bundle missing ', "apparmorProfile": "not-loaded"' "]" /guest.wasm $ATTEMPTS
say "oci not loaded" oci create --bundle /b/missing missing
bundle selinux ', "selinuxLabel": "system_u:system_r:container_t:s0"' "]" /guest.wasm $ATTEMPTS
say "no selinux" oci create --bundle /b/selinux selinux

bundle long "$DENY" "]" /guest.wasm wait 1000
oci run --detach --bundle /b/long long > /dev/null 2>&1
say "oci exec label" exec_label long
say "oci other exec label" exec_label long --apparmor test-nothing
say "oci native label" oci exec long /bin/busybox cat /proc/self/attr/current
bundle longuser "$DENY" "$USER_NAMESPACE" /guest.wasm wait 1000
chown -R 100000:100000 /b/longuser/rootfs
oci run --detach --bundle /b/longuser longuser > /dev/null 2>&1
say "oci user exec label" exec_label longuser
say "oci user native label" oci exec longuser /bin/busybox cat /proc/self/attr/current

bundle lost ', "apparmorProfile": "test-lost"' "]" /guest.wasm write /data/new
oci create --bundle /b/lost lost > /lost.log 2>&1
sed -n '/profile test-lost/,/^}/p' /profiles > /lost
apparmor_parser -R /lost
oci start lost
until_true eval 'oci state lost | grep -q stopped'
say "oci lost" cat /lost.log
echo "oci lost wrote: $([ -e /b/lost/rootfs/data/new ] && echo yes || echo no)"
for c in plain user missing selinux long longuser lost; do oci delete --force $c; done > /dev/null 2>&1
tail -n 5 /log
"""

# Loads the policy: everything so far is then runtime_t, its files host_file_t.
POLICY = r"""
echo
mount -t selinuxfs selinuxfs /sys/fs/selinux
dd if=/policy of=/sys/fs/selinux/load bs=1M 2> /dev/null || exit 1
echo "enforcing: $(cat /sys/fs/selinux/enforce)"
"""

SELINUX = BUNDLE + r"""
LABEL=', "selinuxLabel": "system_u:system_r:container_t:s0:c0"'
MOUNT_LABEL='], "mountLabel": "system_u:object_r:container_file_t:s0:c0", "maskedPaths": ["/other"]'
mkdir -p /b /secret
mount -t tmpfs -o context=system_u:object_r:container_file_t:s0 tmpfs /b
mount -t tmpfs -o context=system_u:object_r:secret_file_t:s0 tmpfs /secret
echo old > /secret/old
chmod 777 /secret
chmod 666 /secret/old
MOUNTS=', { "destination": "/data", "type": "bind", "source": "/secret", "options": ["bind"] }'

bundle free "" "]" /guest.wasm $ATTEMPTS
say "free guest" oci run --bundle /b/free free
bundle plain "$LABEL" "]" /guest.wasm $ATTEMPTS
say "guest" oci run --bundle /b/plain plain
bundle user "$LABEL" "$USER_NAMESPACE" /guest.wasm $ATTEMPTS
chown -R 100000:100000 /b/user/rootfs
say "user guest" oci run --bundle /b/user user
bundle wrong ', "selinuxLabel": "system_u:system_r:nobody_t:s0"' "]" /guest.wasm $ATTEMPTS
say "wrong" oci create --bundle /b/wrong wrong
bundle forbidden ', "selinuxLabel": "system_u:system_r:forbidden_t:s0"' "]" /guest.wasm $ATTEMPTS
say "forbidden" oci run --bundle /b/forbidden forbidden
bundle apparmor ', "apparmorProfile": "test-deny"' "]" /guest.wasm $ATTEMPTS
say "no apparmor" oci create --bundle /b/apparmor apparmor

bundle long "$LABEL" "]" /guest.wasm wait 1000
oci run --detach --bundle /b/long long > /dev/null 2>&1
say "guest labels" labels $(oci_pid long)
say "exec label" exec_label long
say "other exec label" exec_label long --process-label system_u:system_r:container_t:s0:c1
say "exec write" oci exec long sh -c 'echo x > /data/new'
say "native label" oci exec long /bin/busybox cat /proc/self/attr/current
say "native write" oci exec long /bin/busybox sh -c 'echo x > /data/new'

MOUNTS=', { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs" }, { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue" }'
bundle unlabelled "$LABEL" "]" /guest.wasm wait 1000
oci run --detach --bundle /b/unlabelled unlabelled > /dev/null 2>&1
say "unlabelled tmpfs" oci exec unlabelled sh -c 'echo x > /tmp/new'
say "unlabelled queues" oci exec unlabelled /bin/busybox ls /dev/mqueue
bundle labelled "$LABEL" "$MOUNT_LABEL" /guest.wasm wait 1000
oci run --detach --bundle /b/labelled labelled > /dev/null 2>&1
say "labelled tmpfs" status oci exec labelled sh -c 'echo x > /tmp/new'
say "labelled queues" oci exec labelled /bin/busybox ls /dev/mqueue
say "labels of mounts" awk '/context=/ { print $5 }' /proc/$(oci_pid labelled)/mountinfo
bundle labelleduser "$LABEL" "$USER_NAMESPACE, ${MOUNT_LABEL#*, }" /guest.wasm wait 1000
chown -R 100000:100000 /b/labelleduser/rootfs
oci run --detach --bundle /b/labelleduser labelleduser > /dev/null 2>&1
say "labelled user's tmpfs" status oci exec labelleduser sh -c 'echo x > /tmp/new'
say "labelled user's queues" oci exec labelleduser /bin/busybox ls /dev/mqueue
for c in free plain user wrong forbidden apparmor long unlabelled labelled labelleduser; do oci delete --force $c; done > /dev/null 2>&1

# By containerd's shim.
until_true ctr version
MOUNTS=', { "destination": "/data", "type": "bind", "source": "/secret", "options": ["bind"] }'
bundle ctr "$LABEL" "]" /guest.wasm $ATTEMPTS
sed -i 's#"rootfs"#"/b/ctr/rootfs"#' /b/ctr/config.json
say "containerd's guest" ctr run --rm --config /b/ctr/config.json --runtime io.containerd.wherry.v1 c1
sed -i 's#container_t#forbidden_t#' /b/ctr/config.json
say "containerd's forbidden guest" ctr run --rm --config /b/ctr/config.json --runtime io.containerd.wherry.v1 c2
say "left" grep -c /run/state /proc/mounts
tail -n 5 /log
"""
