# SPDX-License-Identifier: Apache-2.0
"""Another real phone: Twinkle, with its windows, on no screen.  It publishes its user's presence, and shows others' and how many messages wait."""
import os
import re
import shlex
import subprocess

from .linphone import Linphone
from patience import PATIENCE_S

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
pres_subscription_time=600
"""
MESSAGES = """\
mwi_sollicited=yes
mwi_user={number}
mwi_server={host}:{port}
mwi_subscription_time=600
"""


class Twinkle(Linphone):
    """One process; say() types a command, heard() waits for a line of its log or of what its windows show."""

    def __init__(self, folder, ports, server, number, password, messages=False, buddy=""):
        """messages: it asks how many lie in its mailbox. buddy: an extension that it watches."""
        self.settings = os.path.join(folder, ".twinkle")
        os.makedirs(self.settings, mode=0o700)
        profile = (USER + (MESSAGES if messages else "")).format(number=number, password=password, host=server[0], port=server[1])
        system = f"sip_port={ports.take()}\nrtp_port={ports.take(8)}\n"
        for name, text in ((".twinkle/phone.cfg", profile), (".twinkle/twinkle.sys", system), (".asoundrc", "pcm.!default { type null }\n"),
                           (".twinkle/phone.bud", f"Friend|sip:{buddy}@{server[0]}:{server[1]}|y\n" if buddy else "")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        source, made = os.path.join(os.path.dirname(os.path.abspath(__file__)), "twinkle_windows.c"), os.path.join(folder, "windows.so")
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-o", made, source], check=True)
        self.folder, self.path, self.environment = folder, os.path.join(folder, "output"), {**os.environ, "HOME": folder, "QT_QPA_PLATFORM": "offscreen"}
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "twinkle", "-f", "phone.cfg"], cwd=folder,
                                            env={**self.environment, "LD_PRELOAD": made}, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def say(self, line):
        subprocess.run(["twinkle", "--cmd", line], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S,
                       check=True)

    def log(self):
        """What it sends and hears: its windows show little of it."""
        with open(os.path.join(self.settings, "twinkle.log"), encoding="utf-8", errors="replace") as file:
            return file.read().replace("\r", "")

    def shown(self, pattern):
        """All that its windows showed of that."""
        return re.findall("^shows " + pattern, self.output(), re.M)

    def presence(self):
        """What its list of buddies showed, and its own line there."""
        return self.shown(r":/icons/images/presence_(\w+)\.png")

    def messages(self):
        """What it showed of its mailbox: "1 new message"."""
        return [said.replace("&nbsp;", " ") for said in self.shown("<b>Voice mail status:.*<td>phone</td><td>(.*?)</td>")]
