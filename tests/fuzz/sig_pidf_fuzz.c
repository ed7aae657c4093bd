/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is a Content-Type, the second one of Geolocation, the rest a body. What is taken of it is valid and lies within it.
 * Written into a body of ours it is taken again, and the session that it lies beside is the session.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/identity/pidf.h"
#include "sig/sip/body.h"

enum { INPUT_MAX = 3 * PIDF_MAX, HEAD_MAX = 1024 };

#define SDP "v=0\r\ns=1\r\n"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static int parse(struct sip_message *m, struct bytes type, struct bytes geolocation,
		 struct bytes body)
{
	static uint8_t text[INPUT_MAX + 2 * HEAD_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;
	int err;

	writer_str(&w, "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
		       "From: <sip:1@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
		       "Content-Type: ");
	writer_bytes(&w, type);
	writer_str(&w, "\r\nGeolocation: ");
	writer_bytes(&w, geolocation);
	writer_str(&w, "\r\n\r\n");
	writer_bytes(&w, body);
	err = w.overflow ? -1 : message_parse(m, writer_done(&w), &error);
	if (err)
		message_close(m);
	return err;
}

static void check_again(struct bytes pidf)
{
	static uint8_t space[PIDF_MAX + HEAD_MAX];
	static uint8_t kept[PIDF_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct body_part whole = { .type = BYTES_LIT(PIDF_MIXED) };
	struct sip_message m;
	struct bytes sdp;

	memcpy(kept, pidf.p, pidf.n);
	pidf = bytes_mem(kept, pidf.n);
	pidf_write_body(&w, BYTES_LIT("7"), BYTES_LIT(SDP), pidf);
	check(!w.overflow, "too long");
	whole.octets = writer_done(&w);
	check(!body_session(&whole, &sdp) && bytes_is(sdp, SDP), "the session is another");
	check(!parse(&m, whole.type, BYTES_LIT("<cid:7@tandem.invalid>"), whole.octets),
	      "it is no message");
	check(bytes_eq(pidf_of(&m), pidf), "taken again it is another");
	message_close(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size < INPUT_MAX ? size : INPUT_MAX), type, geolocation;
	struct sip_message m;
	struct bytes pidf;

	if (!bytes_cut(&in, '\n', &type) || !bytes_cut(&in, '\n', &geolocation) ||
	    parse(&m, type, geolocation, in))
		return 0;
	pidf = pidf_of(&m);
	if (pidf.n) {
		check(pidf_is_valid(pidf), "what was taken is not valid");
		check(pidf.p >= m.body.p && pidf.p + pidf.n <= m.body.p + m.body.n, "not within");
		check_again(pidf);
	}
	message_close(&m);
	return 0;
}
