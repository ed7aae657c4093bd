/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: every slice lies within the text; parse, write, parse gives the same value; what is read of it is bounded. */
#include <assert.h>
#include <stdlib.h>

#include "media/payload.h"
#include "tests/unit/media/sdp_again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(const struct sdp *s, struct sdp_span span)
{
	assert((size_t)span.at + span.n <= s->text.n);
}

static void check_inside(const struct sdp *s)
{
	uint16_t next = 0;

	assert(s->line_count <= SDP_LINES_MAX && s->media_count <= SDP_MEDIA_MAX);
	for (uint16_t i = 0; i < s->line_count; i++)
		check_span(s, s->lines[i].value);
	for (unsigned i = 0; i <= s->media_count; i++) {
		assert(s->sections[i].first == next && s->sections[i].end >= next);
		next = (uint16_t)(s->sections[i].end + 1); /* the m-line between */
		check_span(s, s->sections[i].kind);
		check_span(s, s->sections[i].proto);
		check_span(s, s->sections[i].formats);
	}
	assert(next == s->line_count + 1);
}

static void check_again(const struct sdp *s, size_t size)
{
	size_t cap = size + (size_t)2 * SDP_LINES_MAX;
	struct writer w = writer_over(malloc(cap), cap);
	struct sdp_error error;
	struct sdp again;

	assert(w.p);
	sdp_write(&w, s);
	assert(!w.overflow);
	if (w.n <= SDP_TEXT_MAX) {
		assert(sdp_parse(&again, writer_done(&w), &error) == 0);
		assert(again.line_count == s->line_count && again.media_count == s->media_count);
		for (uint16_t i = 0; i < s->line_count; i++) {
			assert(again.lines[i].type == s->lines[i].type);
			assert(bytes_eq(sdp_slice(&again, again.lines[i].value),
					sdp_slice(s, s->lines[i].value)));
		}
	}
	free(w.p);
}

static void check_meaning(const struct sdp *s, unsigned section)
{
	struct sdp_connection to;
	struct payload_list list;
	struct addr rtcp;

	if (sdp_connection(s, section, &to) == 0) {
		assert(to.address.family != ADDR_NONE && to.address.port == 0);
		assert(to.line && to.line <= s->line_count);
		if (sdp_rtcp(s, section, &to.address, &rtcp) == 0)
			assert(rtcp.port && rtcp.family != ADDR_NONE);
	}
	assert(sdp_direction_name(sdp_direction(s, section)));
	payload_list_read(&list, s, section);
	assert(list.count <= PAYLOAD_RULES_MAX);
	for (uint8_t i = 0; i < list.count; i++) {
		assert(payload_find(&list, list.at[i].number) == &list.at[i]);
		assert(!list.at[i].name.n == !list.at[i].clock_hz);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_error error = { 0 };
	struct sdp s;

	if (sdp_parse(&s, bytes_mem(data, size), &error)) {
		assert(error.reason && error.line <= SDP_LINES_MAX);
		return 0;
	}
	check_inside(&s);
	check_again(&s, size);
	for (unsigned i = 0; i <= s.media_count; i++)
		check_meaning(&s, i);
	return 0;
}
