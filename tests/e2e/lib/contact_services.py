# SPDX-License-Identifier: Apache-2.0
"""Services that have contacts and calendars, made from their published descriptions: Google People and Calendar, Microsoft Graph, Pipedrive, Exchange Web
Services; and CardDAV and CalDAV of a few words. A test says what they have, and how they answer. None of this was tried against the services."""
import base64
import contextlib
import datetime
import hmac
import http.server
import json
import os
import struct
import threading
import time
import urllib.parse
import xml.etree.ElementTree
import xml.sax.saxutils

M, T = ("http://schemas.microsoft.com/exchange/services/2006/messages", "http://schemas.microsoft.com/exchange/services/2006/types")
# Of messages.xsd and types.xsd: the members of each in their order.
EXCHANGE = {"SyncFolderItems": ["ItemShape", "SyncFolderId", "SyncState", "Ignore", "MaxChangesReturned", "SyncScope"],
            "FindItem": ["ItemShape", "IndexedPageItemView", "FractionalPageItemView", "CalendarView", "ContactsView", "GroupBy", "DistinguishedGroupBy", "Restriction",
                         "SortOrder", "ParentFolderIds", "QueryString"],
            "GetItem": ["ItemShape", "ItemIds"], "IsEqualTo": ["FieldURI", "FieldURIOrConstant"],
            "FindFolder": ["FolderShape", "IndexedPageFolderView", "FractionalPageFolderView", "Restriction", "ParentFolderIds"],
            "ItemShape": ["BaseShape", "IncludeMimeContent", "BodyType", "AdditionalProperties"],
            "GetUserAvailabilityRequest": ["TimeZone", "MailboxDataArray", "FreeBusyViewOptions", "SuggestionsViewOptions"],
            "TimeZone": ["Bias", "StandardTime", "DaylightTime"], "StandardTime": ["Bias", "Time", "DayOrder", "Month", "DayOfWeek"],
            "DaylightTime": ["Bias", "Time", "DayOrder", "Month", "DayOfWeek"], "MailboxData": ["Email", "AttendeeType", "ExcludeConflicts"],
            "FreeBusyViewOptions": ["TimeWindow", "MergedFreeBusyIntervalInMinutes", "RequestedView"], "TimeWindow": ["StartTime", "EndTime"]}


def at(seconds, form="%Y-%m-%dT%H:%M:%SZ"):
    return time.strftime(form, time.gmtime(seconds))


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=datetime.timezone.utc).timestamp()


