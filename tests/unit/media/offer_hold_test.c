/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party that is held is told so. For every SDP of tests/data/sdp: our text is that of a party that is not held, but for the
 * direction of its m-lines.
 */
#include "tests/unit/media/offer_rig.h"

#include <dirent.h>

enum { TEXT_MAX = 16384 };

static const struct {
	const char *name;
	bool secure_a, secure_b, dtls_a, dtls_b;
} g_terms[] = {
	{ "plain", .secure_a = true },
	{ "SDES", .secure_a = true, .secure_b = true },
	{ "DTLS of A", .dtls_a = true },
	{ "DTLS of B", .dtls_b = true },
};

static const struct {
	const char *name;
	bool held, silent;
	const char *both, *sends,
		*receives; /* what becomes of the three words that say more than inactive */
} g_limits[] = {
	{ "held", true, false, "sendonly", "sendonly", "inactive" },
	{ "silent", false, true, "recvonly", "inactive", "recvonly" },
	{ "held and silent", true, true, "inactive", "inactive", "inactive" },
};

static const char *limited(struct bytes line, unsigned limit)
{
	if (bytes_is(line, "a=sendrecv"))
		return g_limits[limit].both;
	if (bytes_is(line, "a=sendonly"))
		return g_limits[limit].sends;
	return bytes_is(line, "a=recvonly") ? g_limits[limit].receives : NULL;
}

/* Where we send nothing, there is no stream of ours either. */
static bool is_stream(struct bytes line)
{
	return bytes_starts(line, "a=msid:") || bytes_starts(line, "a=ssrc:");
}

static struct bytes with_limit(struct bytes text, unsigned limit, uint8_t *out)
{
	struct writer w = writer_over(out, TEXT_MAX);
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		const char *word;

		line = bytes_trim(line);
		word = limited(line, limit);
		if (g_limits[limit].silent && is_stream(line))
			continue;
		writer_str(&w, word ? "a=" : "");
		writer_bytes(&w, word ? bytes_str(word) : line);
		writer_str(&w, "\r\n");
	}
	return writer_done(&w);
}

static void check(const char *file, const char *terms, unsigned limit, struct bytes got,
		  struct bytes free)
{
	static uint8_t want[TEXT_MAX];

	if (!bytes_eq(got, with_limit(free, limit, want)))
		fail_msg("%s, %s, %s: got\n" BYTES_FMT, file, terms, g_limits[limit].name,
			 BYTES_ARG(got));
}

static void set_terms(struct rig *r, unsigned terms)
{
	rig_init(r);
	r->policy.video = r->policy.rtcp_mux = true;
	r->policy.a.video_codecs = r->policy.b.video_codecs = OFFER_VIDEO_ALL;
	r->policy.a.sdes_accept = g_terms[terms].secure_a;
	r->policy.b.sdes_offer = g_terms[terms].secure_b;
	rig_dtls_terms(r, g_terms[terms].dtls_a, g_terms[terms].dtls_b);
}

/* B says what it was offered, with keys of its own where it is SRTP. */
static struct bytes answer_of(struct bytes offer_b, uint8_t *out)
{
	struct writer w = writer_over(out, TEXT_MAX);
	struct bytes line;

