# SPDX-License-Identifier: Apache-2.0
"""A node on a machine of its own, as any node of a cluster: each has a shard, and each shard an address."""
import contextlib
import datetime
import json
import os
import re
import shutil
import ssl
import urllib.error
import urllib.request

from lib.node import SANITIZERS, build_folder
from server import Server

SIP, SIPS, PEER_PORT, HTTP = 5060, 5061, 7400, 8080
SHARDS = {17: "10.77.0.17", 18: "10.77.0.18", 19: "10.77.0.19"}
ADDRESSES = {17: "10.77.0.11", 18: "10.77.0.12", 19: "10.77.0.13"}     # of the nodes whose own ones they are
NONE = {"calls": 0, "transactions": 0, "port_pairs": 0, "calls_per_second": 0, "registrations_per_second": 0}


class ClusterNode(Server):
    """shard: its own one. redis: its settings, sbc: whom it trusts, ports: of media, names: a name server. ways: it has an address of its own, to which phones come in
    these ways; else addresses go with their shards."""

    def __init__(self, host, folder, shard, redis, sbc, lease, ports, ways=None, names=None):
        super().__init__(os.path.join(build_folder(), "app"), os.path.join(folder, f"node-{host.name}"),
                         {name: os.environ.get(name, value) for name, value in SANITIZERS.items()})
        self.host, self.name, self.shard, self.ways = host, host.name, shard, ways
        self.context = ssl.create_default_context(cafile=ways.authority.path) if ways else None
        self.init(bind=host.address, sip_ports=SIP, tls_ports="none", http=f"{host.address}:{HTTP}")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(self._settings(redis, sbc, lease, ports, names), file, indent=1)

    def _networks(self, ports):
        common = {"sip_ports": [SIP], "sip_tls_ports": [SIPS] if self.ways else [], "media_ports": ports}
        if self.ways:
            return [{"name": "own", "bind": self.host.address, **common}]
        return [{"name": f"s{shard}", "bind": address, "shard": shard, "floating": True, **common} for shard, address in SHARDS.items()]

    def _tls(self):
        certificate, key = self.ways.certificate
        return {"tls": {"certificate": certificate, "key": key, "ca": self.ways.authority.path}}

    def _settings(self, redis, sbc, lease, ports, names):
        """Sessions last: no phone here refreshes its own, and some calls are up for half an hour."""
        return {"node": {"name": self.name, "shard": self.shard, "state_dir": self.folder},
                "redis": redis, **({"dns": {"servers": [names]}} if names else {}),
                "cluster": {"listen": f"{self.host.address}:{PEER_PORT}", "lease": lease, "replicas": 1,
                            **({"shards": list(SHARDS)} if self.ways else {})},
                "networks": self._networks(ports), **(self._tls() if self.ways else {}),
                "http": {"bind": self.host.address, "port": HTTP, "tls": bool(self.ways)}, "sip": {"trusted": [sbc], "domains": [sbc], "session_expires": "4h"},
                "limits": {"transactions": 100000}, "quotas": {"share": 100, "extension": NONE, "source": NONE}}

    def same_keys(self, other):
        for name in ("keys", "dtls.pem"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(os.path.join(other.folder, name), os.path.join(self.folder, name))

    def start(self, seconds=30, wrapper=()):
        super().start(seconds, (*wrapper, *self.host.command))

    def page(self, path, refused=False):
        """"": it does not answer. refused: also where it says that it is not well."""
        try:
            with urllib.request.urlopen(f"{'https' if self.ways else 'http'}://{self.host.address}:{HTTP}{path}", timeout=1, context=self.context) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode() if refused else ""
        except OSError:
            return ""

    def faults(self):
        """Why it is degraded; None: it does not answer."""
        page = self.page("/healthz", refused=True)
        return set(json.loads(page)["reasons"]) - {"emergency_calls_fail"} if page else None     # there are no trunks

    def metric(self, name, **labels):
        """Summed over what has these labels."""
        lines = [line.rpartition(" ") for line in self.page("/metrics").splitlines()]
        return sum(float(value) for series, _, value in lines
                   if series.partition("{")[0] == name and all(f'{key}="{text}"' in series for key, text in labels.items()))

    def live(self):
        """How many shards it runs."""
        return int(self.metric("tandem_shards", state="live")) if self.running() else 0

    def _last_s(self, message, shard):
        """When it said so of that shard, seconds; None: never."""
        lines = [line for line in self.log_text().splitlines() if message in line and re.search(rf" shard={shard}\b", line)]
        text = re.match(r"ts=(\S+)Z", lines[-1])[1] if lines else None
        return datetime.datetime.fromisoformat(text).timestamp() if text else None

    def claims(self):
        """How often it has claimed a shard."""
        return sum("claiming it" in line for line in self.log_text().splitlines())

    def took_s(self, shard):
        """From its claim of that shard until it ran it; None: it has claimed none."""
        claimed, live = self._last_s("claiming it", shard), self._last_s("the shard is live", shard)
        return live - claimed if claimed and live and live > claimed else None

    def close(self):
        if self.running():
            self.kill()
