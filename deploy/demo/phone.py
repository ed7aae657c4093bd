# SPDX-License-Identifier: Apache-2.0
"""A real phone: one headless baresip process, driven over its JSON control port."""
import glob
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import threading
import time

from patience import PATIENCE_S, until

HEADER = 44                     # octets of a WAV before its sound
MODULES = ("g711", "ausine", "aufile", "aubridge", "sndfile")

# statmode_default off and no stdio module: baresip must not want a terminal.
# snd_path: the sndfile module writes there what was heard (…-dec.wav) and said (…-enc.wav).
CONFIG = """\
poll_method epoll
sip_listen {listen}:0
net_interface {address}
rtp_ports {rtp_ports}
rtp_stats yes
call_max_calls 16
audio_source {source}
audio_player aubridge,sink
audio_alert aubridge,alert
ausrc_srate 48000
ausrc_channels 2
audio_buffer 40-160
snd_path {folder}
module_path {module_path}
{modules}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app debug_cmd.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
menu_bell no
ringback_disabled yes
statmode_default off
{extra}
"""


def module_path():
    """Baresip is installed, or unpacked aside by deploy/peers.sh."""
    places = "/", os.path.join(os.environ.get("TANDEM_PEERS", "/"), "root")
    paths = [os.path.join(place, "usr/lib/baresip/modules") for place in places]
    return next(filter(os.path.isdir, paths), paths[0])


class PhoneError(Exception):
    """The phone did not do what it was asked for."""


def account(number, password, server, transport="udp", expires=60, extra="", domain=""):
    """An accounts line; `server` is host:port of the registrar and outbound proxy, `domain` whose phone it is."""
    return (f"<sip:{number}@{domain or server.rpartition(':')[0]};transport={transport}>"
            f";auth_user={number};auth_pass={password}"
            f';outbound="sip:{server};transport={transport}";regint={expires};{extra}')


class Phone:
    """One phone with one account.  Use as a context manager, or call quit()."""

    def __init__(self, folder, account_line, ports, source="ausine,440", modules=(),
                 address="127.0.0.1", extra="", contacts=""):
        self.folder = os.path.abspath(folder)
        self.log = os.path.join(self.folder, "log")
        self._events, self._news = [], threading.Condition()
        control = ports.take()
        os.makedirs(self.folder, mode=0o700)        # the account holds a password
        self._write("config", CONFIG.format(
            module_path=module_path(), listen=f"[{address}]" if ":" in address else address, address=address, source=source,
            rtp_ports=ports.take_range(20), folder=self.folder, control=control, extra=extra,
            modules="\n".join(f"module {name}.so" for name in (*modules, *MODULES))))
        self._write("accounts", account_line + "\n")
        self._write("contacts", contacts)
        with open(self.log, "wb") as log:
            # The phone must not outlive a killed test.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "baresip", "-v", "-s", "-f", self.folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        try:
            self._connect(control)
        except BaseException:
            self.kill()
            raise
        threading.Thread(target=self._read, daemon=True).start()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _connect(self, port, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while True:
            try:
                self._control = socket.create_connection(("127.0.0.1", port))
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise PhoneError(f"baresip did not start:\n{self.log_tail()}") from None
                time.sleep(0.02)

    def log_tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    # Netstrings of JSON: events, and responses that carry the token of their command.
    def _read(self):
        data = b""
        while True:
            try:
                more = self._control.recv(65536)
                # Delayed ACKs of the kernel would cost 40 ms a command.
                self._control.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            except OSError:
                return
            if not more:
                return
            data = self._split(data + more)

    def _split(self, data):
        while match := re.match(rb"(\d+):", data):
            end = match.end() + int(match[1])
            if len(data) <= end:                # the netstring ends in a comma
                break
            event = json.loads(data[match.end():end].decode("utf-8", "replace"))
            event["at"] = time.monotonic()
            data = data[end + 1:]
            with self._news:
                self._events.append(event)
                self._news.notify_all()
        return data

    def take(self, wanted, seconds=PATIENCE_S, what="event"):
        """Removes and returns the first event for which wanted(event) is true, or waits for it."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for i, event in enumerate(self._events):
                    if wanted(event):
                        return self._events.pop(i)
                if not self._news.wait(max(0.0, end - time.monotonic())):
                    seen = [event.get("type") for event in self._events if "type" in event]
                    raise PhoneError(f"no {what} in {seconds} s, but {seen}\n{self.log_tail()}")

    def wait(self, kind, seconds=PATIENCE_S):
        """The next event of this type, such as CALL_ESTABLISHED."""
        return self.take(lambda event: event.get("type") == kind, seconds, kind)

    def command(self, name, params="", seconds=PATIENCE_S):
        """Runs a baresip command (dial, accept, hangup, hold, resume…) and returns its text."""
        token = secrets.token_hex(4)
        text = json.dumps({"command": name, "params": params, "token": token}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        answer = self.take(lambda event: event.get("token") == token, seconds, name)
        if not answer.get("ok", True):
            raise PhoneError(f"{name} {params}: {answer.get('data')}\n{self.log_tail()}")
        return answer["data"]

    def registered(self, seconds=PATIENCE_S):
        """Waits until the account is registered.  The event may have come before we connected."""
        end = time.monotonic() + seconds
        while not re.search(r"(?:\s|m)OK\s", self.command("reginfo")):
            if time.monotonic() > end:
                raise PhoneError(f"not registered in {seconds} s\n{self.log_tail()}")
            time.sleep(0.02)

    def dial(self, number):
        self.command("dial", number)

    def digits(self, text, gap=0.12, tone=0.12):
        """Presses keys one after the other; RFC 4733 events as long as the tone."""
        for digit in text:
            self.command("sndcode", digit)
            time.sleep(tone)
            self.command("sndcode", "\x04")     # key released
            time.sleep(gap)

    def digits_heard(self):
        """What has come in so far, by RFC 4733 or INFO."""
        with self._news:
            return "".join(event.get("param", "") for event in self._events
                           if event.get("type") == "CALL_DTMF_START")

    def wait_digits(self, wanted):
        """Waits until as many keys are there, and a moment for those that come twice; all of them."""
        end = time.monotonic() + PATIENCE_S
        while len(self.digits_heard()) < len(wanted) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.2)
        return self.digits_heard()

    def hangup(self):
        self.command("hangup")

    def packets(self):
        """(sent, received) RTP packets of the last finished call, as the phone counted them."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            counts = re.findall(r"^packets:\s+(\d+)\s+(\d+)\s*$", log.read(), re.M)
        return tuple(map(int, counts[-1])) if counts else (0, 0)

    def recordings(self, direction="dec"):
        """WAV files of what was heard ("dec") or said ("enc"); complete once the call is closed."""
        return sorted(glob.glob(os.path.join(self.folder, f"*-{direction}.wav")))

    def wait_heard(self, seconds=1.6):
        """Waits until it has heard so much of its newest call; tone.heard() wants 1.5 s."""
        return until(lambda: self._heard_s() >= seconds, lambda: f"{self._heard_s():.2f} of {seconds} s are heard")

    def _heard_s(self):
        """By the size of the file: its header says nothing of that before the end."""
        for path in self.recordings()[-1:]:
            with open(path, "rb") as file:
                head = file.read(HEADER)
            if len(head) == HEADER:
                return (os.path.getsize(path) - HEADER) / struct.unpack_from("<I", head, 28)[0]     # octets a second
        return 0.0

    def quit(self, seconds=PATIENCE_S):
        """Ends the phone as its user would: it hangs up and un-registers."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._control.close()

    def kill(self):
        """Power cut: nothing is said to anybody."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()
