# SPDX-License-Identifier: Apache-2.0
"""Servers that recordings are delivered to, each a real one, on 127.0.0.1: start() and stop(), and what they have got by files()."""
import contextlib
import hashlib
import json
import os
import pwd
import socket
import subprocess

from patience import until

PYTHON = "/usr/bin/python3"     # Debian's, which its packages are for
USER, SECRET = "tandem", "correct-horse"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Server:
    """argv() starts it; it answers on its port when it is up."""

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None
        self.files_at = os.path.join(folder, "files")
        os.makedirs(self.files_at, exist_ok=True)
        self.prepare()

    def prepare(self):
        pass

    def written(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.folder, text=True)
        until(self.answers, lambda: open(os.path.join(self.folder, "log"), encoding="utf-8").read())
        return self

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.communicate()
        self.process = None

    def files(self):
        """{name: sha256}, with the parts of files that are not whole."""
        found = {}
        for where, _, names in os.walk(self.files_at):
            found |= {os.path.relpath(os.path.join(where, name), self.files_at): digest(os.path.join(where, name)) for name in names}
        return found


class Sftp(Server):
    def prepare(self):
        for name in ("host", "user", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", name], check=True, cwd=self.folder)
        with open(os.path.join(self.folder, "user.pub"), encoding="utf-8") as file:
            self.written("authorized", file.read())
        with open(os.path.join(self.folder, "host.pub"), encoding="utf-8") as file:
            self.known_hosts = self.written("known_hosts", f"[127.0.0.1]:{self.port} {file.read()}")
        self.configuration = self.written("sshd_config", f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
""")

    def argv(self):
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", self.configuration]
        if os.getuid():
            return command
        # Of root it wants an empty folder at that place, which the host is not to have.
        return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"', "sh", *command]

    def destination(self, **other):
        return {"name": "sftp", "kind": "sftp", "url": f"sftp://127.0.0.1:{self.port}{self.files_at}", "user": pwd.getpwuid(os.getuid()).pw_name,
                "key_file": os.path.join(self.folder, "user"), "known_hosts": self.known_hosts, "metadata": True, **other}


class Ftp(Server):
    """vsftpd, with TLS before a password, and with the session of the one connection for the other, as many servers want it."""
    def __init__(self, folder, port, authority):
        self.certificate, self.key = authority.signs("ftp", "IP:127.0.0.1")
        self.ca = authority.path
        super().__init__(folder, port)

    def prepare(self):
        self.configuration = self.written("vsftpd.conf", f"""listen=YES
listen_address=127.0.0.1
listen_port={self.port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=077
anon_root={self.files_at}
secure_email_list_enable=YES
email_password_file={self.written("passwords", SECRET + chr(10))}
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
ssl_tlsv1=YES
rsa_cert_file={self.certificate}
rsa_private_key_file={self.key}
seccomp_sandbox=NO
""")

    def argv(self):
        return ["/usr/sbin/vsftpd", self.configuration]

    def destination(self, **other):
        return {"name": "ftp", "kind": "ftp", "url": f"ftp://127.0.0.1:{self.port}/calls", "user": "ftp", "secret": SECRET, "starttls": True,
                "ca": self.ca, "metadata": True, **other}


class Dav(Server):
    """nginx, over HTTPS, with a password."""
    def __init__(self, folder, port, authority):
        self.certificate, self.key = authority.signs("dav", "IP:127.0.0.1")
        self.ca = authority.path
        super().__init__(folder, port)

    def prepare(self):
        hashed = subprocess.run(["openssl", "passwd", "-apr1", SECRET], check=True, capture_output=True, text=True).stdout.strip()
        passwords = self.written("passwords", f"{USER}:{hashed}\n")
        self.configuration = self.written("nginx.conf", f"""daemon off; master_process off; pid {self.folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;
    uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
    server {{
        listen 127.0.0.1:{self.port} ssl; root {self.files_at}; client_max_body_size 1m;
        ssl_certificate {self.certificate}; ssl_certificate_key {self.key};
        location / {{ dav_methods PUT; create_full_put_path on; auth_basic x; auth_basic_user_file {passwords}; }}
    }}
}}
""")

    def argv(self):
        return ["/usr/sbin/nginx", "-c", self.configuration, "-p", self.folder]

    def destination(self, **other):
        return {"name": "dav", "kind": "http", "url": f"https://127.0.0.1:{self.port}/calls/", "user": USER, "secret": SECRET, "ca": self.ca,
                "metadata": True, **other}


class Mail(Server):
    """Each mail a file; STARTTLS before a password, and nothing without one."""
    def __init__(self, folder, port, authority):
        self.certificate, self.key = authority.signs("mail", "IP:127.0.0.1")
        self.ca = authority.path
        super().__init__(folder, port)

    def argv(self):
        return [PYTHON, "-c", f"""
import asyncio, os, ssl
from aiosmtpd.smtp import SMTP, AuthResult
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain({self.certificate!r}, {self.key!r})
class Handler:
    async def handle_DATA(self, server, session, envelope):
        name = os.path.join({self.files_at!r}, str(len(os.listdir({self.files_at!r}))))
        with open({self.folder!r} + "/mail", "wb") as file:
            file.write(("\\n".join(envelope.rcpt_tos) + "\\n").encode() + envelope.content)
        os.rename(file.name, name)      # whoever looks sees all of it
        return "250 taken"
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == {USER.encode()!r} and data.password == {SECRET.encode()!r}, handled=False)
async def main():
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: SMTP(Handler(), tls_context=context, require_starttls=True, auth_required=True,
                                                     authenticator=check, hostname="mail.test", data_size_limit=100000000),
                                        "127.0.0.1", {self.port})
    await listener.serve_forever()
