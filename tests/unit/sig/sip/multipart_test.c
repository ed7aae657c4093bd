/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several parts: what of them is the session, and what cannot be taken. */
#include <errno.h>

#include "sig/sip/body.h"
#include "tests/unit/test.h"

#define MIXED "multipart/mixed;boundary=b"
#define SDP   "Content-Type: application/sdp\r\n\r\nv=0\r\ns=1\r\n"
#define ISUP(handling)                                                          \
	"Content-Type: application/isup;base=itu-t92+;version=itu\r\n"          \
	"Content-Disposition: signal;handling=" handling "\r\n\r\n\x01\x10\r\n" \
	"--bogus\r\n\xff\r\n"

static const struct {
	const char *name, *type, *disposition, *coding, *body;
	int err;
	const char *sdp; /* "": none */
} rows[] = {
	{ "none", "", "", "", "", 0, "" },
	{ "SDP", "application/sdp", "", "", "v=0\r\n", 0, "v=0\r\n" },
	{ "SDP with a parameter", "Application/SDP;charset=x", "session", "identity", "v=0", 0,
	  "v=0" },
	{ "SDP for something else", "application/sdp", "early-session", "", "v=0", -ENOTSUP, "" },
	{ "compressed", "application/sdp", "", "gzip", "v=0", -ENOTSUP, "" },
	{ "another type", "text/plain", "", "", "x", -ENOTSUP, "" },
	{ "another type that may be passed over", "text/plain", "render;handling=optional", "", "x",
	  0, "" },
	{ "one part", MIXED, "", "", "--b\r\n" SDP "\r\n--b--\r\n", 0, "v=0\r\ns=1\r\n" },
	{ "quoted boundary", "Multipart/Mixed; boundary=\"a b\"", "", "",
	  "--a b\r\n" SDP "\r\n--a b--", 0, "v=0\r\ns=1\r\n" },
	{ "lines of Unix", MIXED, "", "", "--b\nContent-Type: application/sdp\n\nv=0\n--b--\n", 0,
	  "v=0" },
	{ "preamble, blanks behind the delimiter, epilogue", MIXED, "", "",
	  "for old readers\r\n--b \t\r\n" SDP "--b--\r\nrest", 0, "v=0\r\ns=1" },
	{ "a longer word is no delimiter", MIXED, "", "",
	  "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--bc\r\n--b--", 0, "v=0\r\n--bc" },
	{ "signalling that may be dropped", MIXED, "", "",
	  "--b\r\n" ISUP("optional") "--b\r\n" SDP "\r\n--b--", 0, "v=0\r\ns=1\r\n" },
	{ "signalling that must be understood", MIXED, "", "",
	  "--b\r\n" SDP "\r\n--b\r\n" ISUP("Required") "--b--", -ENOTSUP, "" },
	{ "a location, nothing said of it", MIXED, "", "",
	  "--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <x@y>\r\n\r\n<presence/>\r\n"
	  "--b\r\n" SDP "\r\n--b--",
	  0, "v=0\r\ns=1\r\n" },
	{ "compact, folded and coded as it stands", MIXED, "", "",
	  "--b\r\nc:\r\n application/sdp\r\nContent-Transfer-Encoding: 8bit\r\n\r\nv=0\r\n--b--", 0,
	  "v=0" },
	{ "base64", MIXED, "", "",
	  "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
	  "base64\r\n\r\ndj0w\r\n"
	  "--b--",
	  -ENOTSUP, "" },
	{ "without SDP", MIXED, "", "", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", 0,
	  "" },
	{ "the first of two", MIXED, "", "",
	  "--b\r\n" SDP "--b\r\nContent-Type: application/sdp"
	  "\r\n\r\nv=1\r\n--b--",
	  0, "v=0\r\ns=1" },
	{ "the last alternative that is known", "multipart/alternative;boundary=b", "", "",
	  "--b\r\nContent-Type: application/sdp\r\n\r\nv=1\r\n--b\r\n" SDP
	  "--b\r\nContent-Type: application/sdpng\r\n\r\n<x/>\r\n--b--",
	  0, "v=0\r\ns=1" },
	{ "within another", MIXED, "", "",
	  "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: "
	  "multipart/related;boundary=c\r\n\r\n--c\r\n" SDP "--c--\r\n--b--",
	  0, "v=0\r\ns=1" },
	{ "too deep", MIXED, "", "",
	  "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n"
	  "Content-Type: multipart/mixed;boundary=d\r\n\r\n--d\r\n"
	  "Content-Type: multipart/mixed;boundary=e\r\n\r\n--e\r\n" SDP
	  "--e--\r\n--d--\r\n--c--\r\n--b--",
	  -ENOTSUP, "" },
	{ "no boundary", "multipart/mixed", "", "", "--b\r\n" SDP "--b--", -EBADMSG, "" },
	{ "another boundary", MIXED, "", "", "--c\r\n" SDP "--c--", -EBADMSG, "" },
	{ "no end", MIXED, "", "", "--b\r\n" SDP, -EBADMSG, "" },
	{ "no header", MIXED, "", "", "--b\r\nv=0\r\n\r\n--b--", -EBADMSG, "" },
	{ "a part that may be dropped with a session within", MIXED, "", "",
	  "--b\r\nContent-Type: application/x;y\r\nContent-Disposition: x;handling=optional\r\n\r\n"
	  "\r\n--b--",
	  0, "" },
};

static void bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct body_part whole = { .type = bytes_str(rows[i].type),
					   .disposition = bytes_str(rows[i].disposition),
					   .coding = bytes_str(rows[i].coding),
					   .octets = bytes_str(rows[i].body) };
		struct bytes sdp;
		int err = body_session(&whole, &sdp);

		if (err != rows[i].err || !bytes_is(sdp, rows[i].sdp))
			fail_msg("%s: %d \"" BYTES_FMT "\"", rows[i].name, err, BYTES_ARG(sdp));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
