# SPDX-License-Identifier: Apache-2.0
"""The scripted phones do what their vendors' documents say: the order of files, tries, credentials, what counts first."""
import base64
import http.server
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from phones.polycom import BadFile, Polycom      # noqa: E402

MAC = "0004f214ab37"
MASTER = ('<?xml version="1.0"?><APPLICATION APP_FILE_PATH="" APP_FILE_PATH_VVX410="3111.sip.ld" CONFIG_FILES="own.cfg, all.cfg"'
          ' LOG_FILE_DIRECTORY="logs" OVERRIDES_DIRECTORY="" CONTACTS_DIRECTORY="" LICENSE_DIRECTORY=""/>')


class Files(http.server.BaseHTTPRequestHandler):
    """Serves what the test has, and keeps what was asked for."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        test, length = self.server.test, int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        test.said.append((self.command, self.path, dict(self.headers), body))
        wanted = test.credentials and base64.b64encode(test.credentials.encode()).decode()
        status, text = 200, test.files.get(self.path.lstrip("/"), "").encode()
        if wanted and self.headers.get("Authorization") != f"Basic {wanted}":
            status, text = 401, b""
        elif test.faults:
            status, text = test.faults.pop(), b""
        elif self.command == "PUT":
            status, text = 201, b""
        elif not text:
            status = 404
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_GET

    def log_message(self, *_):
        pass


class Boot(unittest.TestCase):
    def setUp(self):
        self.said, self.faults, self.credentials = [], [], ""
        self.files = {f"{MAC}.cfg": MASTER, "own.cfg": '<a reg.1.address="201" x="own"/>',
                      "all.cfg": '<a x="all" y="all"/>', "000000000000.cfg": MASTER.replace("own.cfg, ", "")}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        self.server.test, self.server.daemon_threads = self, True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def phone(self, **options):
        device = Polycom(MAC, f"http://127.0.0.1:{self.server.server_port}/", wait_s=0.01, **options)
        self.addCleanup(device.close)
        return device

    def test_order(self):
        device = self.phone()
        self.assertTrue(device.boot())
        self.assertEqual([(method, path) for method, path, _, _ in self.said], [
            ("GET", f"/{MAC}.cfg"), ("GET", "/3111.sip.ld"), ("GET", f"/{MAC}-license.cfg"), ("GET", "/000000000000-license.cfg"),
            ("GET", f"/{MAC}-phone.cfg"), ("GET", f"/{MAC}-web.cfg"), ("GET", "/own.cfg"), ("GET", "/all.cfg"),
            ("GET", f"/{MAC}-directory.xml"), ("GET", "/000000000000-directory.xml"), ("PUT", f"/logs/{MAC}-boot.log")])
        self.assertEqual((device.values["x"], device.values["y"]), ("own", "all"))
        self.assertEqual(self.said[0][2]["User-Agent"], "FileTransport PolycomVVX-VVX_410-UA/5.4.2.6345 (SN:0004F214AB37) Type/Application")

    def test_an_override_comes_before_all_files(self):
        self.files[f"{MAC}-phone.cfg"] = '<a x="override"/>'
        device = self.phone(model="soundpoint650", firmware="4.0.4.2906", tag_serial=False)
        device.boot()
        self.assertEqual(device.values["x"], "override")
        self.assertEqual(self.said[0][2]["User-Agent"], "FileTransport PolycomSoundPointIP-SPIP_650-UA/4.0.4.2906 Type/Application")

    def test_without_a_file_of_its_own(self):
        del self.files[f"{MAC}.cfg"]
        device = self.phone()
        self.assertTrue(device.boot())
        self.assertEqual((device.names, device.values["x"]), (["all.cfg"], "all"))

    def test_three_tries(self):
        self.faults = [503, 500]
        self.assertTrue(self.phone().boot())
        self.assertEqual([path for _, path, _, _ in self.said[:4]], [f"/{MAC}.cfg"] * 3 + ["/3111.sip.ld"])
        self.faults, self.files = [503] * 6, {}
        self.assertFalse(self.phone().boot())

    def test_a_password_is_sent_when_it_is_asked_for(self):
        self.credentials = "201:secret"
        self.assertTrue(self.phone(user="201", password="secret").boot())
        self.assertNotIn("Authorization", self.said[0][2])
        self.assertIn("Authorization", self.said[1][2])
        self.said.clear()
        self.assertFalse(self.phone(user="201", password="wrong").boot())

    def test_what_is_no_xml_is_said(self):
        self.files["own.cfg"] = '<a x="Tom & Jerry"/>'
        with self.assertRaises(BadFile):
            self.phone().boot()
        del self.files["own.cfg"]
        with self.assertRaises(BadFile):
            self.phone().boot()

    def test_changed(self):
        device = self.phone()
        device.boot()
        self.assertFalse(device.changed())
        self.files["all.cfg"] = '<a x="all" y="other"/>'
        self.assertTrue(device.changed())
        self.assertEqual(device.values["y"], "other")


if __name__ == "__main__":
    unittest.main(verbosity=2)
