# SPDX-License-Identifier: Apache-2.0
"""An authority of the test's own, and the certificates that it signs."""
import os
import subprocess

NEW = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Authority:
    """Files in a folder: ca.pem, which is to be believed, and for each name NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder, self.path = str(folder), os.path.join(folder, "ca.pem")
        self._openssl(*NEW, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")

    def _openssl(self, *words):
        subprocess.run(["openssl", "req", *words], check=True, capture_output=True, cwd=self.folder)

    def signs(self, name, *alternatives):
        """The paths of a certificate for all of these, such as IP:127.0.0.1 or DNS:sip.one.test, and of its key."""
        certificate, key = (os.path.join(self.folder, f"{name}.{what}") for what in ("pem", "key"))
        self._openssl(*NEW, "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-addext", f"subjectAltName={','.join(alternatives)}", "-addext", "basicConstraints=critical,CA:FALSE")
        return certificate, key
