/* SPDX-License-Identifier: Apache-2.0 */
/* Path: what is read is a route within its bounds, and read again as the Route it becomes it is the same, URI by URI. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sig/location/route.h"

enum { INPUT_MAX = 4096, HEAD_MAX = 512 };

static int parse_with(struct sip_message *m, struct bytes path)
{
	static const char head[] = "REGISTER sip:x SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
				   "From: <sip:1@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\n"
				   "CSeq: 1 REGISTER\r\nPath: ";
	static uint8_t text[INPUT_MAX + HEAD_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;
	int err;

	writer_str(&w, head);
	writer_bytes(&w, path);
	writer_str(&w, "\r\n\r\n");
	err = message_parse(m, writer_done(&w), &error);
	if (err && error.status)
		message_close(m);
	return err;
}

static int read_into(struct bytes path, uint8_t *space, struct bytes *out, bool *flow)
{
	struct writer w = writer_over(space, PATH_TEXT_MAX + 1);
	struct sip_message m;
	int err = parse_with(&m, path);

	if (err)
		return err;
	err = path_read(&m, &w, flow);
	message_close(&m);
	*out = writer_done(&w);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t space[2][PATH_TEXT_MAX + 1];
	struct bytes in = bytes_mem(data, size < INPUT_MAX ? size : INPUT_MAX), first, second;
	bool flow = false, again = false;

	(void)path_is_route(in);
	if (memchr(data, '\n', size) || memchr(data, '\r', size) || memchr(data, 0, size))
		return 0; /* further headers */
	if (read_into(in, space[0], &first, &flow) || first.n == 0)
		return 0;
	assert(first.n <= PATH_TEXT_MAX && path_is_route(first));
	assert(read_into(first, space[1], &second, &again) == 0);
	assert(bytes_eq(first, second) && flow == again);
	return 0;
}
