# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift with its S3 door, all of its servers in one process: python3 swift_server.py FOLDER PORT USER KEY.

It prints "ready" when there is the bucket "recordings"; for each line of its input it prints {key: sha256} of what is in there, as botocore
sees it; for the line "uploads" the keys of uploads in parts that are neither completed nor aborted, which "abort" aborts; "empty" deletes
what is in the bucket, too. What was asked of it stands in FOLDER/requests with its status. What has the text of FOLDER/refuse in its method
and URL is answered 503. It runs under Debian's python3, for which swift is packaged.
"""
import array
import contextlib
import hashlib
import json
import os
import socket
import sys

import eventlet
eventlet.monkey_patch()

import botocore.config
import botocore.session
from eventlet import tpool, wsgi
from swift.common import utils
from swift.common.ring import RingData
from swift.common.wsgi import loadapp

BUCKET, REGION = "recordings", "us-east-1"
PROXY = """[DEFAULT]
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = {region}
min_segment_size = 1
[filter:slo]
use = egg:swift#slo
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {key} .admin
"""
BEHIND = """[DEFAULT]
devices = {folder}/disks
mount_check = false
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#{kind}
"""


def written(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def serve(listener, application):
    eventlet.spawn(wsgi.server, listener, application, open(os.devnull, "w", encoding="utf-8"))


class Door:
    """Before the proxy: notes what is asked, and refuses what FOLDER/refuse says."""
    def __init__(self, folder, inner):
        self.folder, self.inner = folder, inner

    def refused(self, asked):
        try:
            with open(os.path.join(self.folder, "refuse"), encoding="utf-8") as file:
                return file.read().strip() in asked
        except FileNotFoundError:
            return False

    def __call__(self, environ, answer):
        asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        if self.refused(asked):
            while environ["wsgi.input"].read(65536):
                pass
            answer("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code></Error>"]

        def noted(status, *more):
            with open(os.path.join(self.folder, "requests"), "a", encoding="utf-8") as file:
                file.write(f"{status[:3]} {asked}\n")
            return answer(status, *more)
        return self.inner(environ, noted)


def listen(port=0):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def behind(folder, kind, port):
    """A ring of one disk on one server."""
    disk = {"id": 0, "zone": 1, "region": 1, "weight": 1.0, "ip": "127.0.0.1", "port": port, "device": "disk", "meta": "",
            "replication_ip": "127.0.0.1", "replication_port": port}
    RingData([array.array("H", [0, 0])], [disk], 31).save(f"{folder}/{kind}.ring.gz")


def main(folder, port, user, key):
    utils.HASH_PATH_SUFFIX, utils.HASH_PATH_PREFIX = b"x", b"y"
    utils.SWIFT_CONF_FILE = written(f"{folder}/swift.conf", "[swift-hash]\nswift_hash_path_suffix = x\nswift_hash_path_prefix = y\n")
    os.makedirs(f"{folder}/disks/disk", exist_ok=True)
    listeners = {kind: listen() for kind in ("account", "container", "object")}
    for kind, listener in listeners.items():
        behind(folder, kind, listener.getsockname()[1])
    for kind, listener in listeners.items():
        serve(listener, loadapp(written(f"{folder}/{kind}.conf", BEHIND.format(folder=folder, kind=kind))))
    proxy = loadapp(written(f"{folder}/proxy.conf", PROXY.format(folder=folder, region=REGION, user=user.replace(":", "_"), key=key)))
    serve(listen(int(port)), Door(folder, proxy))
    client = botocore.session.get_session().create_client(
        "s3", region_name=REGION, endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=user, aws_secret_access_key=key,
        config=botocore.config.Config(s3={"addressing_style": "path"}))
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):     # it was here before
        client.create_bucket(Bucket=BUCKET)
    print("ready", flush=True)
    while line := tpool.execute(sys.stdin.readline):
        if line == "uploads\n":
            print(json.dumps([one["Key"] for one in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]), flush=True)
            continue
        if line in ("abort\n", "empty\n"):
            for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", []) if line == "empty\n" else ():
                client.delete_object(Bucket=BUCKET, Key=one["Key"])
            for one in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
                client.abort_multipart_upload(Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"])
            print("true", flush=True)
            continue
        keys = [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        print(json.dumps({name: hashlib.sha256(client.get_object(Bucket=BUCKET, Key=name)["Body"].read()).hexdigest() for name in keys}),
              flush=True)


main(*sys.argv[1:])