	while (bytes_cut(&offer_b, '\n', &line)) {
		line = bytes_trim(line);
		if (bytes_starts(line, "a=crypto:"))
			line = BYTES_LIT("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_P);
		if (bytes_starts(line, "a=setup:"))
			line = BYTES_LIT("a=setup:active");
		writer_bytes(&w, line);
		writer_str(&w, "\r\n");
	}
	return writer_done(&w);
}

/* True: it could be offered. */
static bool compare(const char *file, struct bytes offer, unsigned terms, unsigned limit)
{
	static struct rig as_said, r;
	static uint8_t text[TEXT_MAX];
	struct bytes answer;

	set_terms(&as_said, terms);
	rig_offer(&as_said, offer);
	if (as_said.err)
		return false;
	answer = answer_of(as_said.offer_b, text);
	rig_exchange(&as_said, offer, answer);
	set_terms(&r, terms);
	r.to_b.held = g_limits[limit].held;
	r.to_b.silent = g_limits[limit].silent;
	rig_offer(&r, offer);
	assert_int_equal(r.err, 0);
	check(file, g_terms[terms].name, limit, r.offer_b, as_said.offer_b);

	set_terms(&r, terms);
	r.to_a.held = g_limits[limit].held;
	r.to_a.silent = g_limits[limit].silent;
	rig_exchange(&r, offer, answer);
	assert_int_equal(r.err, as_said.err);
	if (!r.err)
		check(file, g_terms[terms].name, limit, r.answer_a, as_said.answer_a);
	assert_memory_equal(&r.plan, &as_said.plan, sizeof(r.plan));
	return true;
}

static bool is_both_ways(struct bytes text)
{
	return !memmem(text.p, text.n, "a=recvonly", 10) &&
	       !memmem(text.p, text.n, "a=sendonly", 10) &&
	       !memmem(text.p, text.n, "a=inactive", 10);
}

/* What was offered, once more: nothing but the direction is new. */
static bool repeat(const char *file, struct bytes offer, unsigned terms, unsigned limit)
{
	static struct rig r;
	static uint8_t text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	set_terms(&r, terms);
	rig_offer(&r, offer);
	if (r.err || !is_both_ways(r.offer_b))
		return false;
	r.policy.b.sdes_offer = r.policy.b.dtls_offer = r.policy.video = false;
	r.to_b.held = g_limits[limit].held;
	r.to_b.silent = g_limits[limit].silent;
	assert_int_equal(offer_again(r.offer_b, &r.policy, &r.to_b, &w, &r.error), 0);
	check(file, g_terms[terms].name, limit, writer_done(&w), r.offer_b);
	return true;
}

static unsigned compare_all(const char *file)
{
	static uint8_t text[TEXT_MAX];
	char path[320];
	struct bytes offer;
	unsigned count = 0;

	(void)snprintf(path, sizeof(path), "data/sdp/%s", file);
	offer = data_read(path, text, sizeof(text));
	for (unsigned terms = 0; terms < COUNT_OF(g_terms); terms++) {
		for (unsigned limit = 0; limit < COUNT_OF(g_limits); limit++)
			count += compare(file, offer, terms, limit) +
				 repeat(file, offer, terms, limit);
	}
	return count;
}

static void test_directions(void **state)
{
	DIR *dir = opendir("data/sdp");
	const struct dirent *entry;
	unsigned count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		if (n > 4 && strcmp(entry->d_name + n - 4, ".sdp") == 0)
			count += compare_all(entry->d_name);
	}
	assert_int_equal(closedir(dir), 0);
	assert_true(count > 600);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define OURS "v=0\r\no=- 5 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"

/* An answer of ours, whose party was held, is offered so that it is no more. Its keys stay. */
static void test_resume(void **state)
{
	static const char said[] =
		HEAD "m=audio 30000 RTP/SAVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"
		     "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_P "\r\n"
		     "a=sendonly\r\nm=audio 30002 RTP/AVP 8\r\na=inactive\r\n"
		     "m=video 0 RTP/AVP 97\r\n";
	static const char want[] =
		OURS "m=audio 40000 RTP/SAVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"
		     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_B0 "\r\n"
		     "a=sendrecv\r\na=rtcp:40001 IN IP4 198.51.100.7\r\n"
		     "m=audio 40002 RTP/AVP 8\r\na=sendrecv\r\n"
		     "a=rtcp:40003 IN IP4 198.51.100.7\r\nm=video 0 RTP/AVP 97\r\n";
	static struct rig r;
	struct writer w = writer_over(r.forwarded, sizeof(r.forwarded));

	(void)state;
	rig_init(&r);
	assert_int_equal(offer_again(bytes_str(said), &r.policy, &r.to_b, &w, &r.error), 0);
	if (!bytes_is(writer_done(&w), want))
		fail_msg(BYTES_FMT, BYTES_ARG(writer_done(&w)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
