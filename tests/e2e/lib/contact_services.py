# SPDX-License-Identifier: Apache-2.0
"""Services that have contacts, made from their published descriptions: Google People, Microsoft Graph, Pipedrive; and CardDAV of a few words. A test says
what they have, and how they answer. None of this was tried against the services."""
import contextlib
import http.server
import json
import threading
import urllib.parse
import xml.sax.saxutils


class Services:
    """people: {id: members as the service has them}; changes: a number that grows; seen: the requests. fails: (status, headers, body) for the next ones.
    slow: an event that the next page waits for."""
    PAGE = 2

    def __init__(self, address="127.0.0.1"):
        self.people, self.changed, self.change, self.seen, self.fails, self.forgets = {}, {}, 0, [], [], 0
        self.lock, self.gate = threading.RLock(), None
        self.server = http.server.ThreadingHTTPServer((address, 0), self.handler())
        self.url = f"http://{address}:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def put(self, name, /, **members):
        with self.lock:
            self.change += 1
            self.people[name], self.changed[name] = members, self.change

    def delete(self, name):
        with self.lock:
            self.change += 1
            del self.people[name]
            self.changed[name] = self.change

    def forget(self):
        """Tokens of before are not known any more."""
        with self.lock:
            self.forgets = self.change + 1
            self.change += 1

    def since(self, token):
        """[(name, members or None)], the oldest change first; None: that token is too old."""
        if token and int(token) < self.forgets:
            return None
        return [(name, self.people.get(name)) for name, at in sorted(self.changed.items(), key=lambda one: one[1])
                if at > int(token or 0) and (token or name in self.people)]

    def handler(self):
        services = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body, kind="application/json", **headers):
                body = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_any(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                with services.lock:
                    services.seen.append((self.command, url.path, query, dict(self.headers), body))
                    fails = services.fails.pop(0) if services.fails else None
                    gate = services.gate
                if gate and ("pageToken" in query or "$skiptoken" in query or "cursor" in query or "multiget" in body):
                    gate.wait(60)
                with contextlib.suppress(OSError), services.lock:
                    if fails:
                        self.answer(fails[0], fails[2], **fails[1])
                    else:
                        services.serve(self, url.path, query, body)
            do_GET = do_POST = do_REPORT = do_any
        return Handler

    def serve(self, request, path, query, body):
        if path.endswith("/token"):
            request.answer(200, {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3599})
        elif path == "/v1/people/me/connections":
            self.google(request, query)
        elif path.endswith("/contacts/delta"):
            self.microsoft(request, path, query)
        elif path == "/api/v2/persons":
            self.pipedrive(request, query)
        elif request.command == "REPORT":
            self.carddav(request, path, body)
        else:
            request.answer(404, {})

    def page(self, rows, at):
        at = int(at or 0)
        return rows[at:at + self.PAGE], str(at + self.PAGE) if at + self.PAGE < len(rows) else None

    def google(self, request, query):
        assert request.headers["Authorization"] == "Bearer access-1" and "phoneNumbers" in query["personFields"]
        rows = self.since(query.get("syncToken"))
        if rows is None:
            request.answer(400, {"error": {"code": 400, "status": "FAILED_PRECONDITION", "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "EXPIRED_SYNC_TOKEN"}]}})
            return
        rows, more = self.page(rows, query.get("pageToken"))
        request.answer(200, {"connections": [{"resourceName": f"people/{name}", "etag": "%x", **(
            {"metadata": {"deleted": True}} if members is None else members)} for name, members in rows],
            **({"nextPageToken": more} if more else {"nextSyncToken": str(self.change)})})

    def microsoft(self, request, path, query):
        assert request.headers["Authorization"] == "Bearer access-1"
        rows = self.since(query.get("$deltatoken"))
        if rows is None:
            request.answer(410, {"error": {"code": "SyncStateNotFound"}})
            return
        rows, more = self.page(rows, query.get("$skiptoken"))
        link = f"{self.url}{path}?" + urllib.parse.urlencode({"$deltatoken": query.get("$deltatoken", "0"), "$skiptoken": more} if more
                                                             else {"$deltatoken": self.change})
        request.answer(200, {"value": [{"id": name, **({"@removed": {"reason": "deleted"}} if members is None else members)} for name, members in rows],
                             "@odata.nextLink" if more else "@odata.deltaLink": link})

    def pipedrive(self, request, query):
        assert request.headers["x-api-token"]
        rows, more = self.page(sorted(self.people.items()), query.get("cursor"))
        request.answer(200, {"success": True, "data": [{"id": int(name), **members} for name, members in rows], "additional_data": {"next_cursor": more}})

    def carddav(self, request, path, body):
        """A server that knows no limit. People have a card; one with a card of None is listed, and not brought."""
        quoted = xml.sax.saxutils.escape
        if "multiget" in body:
            names = [href.split("<")[0].rsplit("/", 1)[1] for href in body.split("<d:href>")[1:]]
            parts = [f"<d:response><d:href>{path}{name}</d:href><d:propstat><d:prop><c:address-data>{quoted(self.people[name]['card'])}</c:address-data>"
                     "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>" for name in names if self.people.get(name, {}).get("card")]
            parts += [f"<d:response><d:href>{path}{name}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"
                      for name in names if name not in self.people]
        else:
            rows = self.since(body.split("<d:sync-token>")[1].split("<")[0])
            if rows is None:
                request.answer(403, '<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>', "application/xml")
                return
            parts = [f"<d:response><d:href>{path}{name}</d:href>" + (
                "<d:status>HTTP/1.1 404 Not Found</d:status>" if members is None else
                '<d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>') + "</d:response>"
                for name, members in rows] + [f"<d:sync-token>{self.change}</d:sync-token>"]
        request.answer(207, '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">' + "".join(parts) + "</d:multistatus>", "application/xml")
