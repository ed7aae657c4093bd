# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes: what can be tried without a cluster. The settings are a node's, the probes are answered, and the objects fit each other."""
import copy
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml

from lib import ROOT
from lib.node import build_folder
from lib.wire import alone
from patience import until
from server import Server

HERE = pathlib.Path(ROOT, "deploy", "kubernetes")
STATE = "/var/lib/tandem"
STOP_S = 20                     # of TimeoutStopSec= in deploy/tandem.service: how much longer than node.drain_time


def objects():
    return {each["kind"]: each for each in yaml.safe_load_all((HERE / "tandem.yaml").read_text(encoding="utf-8"))}


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def faults(found):
    """What does not fit."""
    stateful, pod = found["StatefulSet"]["spec"], found["StatefulSet"]["spec"]["template"]["spec"]
    labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    settings = yaml.safe_load(found["ConfigMap"]["data"]["tandem.yaml"].replace("@", ""))
    containers = pod["initContainers"] + pod["containers"]
    node, probe = pod["containers"][0], pod["containers"][0]["readinessProbe"]["httpGet"]
    volumes = {each["name"] for each in pod["volumes"]} | {each["metadata"]["name"] for each in stateful["volumeClaimTemplates"]}
    rules = {
        "addresses of the machine": pod.get("hostNetwork") is True,
        "one node a machine": pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]["labelSelector"]
        ["matchLabels"] == labels,
        "ready is /readyz": (probe["path"], probe["port"]) == ("/readyz", settings["http"]["health_port"]),
        "not killed for Redis": "livenessProbe" not in node,
        "time to drain": pod["terminationGracePeriodSeconds"] >= seconds(settings["node"]["drain_time"]) + STOP_S,
        "each shard has a node": settings["cluster"]["shards"] == list(range(1, stateful["replicas"] + 1)),
        "one at a time": found["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1,
        "all select the same": all(found[kind]["spec"]["selector"].get("matchLabels", found[kind]["spec"]["selector"]) == labels
                                   for kind in ("PodDisruptionBudget", "Service", "StatefulSet")),
        "no privilege": all(each["securityContext"]["capabilities"] == {"drop": ["ALL"]} for each in containers),
        "one image": len({each["image"] for each in containers}) == 1,
        "volumes are there": all(mount["name"] in volumes for each in containers for mount in each["volumeMounts"]),
        "its settings": node["args"] == ["--config", f"{STATE}/tandem.yaml"] and settings["node"]["state_dir"] == STATE,
        "a volume of its own": stateful["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"],
        "its SIP port": found["Service"]["spec"]["ports"][0]["port"] in settings["networks"][0]["sip_ports"],
        "what settings ask for": {"POD_NAME", "HOST_IP", "REDIS_URL"} <= {each["name"] for each in pod["initContainers"][0]["env"]},
    }
    return [name for name, fits in rules.items() if not fits]


