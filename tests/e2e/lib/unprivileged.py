# SPDX-License-Identifier: Apache-2.0
"""Which capabilities a node's threads have, and nodes that run as another user."""
import os
import re

NOBODY = 65534
# udev lets all open it, and a machine without udev nobody but root.
TUN = 'mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m "$0" /dev/net/tun c 10 200 && exec "$@"'


def effective(pid):
    """(name, effective capabilities) of each thread of a process."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8", errors="replace") as file:
            status = file.read()
        found.append((re.search(r"^Name:\s*(.*)", status, re.M)[1], int(re.search(r"^CapEff:\s*(\w+)", status, re.M)[1], 16)))
    return found


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


class AsNobody:
    """Of a test with a node that it starts itself."""

    def start_as_nobody(self, wanted, tun="666"):
        """With these as ambient capabilities and no others; tun: who may open /dev/net/tun."""
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self.gives_node(NOBODY)
        self.addCleanup(self.gives_node, os.getuid())       # the next test may start it as somebody else
        if os.spawnlp(os.P_WAIT, user[0], *user, "test", "-x", self.node.program("tandemd")):
            self.skipTest("the build cannot be run by another user")
        own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", TUN, tun]
        self.node.start(wrapper=[*own, *user, "--inh-caps=" + wanted, "--ambient-caps=" + wanted, "--"])
        self.addCleanup(self.node.stop)

    def gives_node(self, owner):
        """All of its files."""
        for folder, names, files in os.walk(self.node.home):
            for name in (folder, *(os.path.join(folder, other) for other in names + files)):
                os.chown(name, owner, owner, follow_symlinks=False)

    def children(self):
        """Processes that the node started."""
        children = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and parent_of(pid) == self.node.process.pid]
        self.assertTrue(children)
        return children
