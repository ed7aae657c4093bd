# SPDX-License-Identifier: Apache-2.0
"""A look into a node's Redis: by the client that others may use as well."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "client"))

from tandem_client import Redis, RedisError     # noqa: E402, F401
