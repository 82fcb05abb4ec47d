# SPDX-License-Identifier: Apache-2.0
"""`wherry node` with a real systemd and its containerd.service, in a virtual machine."""
import functools
import shutil

import machine
from suite import BUILD, Skip, equal, program

PROGRAMS = ("containerd", "ctr", "systemctl")
TIMEOUT = 400

# Prints "name: value" lines; the tests look at them. `refuse` makes containerd's start fail with the handler.
SCRIPT = r"""
mkdir -p /etc/containerd
cat > /etc/containerd/config.toml <<END
version = 2  # ours
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
END
cp /etc/containerd/config.toml /before
cat > /etc/systemd/system/containerd.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=notify
ExecStartPre=/bin/sh -c '! test -e /refuse || ! grep -q runtimes.wherry /etc/containerd/config.toml'
ExecStart=CONTAINERD
Delegate=yes
KillMode=process
END
systemctl daemon-reload
node() { /w/wherry node "$@" > /out 2>&1; echo "$1$again: $?"; cat /out; }
again=" without a service"
node install --timeout 20s
cmp /before /etc/containerd/config.toml && ! test -e /opt/wherry && echo "untouched: yes"
again=""
systemctl start containerd
first=$(systemctl show --property MainPID containerd)
touch /refuse
again=" refused"
node install --timeout 60s
cmp /before /etc/containerd/config.toml && echo "taken back: yes"
echo "active: $(systemctl is-active containerd)"
rm /refuse
again=""
node install
node status
second=$(systemctl show --property MainPID containerd)
again=" again"
node install
again=""
[ "$first" != "$second" ] && [ "$second" = "$(systemctl show --property MainPID containerd)" ] && echo "restarted: once"
containerd config dump | grep -c 'runtimes.wherry]' | sed 's/^/handlers: /'
/opt/wherry/bin/wherry node uninstall > /out 2>&1; echo "uninstall: $?"
cat /out
cmp /before /etc/containerd/config.toml && echo "as before: yes"
echo "left: $(ls -d /opt/wherry /var/lib/wherry /etc/containerd/*.* 2> /dev/null | tr '\n' ' ')"
echo "active at the end: $(systemctl is-active containerd)"
"""
EXPECTED = {
    "without a service to restart it changes nothing": ("untouched", "yes"),
    "it says that it could not": ("install without a service", "1"),
    "it takes an edit back that the service does not start with": ("taken back", "yes"),
    "the service runs after that": ("active", "active"),
    "an installation that was taken back is said to have failed": ("install refused", "1"),
    "it installs": ("install", "0"),
    "it installs again": ("install again", "0"),
    "status finds no problem after an installation": ("status", "0"),
    "an installation restarts the service once": ("restarted", "once"),
    "containerd has the handler": ("handlers", "1"),
    "it uninstalls by its installed program": ("uninstall", "0"),
    "the configuration is as it was": ("as before", "yes"),
    "nothing is left": ("left", "/etc/containerd/config.toml"),
    "the service runs at the end": ("active at the end", "active"),
}


@functools.cache
def said():
    """({name: value}, all that was printed). Run once, also if it fails."""
    reason = machine.missing_reason()
    if reason:
        raise Skip(reason)
    if not machine.SYSTEMD.is_file():
        raise Skip("no systemd")
    programs = {name: shutil.which(name) for name in PROGRAMS}
    if None in programs.values():
        raise Skip(f"not here: {', '.join(n for n, p in programs.items() if not p)}")
    files = machine.with_libraries(*programs.values())
    for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
        program(name)
        files.update(machine.with_libraries(BUILD / "bin" / name))
        files[f"/w/{name}"] = files.pop(str(BUILD / "bin" / name))
    _, output = machine.run(files, SCRIPT.replace("CONTAINERD", programs["containerd"]), timeout=TIMEOUT, systemd=True)
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line), output


def expect(name, value):
    lines, output = said()
    equal(lines.get(name, "").strip(), value, f"{name} ({output[-1500:]})")


def add_tests(suite):
    for sentence, pair in EXPECTED.items():
        suite.test(f"with systemd: {sentence}")(lambda pair=pair: expect(*pair))
