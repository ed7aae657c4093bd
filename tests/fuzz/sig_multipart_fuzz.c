/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is a Content-Type, the rest a body. Oracle: parts lie in order within the body; written again with a boundary that is in
 * none of them they are the same; the session is one of the parts, or the body.
 */
#include <assert.h>
#include <string.h>

#include "sig/sip/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS_MAX = 64, TEXT_MAX = 65536 };

#define BOUNDARY "=_0123456789_="

static bool is_within(struct bytes all, struct bytes b)
{
	return b.n == 0 || (b.p >= all.p && b.p + b.n <= all.p + all.n);
}

static size_t walk(const struct body_part *whole, struct body_part *parts)
{
	struct multipart m;
	size_t n = 0;

	if (multipart_open(&m, whole))
		return 0;
	while (n < PARTS_MAX && multipart_next(&m, &parts[n]) == 1) {
		assert(is_within(whole->octets, parts[n].octets));
		assert(is_within(whole->octets, parts[n].type));
		assert(is_within(whole->octets, parts[n].disposition));
		assert(is_within(whole->octets, parts[n].coding));
		assert(n == 0 || parts[n].octets.n == 0 || parts[n - 1].octets.n == 0 ||
		       parts[n].octets.p > parts[n - 1].octets.p + parts[n - 1].octets.n);
		n++;
	}
	return n;
}

static void write_parts(struct writer *w, const struct body_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		writer_str(w, "--" BOUNDARY "\r\nContent-Type: ");
		writer_bytes(w, parts[i].type);
		writer_str(w, "\r\n\r\n");
		writer_bytes(w, parts[i].octets);
		writer_str(w, "\r\n");
	}
	writer_str(w, "--" BOUNDARY "--\r\n");
}

static void check_again(struct bytes all, const struct body_part *parts, size_t n)
{
	static uint8_t space[TEXT_MAX];
	static struct body_part again[PARTS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct body_part whole = { .type = BYTES_LIT("multipart/mixed;boundary=\"" BOUNDARY "\"") };

	if (n == 0 || n == PARTS_MAX || memmem(all.p, all.n, BOUNDARY, sizeof(BOUNDARY) - 1))
		return;
	write_parts(&w, parts, n);
	if (w.overflow)
		return;
	whole.octets = writer_done(&w);
	assert(walk(&whole, again) == n);
	for (size_t i = 0; i < n; i++) {
		assert(bytes_eq(again[i].octets, parts[i].octets));
		assert(bytes_eq(again[i].type, parts[i].type));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct body_part parts[PARTS_MAX];
	struct body_part whole = { .octets = bytes_mem(data, size) };
	struct bytes sdp;
	int err;

	if (!bytes_cut(&whole.octets, '\n', &whole.type))
		return 0;
	whole.type = bytes_trim(whole.type);
	err = body_session(&whole, &sdp);
	assert(is_within(whole.octets, sdp) && (!err || sdp.n == 0));
	check_again(whole.octets, parts, walk(&whole, parts));
	return 0;
}