asyncio.run(main())
"""]

    def destination(self, **other):
        return {"name": "mail", "kind": "mail", "url": f"smtp://127.0.0.1:{self.port}", "user": USER, "secret": SECRET, "starttls": True,
                "ca": self.ca, "from": "tandem@example.org", "to": ["one@example.org", "two@example.org"], "metadata": True,
                "most": 1 << 20, **other}

    def mails(self):
        return [open(os.path.join(self.files_at, name), "rb").read() for name in sorted(os.listdir(self.files_at))]


class Swift(Server):
    """Of OpenStack; what is in the bucket, as another implementation of S3 reads it."""
    ACCOUNT = "calls:tandem"

    def argv(self):
        return [PYTHON, os.path.join(os.path.dirname(__file__), "swift_server.py"), self.folder, str(self.port), self.ACCOUNT, SECRET]

    def start(self):
        super().start()
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError(open(os.path.join(self.folder, "log"), encoding="utf-8").read())
        return self

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def files(self):
        return self.ask("")

    def empty(self):
        """As it was when it began: that takes three seconds of a processor."""
        self.ask("empty")
        for name in ("refuse", "requests"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))

    def uploads(self):
        """Keys of uploads in parts that are open."""
        return self.ask("uploads")

    def requests(self, *words):
        """What it was asked, with its status, that has all of the words in it."""
        try:
            with open(os.path.join(self.folder, "requests"), encoding="utf-8") as file:
                return [line for line in file.read().splitlines() if all(word in line for word in words)]
        except FileNotFoundError:
            return []

    def refuse(self, text):
        """What has the text in its method and URL; "": nothing."""
        if text:
            self.written("refuse", text)
        else:
            os.unlink(os.path.join(self.folder, "refuse"))

    def destination(self, **other):
        return {"name": "s3", "kind": "s3", "url": f"http://127.0.0.1:{self.port}", "user": self.ACCOUNT, "secret": SECRET,
                "bucket": "recordings", "region": "us-east-1", "path_style": True, "metadata": True, **other}
