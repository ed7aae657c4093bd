# SPDX-License-Identifier: Apache-2.0
"""Another real phone: Twinkle's console, which publishes its user's presence, asks for its mailbox, and watches nobody."""
import os
import subprocess

from .linphone import Linphone

USER = """\
user_name={number}
user_domain={host}:{port}
auth_name={number}
auth_pass={password}
registrar={host}:{port}
register_at_startup=yes
registration_time=60
sip_transport=udp
pres_publish_startup=yes
pres_publication_time=600
"""
MESSAGES = """\
mwi_sollicited=yes
mwi_user={number}
mwi_server={host}:{port}
mwi_subscription_time=600
"""


class Twinkle(Linphone):
    """One process; say() types a command, heard() waits for a line."""

    def __init__(self, folder, ports, server, number, password, messages=False):
        """messages: it asks how many lie in its mailbox."""
        settings = os.path.join(folder, ".twinkle")
        os.makedirs(settings, mode=0o700)
        for name, text in (("phone.cfg", (USER + (MESSAGES if messages else "")).format(number=number, password=password, host=server[0], port=server[1])),
                           ("twinkle.sys", f"sip_port={ports.take()}\nrtp_port={ports.take(8)}\n")):
            with open(os.path.join(settings, name), "w", encoding="ascii") as file:
                file.write(text)
        self.folder, self.path = folder, os.path.join(folder, "output")
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "twinkle-console", "phone.cfg"], cwd=folder,
                                            env={**os.environ, "HOME": folder}, stdin=subprocess.PIPE, stdout=output, stderr=output)

    def log(self):
        """What it sends and hears: its console shows little of it."""
        with open(os.path.join(self.folder, ".twinkle", "twinkle.log"), encoding="utf-8", errors="replace") as file:
            return file.read().replace("\r", "")