class Objects(unittest.TestCase):
    def test_fit(self):
        self.assertEqual(faults(objects()), [])

    def test_what_does_not_fit(self):
        """Each fault is seen."""
        def of_pod(act):
            return lambda found: act(found["StatefulSet"]["spec"]["template"]["spec"])

        breaks = {
            "addresses of the machine": of_pod(lambda pod: pod.pop("hostNetwork")),
            "ready is /readyz": of_pod(lambda pod: pod["containers"][0]["readinessProbe"]["httpGet"].update(port=8080)),
            "not killed for Redis": of_pod(lambda pod: pod["containers"][0].update(livenessProbe={})),
            "time to drain": of_pod(lambda pod: pod.update(terminationGracePeriodSeconds=30)),
            "each shard has a node": lambda found: found["StatefulSet"]["spec"].update(replicas=4),
            "one at a time": lambda found: found["PodDisruptionBudget"]["spec"].update(maxUnavailable=2),
            "all select the same": lambda found: found["Service"]["spec"].update(selector={"app": "other"}),
            "no privilege": of_pod(lambda pod: pod["containers"][0].update(securityContext={"capabilities": {}})),
            "volumes are there": of_pod(lambda pod: pod["volumes"].pop()),
            "its SIP port": lambda found: found["Service"]["spec"]["ports"][0].update(port=5070),
        }
        for name, act in breaks.items():
            found = copy.deepcopy(objects())
            act(found)
            self.assertEqual(faults(found), [name])

    def test_image_installs_what_there_is(self):
        """Each file that the image copies is there, and it installs lists of packages that exist."""
        text = (HERE / "Dockerfile").read_text(encoding="utf-8")
        for words in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
            self.assertTrue((pathlib.Path(ROOT) / words).exists(), words)
        for purpose in re.findall(r"^RUN sh \S+install\.sh (\w+)", text, re.M):
            self.assertTrue((pathlib.Path(ROOT) / "deploy" / "packages" / f"{purpose}.txt").exists(), purpose)
        self.assertEqual(set(re.findall(r"^FROM (\S+)", text, re.M)), {"debian:12"})


class Pod(unittest.TestCase):
    """What the pod's containers do, with folders in place of its volumes."""

    def setUp(self):
        alone()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-pod-")))
        for name in ("settings", "secret", "state"):
            (self.folder / name).mkdir()
        text = objects()["ConfigMap"]["data"]["tandem.yaml"].replace(STATE, str(self.folder / "state"))
        (self.folder / "settings" / "tandem.yaml").write_text(text, encoding="utf-8")
        made = self.folder / "made"
        subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "init", "--dir", str(made), "--bind", "127.0.0.1"], check=True,
                       capture_output=True)
        (self.folder / "secret" / "keys").write_bytes((made / "keys").read_bytes())
        (self.folder / "secret" / "dtls.pem").write_bytes(b"")
        self.redis = "redis://someone:a&b|c@127.0.0.1:6379"

    def prepare(self, pod):
        return subprocess.run([str(HERE / "tandem-settings")], capture_output=True, text=True,
                              env={**os.environ, "POD_NAME": pod, "HOST_IP": "127.0.0.1", "REDIS_URL": self.redis,
                                   "SETTINGS": str(self.folder / "settings"), "SECRET": str(self.folder / "secret"),
                                   "STATE": str(self.folder / "state")})

    def test_settings(self):
        self.assertEqual(self.prepare("tandem-2").returncode, 0)
        path = self.folder / "state" / "tandem.yaml"
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.assertEqual((settings["node"]["name"], settings["node"]["shard"], settings["redis"]["url"]), ("tandem-2", 3, self.redis))
        self.assertEqual((self.folder / "state" / "keys").stat().st_mode & 0o777, 0o600)
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--check-syntax", str(path)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.prepare("tandem").returncode, 2)

    def status(self):
        try:
            return urllib.request.urlopen("http://127.0.0.1:8081/readyz", timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code

    def test_probe(self):
        """A node with these settings is ready, and not while it drains."""
        self.redis = "redis://127.0.0.1:6379"
        redis = subprocess.Popen(["redis-server", "--port", "6379", "--save", ""], stdout=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.terminate)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=t",
                        "-keyout", str(self.folder / "key"), "-out", str(self.folder / "crt"), "-days", "30"], check=True, capture_output=True)
        (self.folder / "secret" / "dtls.pem").write_bytes((self.folder / "key").read_bytes() + (self.folder / "crt").read_bytes())
        self.assertEqual(self.prepare("tandem-0").returncode, 0)
        node = Server(os.path.join(build_folder(), "app"), str(self.folder / "state"))
        node.start()
        self.addCleanup(node.kill)
        self.assertEqual(self.status(), 200)
        node.ctl("node.drain")
        until(lambda: self.status() == 503, lambda: "it is ready while it drains")


if __name__ == "__main__":
    unittest.main()
