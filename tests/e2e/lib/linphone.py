# SPDX-License-Identifier: Apache-2.0
"""Another real phone: linphonec.  It verifies the server's certificate and sends keys by INFO, as baresip does not."""
import array
import os
import re
import shlex
import signal
import subprocess
import time
import wave

from .codec import sine
from patience import PATIENCE_S

CONFIG = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
use_info={info}
use_rfc2833={events}
use_ipv6=0
100rel_support_level={reliable}
guess_hostname=0
auto_net_state_mon=0
contact="{number}" <sip:{number}@127.0.0.1>
default_proxy=0
register_only_when_network_is_up=0
handle_content_encoding=none
verify_server_certs=1
verify_server_cn=1
root_ca={authority}
media_encryption={encryption}
media_encryption_mandatory={insists}
[misc]
max_calls={calls}
[net]
mtu=0
[rtp]
audio_rtp_port={rtp}
[video]
enabled=0
capture=0
display=0
[proxy_0]
reg_proxy=<sip:{host}:{port};transport={transport}>
reg_route=<sip:{host}:{port};transport={transport};lr>
reg_identity=sip:{number}@{host}
reg_expires=60
reg_sendregister=1
publish=0
[auth_info_0]
username={number}
passwd={password}
realm={realm}
domain={host}
"""


def core(folder):
    """A console that can do what linphonec cannot (linphone_core.c), compiled into that folder."""
    made = os.path.join(folder, "linphone_core")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "linphone_core.c")
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-o", made, source, "-llinphone", "-lbctoolbox"], check=True)
    return made


class Linphone:
    """One linphonec process; say() types a command, heard() waits for a line."""

    def __init__(self, folder, ports, server, number, password, transport="udp", authority="", info=False,
                 encryption="none", realm="tandem", insists=False, reliable=1, program="linphonec", calls=10):
        """insists: it talks encrypted or not at all. reliable: 0, it knows no 100rel; 1, it does; 2, it insists. program: or a core().
        calls: so many at once; it is busy for others."""
        os.makedirs(os.path.join(folder, ".local", "share", "linphone"), mode=0o700)
        listening = {"udp": -1, "tcp": -1, "tls": -1} | {transport: ports.take()}
        config = os.path.join(folder, "linphonerc")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(info=int(info), events=int(not info), number=number, password=password,
                                     authority=authority, encryption=encryption, insists=int(insists), reliable=reliable, calls=calls, transport=transport, realm=realm,
                                     host=server[0], port=server[1], rtp=ports.take(2), **listening))
        self.path = os.path.join(folder, "output")
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program, "-c", config, "-d", "4"], cwd=folder,
                env={**os.environ, "HOME": folder}, stdin=subprocess.PIPE, stdout=output, stderr=output)
        self.say("soundcard use files")
        self.folder = folder

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def play(self, hertz=0):
        """It has no microphone: half a minute of a tone, or of silence, which it sends in the call from now on."""
        path = os.path.join(self.folder, "microphone.wav")
        second = array.array("h", sine(hertz, 8000)).tobytes() if hertz else bytes(2 * 8000)
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(second * 30)
        self.say(f"play {path}")

    def output(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def heard(self, text, seconds=PATIENCE_S, after=0):
        """Waits until its output has this text, behind so many characters."""
        self.until(lambda output: text in output[after:], text, seconds)

    def matches(self, pattern, seconds=PATIENCE_S, after=0):
        """The same with an expression, whose ^ and $ are the ends of lines."""
        self.until(lambda output: re.search(pattern, output[after:], re.M), pattern, seconds)

    def until(self, said, what, seconds):
        end = time.monotonic() + seconds
        while not said(self.output()):
            if time.monotonic() > end:
                raise AssertionError(f"it does not say '{what}':\n{self.output()[-3000:]}")
            time.sleep(0.05)

    def keys_heard(self):
        """Keys that came in, by whatever way."""
        return "".join(re.findall(r"Receiving tone (.) from", self.output()))

    def quit(self):
        try:
            self.say("quit")
            self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