def md4(text):
    """RFC 1320, which Python's library knows no more."""
    words, turn = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476], lambda value, by: (value << by | value >> 32 - by) & 0xffffffff
    text = text + b"\x80" + bytes(-(len(text) + 9) % 64) + struct.pack("<Q", 8 * len(text))
    rounds = ((lambda x, y, z: x & y | ~x & z, 0, range(16), (3, 7, 11, 19)),
              (lambda x, y, z: x & y | x & z | y & z, 0x5a827999, [i % 4 * 4 + i // 4 for i in range(16)], (3, 5, 9, 13)),
              (lambda x, y, z: x ^ y ^ z, 0x6ed9eba1, [int(f"{i:04b}"[::-1], 2) for i in range(16)], (3, 9, 11, 15)))
    for block in (struct.unpack("<16I", text[at:at + 64]) for at in range(0, len(text), 64)):
        a, b, c, d = words
        for mix, more, order, by in rounds:
            for i, place in enumerate(order):
                a, b, c, d = d, turn((a + mix(b, c, d) + block[place] + more) & 0xffffffff, by[i % 4]), b, c
        words = [(one + other) & 0xffffffff for one, other in zip(words, (a, b, c, d))]
    return struct.pack("<4I", *words)


class Ntlm:
    """A connection of a server that asks by NTLMv2 ([MS-NLMP] 3.3.2), of one user of one domain."""
    USER, DOMAIN = "anna", "EXAMPLE"

    def __init__(self, password):
        self.password, self.challenge, self.knows = password, os.urandom(8), False

    def asks(self):
        """CHALLENGE_MESSAGE: in Unicode, with information of the target, which makes a client answer by NTLMv2."""
        name = self.DOMAIN.encode("utf-16-le")
        target = struct.pack("<HH", 2, len(name)) + name + bytes(4)
        return b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 48, 0x880205) + self.challenge + bytes(8) + struct.pack("<HHI", len(target), len(target), 48) + target

    def part(self, message, at):
        length, _, offset = struct.unpack("<HHI", message[at:at + 8])
        return message[offset:offset + length]

    def takes(self, message):
        """The header that asks again; None: it is right."""
        if message[:12] == b"NTLMSSP\0\1\0\0\0":
            return "NTLM " + base64.b64encode(self.asks()).decode()
        if message[:12] == b"NTLMSSP\0\3\0\0\0":
            answer, domain, user = (self.part(message, at) for at in (20, 28, 36))
            key = hmac.new(md4(self.password.encode("utf-16-le")), (self.USER.upper() + self.DOMAIN).encode("utf-16-le"), "md5").digest()
            proof = hmac.new(key, self.challenge + answer[16:], "md5").digest()
            names = (domain.decode("utf-16-le"), user.decode("utf-16-le"))
            self.knows = len(answer) > 24 and names == (self.DOMAIN, self.USER) and hmac.compare_digest(proof, answer[:16])
        return None if self.knows else "NTLM"


class Services:
    """people: {id: members as the service has them}; changes: a number that grows; seen: the requests. fails: (status, headers, body) for the next ones.
    gate: an event that the next page waits for. meetings: (from, until, what it is: busy, free, tentative or oof), in seconds since 1970."""
    PAGE = 2
    PASSWORD = "s3cret pass"

    def __init__(self, address="127.0.0.1"):
        self.people, self.changed, self.change, self.seen, self.fails, self.forgets = {}, {}, 0, [], [], 0
        self.meetings, self.lock, self.gate = [], threading.RLock(), None
        self.ntlm, self.asked, self.public = False, [], {}      # ids of public folders by the id of the folder above ("": the root) and name
        self.folders, self.folder_of = {"O'Hara & Partners": "AQMkA="}, {}        # ids by name; where people are that are not in contacts
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

    def of(self, folder, rows):
        return [row for row in rows if self.folder_of.get(row[0], "contacts") == folder]

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

            def exchange_asks(self):
                """What is still asked of who wants something of Exchange; None: nothing."""
                kind, _, token = self.headers.get("Authorization", "").partition(" ")
                if services.ntlm:
                    self.signed = getattr(self, "signed", None) or Ntlm(services.PASSWORD)
                    return None if self.signed.knows and not token else self.signed.takes(base64.b64decode(token) if kind == "NTLM" else b"")
                user, _, password = base64.b64decode(token).decode().partition(":")
                return None if user and password == services.PASSWORD else 'Basic realm="ews"'

            def do_any(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asks = self.exchange_asks() if url.path == "/EWS/Exchange.asmx" else None
                if asks:
                    services.asked.append(dict(self.headers))
                    self.answer(401, "", "text/plain", WWW_Authenticate=asks)
                    return
                with services.lock:
                    services.seen.append((self.command, url.path, query, dict(self.headers), body))
                    fails = services.fails.pop(0) if services.fails else None
                    gate = services.gate
                if gate and ("pageToken" in query or "$skiptoken" in query or "cursor" in query or "multiget" in body or "GetItem" in body):
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
        elif path.endswith(("/contacts/delta", "/users/delta")):
            self.microsoft(request, path, query)
        elif path.endswith("/contactFolders"):
            ids = [self.folders[name] for name in self.folders if query["$filter"] == "displayName eq '" + name.replace("'", "''") + "'"]
            request.answer(200, {"value": [{"id": one} for one in ids]})
        elif path == "/api/v2/persons":
            self.pipedrive(request, query)
        elif path == "/calendar/v3/freeBusy":
            self.google_calendar(request, json.loads(body))
        elif path.endswith("/calendarView"):
            self.microsoft_calendar(request, path, query)
        elif path == "/EWS/Exchange.asmx":
            self.exchange(request, body)
        elif request.command == "REPORT" and "free-busy-query" in body:
            self.caldav(request, body)
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
        folder = urllib.parse.unquote(path.split("/")[-3]) if path.endswith("/contacts/delta") else "users"
        rows, more = self.page(self.of(folder, rows), query.get("$skiptoken"))
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

    def within(self, begin, end):
        return [one for one in sorted(self.meetings) if one[0] < end and one[1] > begin]

    def google_calendar(self, request, asked):
        """What is busy alone; it is clipped to the time that is asked for."""
        assert request.headers["Authorization"] == "Bearer access-1" and [one["id"] for one in asked["items"]] == ["primary"]
        begin, end = seconds(asked["timeMin"]), seconds(asked["timeMax"])
        request.answer(200, {"kind": "calendar#freeBusy", "timeMin": asked["timeMin"], "timeMax": asked["timeMax"], "calendars": {"primary": {
            "busy": [{"start": at(max(begin, one[0])), "end": at(min(end, one[1]))} for one in self.within(begin, end) if one[2] == "busy"]}}})

    def microsoft_calendar(self, request, path, query):
        assert request.headers["Authorization"] == "Bearer access-1" and 'outlook.timezone="UTC"' in request.headers["Prefer"]
        rows, more = self.page(self.within(seconds(query["startDateTime"]), seconds(query["endDateTime"])), query.get("$skip"))
        link = f"{self.url}{path}?" + urllib.parse.urlencode({**query, "$skip": more})
        moment = lambda when: {"dateTime": at(when, "%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}
        request.answer(200, {"value": [{"id": str(one[0]), "showAs": one[2], "isCancelled": False, "start": moment(one[0]), "end": moment(one[1])} for one in rows],
                             **({"@odata.nextLink": link} if more else {})})

    def caldav(self, request, body):
        begin, end = (seconds(datetime.datetime.strptime(body.split(f'{name}="')[1].split('"')[0], "%Y%m%dT%H%M%SZ").isoformat() + "Z") for name in ("start", "end"))
        kinds = {"busy": "BUSY", "free": "FREE", "tentative": "BUSY-TENTATIVE", "oof": "BUSY-UNAVAILABLE"}
        lines = [f"FREEBUSY;FBTYPE={kinds[one[2]]}:{at(one[0], '%Y%m%dT%H%M%SZ')}/\r\n PT{int(one[1] - one[0])}S" for one in self.within(begin, end)]
        request.answer(200, "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY", "END:VCALENDAR", ""]), "text/calendar")

    def exchange(self, request, body):
        """One operation of EWS; what the schema does not know of is refused as a server does."""
        operation = xml.etree.ElementTree.fromstring(body).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]
        for part in operation.iter():
            order = EXCHANGE.get(part.tag.split("}")[1])
            names = [one.tag.split("}")[1] for one in part]
            if order and names != [name for name in order if name in names]:
                request.answer(500, f"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>ErrorSchemaValidation</faultcode></s:Fault></s:Body></s:Envelope>", "text/xml")
                return
        name = operation.tag.split("}")[1]
        answer = {"SyncFolderItems": self.exchange_changes, "FindFolder": self.exchange_folder, "FindItem": self.exchange_found, "GetItem": self.exchange_items, "GetUserAvailabilityRequest": self.exchange_busy}[name](operation)
        request.answer(200, f'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body xmlns:m="{M}" xmlns:t="{T}">{answer}</s:Body></s:Envelope>',
                       "text/xml; charset=utf-8")

    @staticmethod
    def exchange_message(name, inner, code="NoError"):
        kind = "Success" if code == "NoError" else "Error"
        return f'<m:{name}ResponseMessage ResponseClass="{kind}"><m:ResponseCode>{code}</m:ResponseCode>{inner}</m:{name}ResponseMessage>'

    def exchange_changes(self, asked):
        """As many changes as a page has; the state is the number of a change. Beside contacts the folder has a list of people."""
        folder = asked.find(f"{{{M}}}SyncFolderId")[0].get("Id")
        assert folder not in self.public.values()
        state = asked.findtext(f"{{{M}}}SyncState")
        known, _, upto = (state or "").partition("-")
        rows = [(name, self.people.get(name)) for name, change in sorted(self.changed.items(), key=lambda one: one[1])
                if change > int(upto or 0) and (state or name in self.people)]
        rows = self.of(folder, rows)
        if state and known != str(self.forgets):
            message = self.exchange_message("SyncFolderItems", "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>", "ErrorInvalidSyncStateData")
        else:
            rows, more = rows[:self.PAGE], len(rows) > self.PAGE
            kind = "Update" if state else "Create"
            parts = [f'<t:Delete><t:ItemId Id="{name}" ChangeKey="k"/></t:Delete>' if members is None else
                     f'<t:{kind}><t:Contact><t:ItemId Id="{name}" ChangeKey="k{self.changed[name]}"/></t:Contact></t:{kind}>' for name, members in rows]
            parts.append('<t:Create><t:DistributionList><t:ItemId Id="list" ChangeKey="k"/></t:DistributionList></t:Create>')
            upto = self.changed[rows[-1][0]] if more else self.change
            message = self.exchange_message("SyncFolderItems", f"<m:SyncState>{self.forgets}-{upto}</m:SyncState><m:IncludesLastItemInRange>{'false' if more else 'true'}"
                                            f"</m:IncludesLastItemInRange><m:Changes>{''.join(parts)}</m:Changes>")
        return f"<m:SyncFolderItemsResponse><m:ResponseMessages>{message}</m:ResponseMessages></m:SyncFolderItemsResponse>"

    def exchange_folder(self, asked):
        name, parent = asked.find(f".//{{{T}}}Constant").get("Value"), asked.find(f"{{{M}}}ParentFolderIds")[0].get("Id")
        if parent == "msgfolderroot":
            found = self.folders.get(name)
        else:
            found = self.public.get(("" if parent == "publicfoldersroot" else parent, name)) if asked.get("Traversal") == "Shallow" else None
        inner = f'<t:ContactsFolder><t:FolderId Id="{found}" ChangeKey="k"/></t:ContactsFolder>' if found else ""
        message = self.exchange_message("FindFolder", f'<m:RootFolder IncludesLastItemInRange="true"><t:Folders>{inner}</t:Folders></m:RootFolder>')
        return f"<m:FindFolderResponse><m:ResponseMessages>{message}</m:ResponseMessages></m:FindFolderResponse>"

    def exchange_found(self, asked):
        """Of a public folder a page of all that is there: SyncFolderItems is not supported there."""
        rows = self.of(asked.find(f"{{{M}}}ParentFolderIds")[0].get("Id"), self.since(None))
        offset = int(asked.find(f"{{{M}}}IndexedPageItemView").get("Offset"))
        page, more = rows[offset:offset + self.PAGE], len(rows) > offset + self.PAGE
        items = "".join(f'<t:Contact><t:ItemId Id="{name}" ChangeKey="k"/></t:Contact>' for name, _ in page)
        message = self.exchange_message("FindItem", f'<m:RootFolder IndexedPagingOffset="{offset + len(page)}" TotalItemsInView="{len(rows)}" '
                                        f'IncludesLastItemInRange="{"false" if more else "true"}"><t:Items>{items}</t:Items></m:RootFolder>')
        return f"<m:FindItemResponse><m:ResponseMessages>{message}</m:ResponseMessages></m:FindItemResponse>"

    def exchange_items(self, asked):
        quoted, messages = xml.sax.saxutils.escape, ""
        for name in (one.get("Id") for one in asked.find(f"{{{M}}}ItemIds")):
            members = self.people.get(name)
            if members is None:
                messages += self.exchange_message("GetItem", "<m:Items/>", "ErrorItemNotFound")
                continue
            entries = lambda kind: "".join(f'<t:Entry Key="{key}">{quoted(value)}</t:Entry>' for key, value in members.get(kind, {}).items())
            whole = "".join(f"<t:{key}>{quoted(value)}</t:{key}>" for key, value in members.get("CompleteName", {}).items())
            plain = {key: f"<t:{key}>{quoted(value)}</t:{key}>" for key, value in members.items() if isinstance(value, str)}
            messages += self.exchange_message("GetItem", f'<m:Items><t:Contact><t:ItemId Id="{name}" ChangeKey="k"/>{plain.get("DisplayName", "")}'
                                              f'<t:CompleteName>{whole}</t:CompleteName>{plain.get("CompanyName", "")}<t:EmailAddresses>{entries("EmailAddresses")}'
                                              f'</t:EmailAddresses><t:PhoneNumbers>{entries("PhoneNumbers")}</t:PhoneNumbers>{plain.get("Department", "")}'
                                              f'{plain.get("JobTitle", "")}</t:Contact></m:Items>')
        return f"<m:GetItemResponse><m:ResponseMessages>{messages}</m:ResponseMessages></m:GetItemResponse>"

    def exchange_busy(self, asked):
        """In the zone of the request, which is UTC."""
        assert {one.text for one in asked.iter(f"{{{T}}}Bias")} == {"0"} and asked.find(f".//{{{T}}}Address").text == "anna@example.com"
        begin, end = (seconds(asked.find(f".//{{{T}}}{name}").text + "Z") for name in ("StartTime", "EndTime"))
        kinds = {"busy": "Busy", "free": "Free", "tentative": "Tentative", "oof": "OOF"}
        events = "".join(f"<t:CalendarEvent><t:StartTime>{at(one[0], '%Y-%m-%dT%H:%M:%S')}</t:StartTime><t:EndTime>{at(one[1], '%Y-%m-%dT%H:%M:%S')}</t:EndTime>"
                         f"<t:BusyType>{kinds[one[2]]}</t:BusyType></t:CalendarEvent>" for one in self.within(begin, end))
        return ('<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError'
                "</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>Detailed</t:FreeBusyViewType>"
                f"<t:CalendarEventArray>{events}</t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")
