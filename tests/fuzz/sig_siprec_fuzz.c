/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lines, a name and a user, and a session description: as what a party was told, and as a recorder's answer. Oracle: metadata has as many
 * brackets and quotes whatever the texts are; the SDP can be read, and has two streams; an answer that is taken can be sent to, and one that
 * is not leaves all as it was.
 */
#include <assert.h>
#include <string.h>

#include "sig/pbx/recording/siprec_body.h"
#include "sig/sip/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 262144, INPUT_MAX = 16384 };

static uint8_t g_text[TEXT_MAX];

static size_t octets_of(struct bytes text, uint8_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == c;
	return n;
}

static struct bytes metadata(const struct siprec_talk *t)
{
	struct writer w = writer_over(g_text, sizeof(g_text));

	siprec_write_metadata(&w, t);
	assert(!w.overflow);
	return writer_done(&w);
}

static void check_metadata(struct siprec_talk *t)
{
	static const uint8_t marks[] = "<>\"\n";
	struct siprec_party was = t->party[1];
	size_t plain[sizeof(marks) - 1];
	struct bytes text;

	t->party[1].user = t->party[1].host = BYTES_LIT("x");
	t->party[1].name = was.name.n ? BYTES_LIT("x") : (struct bytes){ 0 };
	text = metadata(t);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		plain[i] = octets_of(text, marks[i]);
	t->party[1] = was;
	text = metadata(t);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		assert(octets_of(text, marks[i]) == plain[i]);
}

static void check_sdp(const struct siprec_talk *t)
{
	struct writer w = writer_over(g_text, sizeof(g_text));
	struct sdp_error error;
	struct sdp sdp;

	siprec_write_sdp(&w, t);
	assert(!w.overflow);
	if (sdp_parse(&sdp, writer_done(&w), &error))
		assert(octets_of(t->party[0].local, '\n') >
		       SDP_LINES_MAX / 4); /* its lines are there twice */
	else
		assert(sdp.media_count == FORK_STREAMS);
}

static void check_body(const struct siprec_talk *t)
{
	struct writer w = writer_over(g_text, sizeof(g_text));
	char type[64];
	struct writer kind = writer_over(type, sizeof(type));
	struct body_part whole, part;
	struct multipart m;

	siprec_write_body(&w, t);
	siprec_write_type(&kind, t);
	whole = (struct body_part){ .type = writer_done(&kind), .octets = writer_done(&w) };
	assert(!w.overflow && !multipart_open(&m, &whole));
	assert(multipart_next(&m, &part) == 1 && body_part_is(&part, "application/sdp"));
	assert(multipart_next(&m, &part) == 1 &&
	       body_part_is(&part, "application/rs-metadata+xml"));
	assert(multipart_next(&m, &part) == 0);
}

static void check_answer(struct bytes answer, bool secure)
{
	static const struct media_fork none;
	struct media_fork fork = none;
	const char *reason;
	int err = siprec_read_answer(&fork, answer, secure, &reason);

	assert((err != 0) == (reason != NULL));
	assert(!err || memcmp(&fork, &none, sizeof(fork)) == 0);
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		const struct fork_stream *s = &fork.stream[i];

		assert(!s->on || (s->remote.family != ADDR_NONE && s->remote.port &&
				  (s->payloads[0] || s->payloads[1])));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct addr here = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 } };
	struct bytes rest = bytes_mem(data, size < INPUT_MAX ? size : INPUT_MAX), name, user;
	struct siprec_talk t = { .number = 1, .address = &here, .port = { 2, 4 }, .session_id = 7 };

	if (!bytes_cut(&rest, '\n', &name) || !bytes_cut(&rest, '\n', &user))
		return 0;
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		t.party[i] = (struct siprec_party){ .there = true,
						    .speaks = i == 0,
						    .id = (uint8_t)i,
						    .user = user,
						    .host = user,
						    .name = name,
						    .local = rest };
	t.party[0].name = t.party[0].user = t.party[0].host = BYTES_LIT("x");
	check_metadata(&t);
	check_sdp(&t);
	check_body(&t);
	check_answer(rest, false);
	check_answer(rest, true);
	return 0;
}
