/* SPDX-License-Identifier: Apache-2.0 */
/* What parties are told of recording, and say of it (RFC 7866 7.1.2, 7.1.3). */
#include <errno.h>

#include "tests/unit/media/data.h"

#include "media/offer/own.h"

#define HEAD   "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=phone\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define SOUND  "m=audio 4000 RTP/AVP 0\r\n"
#define FILM   "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define FAX    "m=image 4004 udptl t38\r\n"
#define NO     OFFER_RECORD_NONE
#define OFF    OFFER_RECORD_OFF
#define PAUSED OFFER_RECORD_PAUSED
#define ON     OFFER_RECORD_ON

static const struct {
	const char *name, *sdp;
	uint8_t want[MEDIA_LINES_MAX];
	enum offer_record_preference preference;
} g_heard[] = {
	{ "says nothing", HEAD SOUND FILM, { NO, NO }, OFFER_PREFERS_NOTHING },
	{ "of the session",
	  HEAD "a=record:on\r\na=recordpref:off\r\n" SOUND FILM,
	  { ON, ON },
	  OFFER_PREFERS_OFF },
	{ "a line says otherwise",
	  HEAD "a=record:on\r\na=recordpref:on\r\n" SOUND
	       "a=record:paused\r\na=recordpref:pause\r\n" FILM "a=record:off\r\n",
	  { PAUSED, OFF },
	  OFFER_PREFERS_PAUSE },
	{ "words in other letters",
	  HEAD SOUND "a=record:ON\r\na=recordpref:On \r\n",
	  { ON },
	  OFFER_PREFERS_ON },
	{ "no such word",
	  HEAD SOUND "a=record:perhaps\r\na=recordpref:perhaps\r\n",
	  { NO },
	  OFFER_PREFERS_NOTHING },
	{ "without a word",
	  HEAD SOUND "a=record\r\na=recordpref\r\n",
	  { NO },
	  OFFER_PREFERS_NOTHING },
	{ "an empty one",
	  HEAD SOUND "a=record:\r\na=recordpref:\r\n",
	  { NO },
	  OFFER_PREFERS_NOTHING },
	{ "none", HEAD SOUND "a=recordpref:nopreference\r\n", { NO }, OFFER_PREFERS_NOTHING },
	{ "a line that is off",
	  HEAD "m=audio 0 RTP/AVP 0\r\na=record:on\r\na=recordpref:on\r\n" FILM
	       "a=record:on\r\na=recordpref:on\r\n",
	  { NO, ON },
	  OFFER_PREFERS_NOTHING },
	{ "the first line of sound",
	  HEAD FILM "a=recordpref:off\r\n" SOUND "a=recordpref:on\r\n" SOUND "a=recordpref:off\r\n",
	  { NO, NO, NO },
	  OFFER_PREFERS_ON },
	{ "another attribute", HEAD SOUND "a=recorder:on\r\n", { NO }, OFFER_PREFERS_NOTHING },
	{ "no session",
	  "v=0\r\na=record:on\r\na=recordpref:on\r\n",
	  { NO },
	  OFFER_PREFERS_NOTHING },
};

static void heard(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_heard); i++) {
		uint8_t got[MEDIA_LINES_MAX];

		print_message("# %s\n", g_heard[i].name);
		offer_record_read(bytes_str(g_heard[i].sdp), got);
		assert_memory_equal(got, g_heard[i].want, sizeof(got));
		assert_int_equal(offer_record_preference(bytes_str(g_heard[i].sdp)),
				 g_heard[i].preference);
	}
}

/* ---- what we say ---- */

static struct offer_self self_of(const struct offer_record_state *told)
{
	struct offer_self self = { .rtp_port = { 40000, 40002, 40004, 40006 },
				   .session_id = 77,
				   .session_version = 3,
				   .record = *told };

	assert_int_equal(addr_parse(&self.address, BYTES_LIT("198.51.100.7")), 0);
	return self;
}

static struct offer_policy policy_of(void)
{
	return (struct offer_policy){ .video = true,
				      .event_pt = 101,
				      .sdp_max = 8192,
				      .a = { .lines = OFFER_LINES_ALL },
				      .b = { .lines = OFFER_LINES_ALL } };
}

static struct bytes forward(uint8_t *out, size_t cap, const char *offer,
			    const struct offer_record_state *told)
{
	const struct offer_policy policy = policy_of();
	const struct offer_self self = self_of(told);
	struct offer_error error = { 0 };
	struct writer w = writer_over(out, cap);

	assert_int_equal(offer_forward(bytes_str(offer), &policy, &self, &w, &error), 0);
	return writer_done(&w);
}

static bool has(struct bytes text, const char *what)
{
	return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

#define THREE                                                                      \
	HEAD "a=record:on\r\na=recordpref:on\r\n" SOUND "a=record:on\r\n" FILM FAX \
	     "a=recordpref:off\r\n"

static const struct {
	const char *name;
	struct offer_record_state told;
	uint8_t want[3];
} g_told[] = {
	{ "who does not understand it", { .sound = ON, .line = { ON, ON, ON } }, { NO, NO, NO } },
	{ "nothing is recorded", { .tells = true }, { OFF, OFF, OFF } },
	{ "sound is", { .tells = true, .sound = ON }, { ON, OFF, OFF } },
	{ "sound, paused", { .tells = true, .sound = PAUSED }, { PAUSED, OFF, OFF } },
	{ "by the other party",
	  { .tells = true, .sound = OFF, .line = { PAUSED, ON, ON } },
	  { PAUSED, ON, ON } },
	{ "by both",
	  { .tells = true, .sound = ON, .line = { PAUSED, OFF, PAUSED } },
	  { ON, OFF, PAUSED } },
	{ "by both, paused here",
	  { .tells = true, .sound = PAUSED, .line = { ON } },
	  { ON, OFF, OFF } },
};

/* Both attributes of the party end here, in offers and in answers. */
static void said(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_told); i++) {
		uint8_t out[4096], got[MEDIA_LINES_MAX];
		struct bytes text = forward(out, sizeof(out), THREE, &g_told[i].told);

		print_message("# %s\n", g_told[i].name);
		offer_record_read(text, got);
		assert_memory_equal(got, g_told[i].want, sizeof(g_told[i].want));
		assert_false(has(text, "recordpref"));
		assert_int_equal(has(text, "a=record:"), g_told[i].told.tells);
	}
}

static void answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_told); i++) {
		const struct offer_policy policy = policy_of();
		const struct offer_self to_a = self_of(&g_told[i].told);
		struct offer_error error = { 0 };
		uint8_t out[4096], answer[4096], got[MEDIA_LINES_MAX];
		struct offer_record_state nobody = { 0 };
		struct offer_of_other b = { .local = forward(out, sizeof(out), THREE, &nobody),
					    .remote = BYTES_LIT(THREE) };
		struct writer w = writer_over(answer, sizeof(answer));
		struct media_plan plan;

		print_message("# %s\n", g_told[i].name);
		assert_int_equal(offer_answer_by(BYTES_LIT(THREE), &b, &policy, &to_a, &w, &plan,
						 &error),
				 0);
		offer_record_read(writer_done(&w), got);
		assert_memory_equal(got, g_told[i].want, sizeof(g_told[i].want));
		assert_false(has(writer_done(&w), "recordpref"));
	}
}

/* ---- again ---- */

/* Of a text that has each kind of line, by what is told in turn: nothing else changes. */
static void again(void **state)
{
	(void)state;
	for (size_t from = 0; from < COUNT_OF(g_told); from++) {
		for (size_t to = 0; to < COUNT_OF(g_told); to++) {
			uint8_t before[4096], after[4096], want[4096];
			struct bytes first =
				forward(before, sizeof(before), THREE, &g_told[from].told);
			struct offer_self self = self_of(&g_told[to].told);
			struct offer_error error = { 0 };
			struct writer w = writer_over(after, sizeof(after));
			struct writer v = writer_over(want, sizeof(want));
			const struct offer_policy policy = policy_of();
			uint8_t got[MEDIA_LINES_MAX];

			assert_int_equal(offer_record_again(first, &g_told[to].told, 4, &w, &error),
					 0);
			offer_record_read(writer_done(&w), got);
			assert_memory_equal(got, g_told[to].want, sizeof(g_told[to].want));
			assert_true(offer_record_is_in_local(writer_done(&w), &g_told[to].told));
			self.session_version = 4;
			assert_int_equal(
				offer_forward(BYTES_LIT(THREE), &policy, &self, &v, &error), 0);
			assert_int_equal(w.n, v.n); /* its lines have another order */
			assert_true(has(writer_done(&w), "o=- 77 4 IN IP4 198.51.100.7\r\n"));
		}
	}
}

static void again_but_for_that(void **state)
{
	const struct offer_record_state on = { .tells = true, .sound = ON };
	const char *text =
		HEAD "a=record:off\r\n" SOUND "a=record:off\r\na=sendonly\r\na=crypto:1 x\r\n"
		     "m=video 0 RTP/AVP 97\r\n" FAX;
	uint8_t out[1024];
	struct writer w = writer_over(out, sizeof(out));
	struct offer_error error = { 0 };

	(void)state;
	assert_int_equal(offer_record_again(bytes_str(text), &on, UINT64_MAX, &w, &error), 0);
	assert_true(bytes_is(writer_done(&w),
			     "v=0\r\no=- 1 18446744073709551615 IN IP4 192.0.2.1\r\ns=phone\r\n"
			     "c=IN IP4 192.0.2.1\r\nt=0 0\r\n" SOUND
			     "a=sendonly\r\na=crypto:1 x\r\na=record:on\r\n"
			     "m=video 0 RTP/AVP 97\r\n" FAX "a=record:off\r\n"));
	w = writer_over(out, 100);
	assert_int_equal(offer_record_again(bytes_str(text), &on, 2, &w, &error), -ENOSPC);
	w = writer_over(out, sizeof(out));
	assert_int_equal(offer_record_again(BYTES_LIT("v=1\r\n"), &on, 2, &w, &error), -EBADMSG);
}

/* Silence is as good as "off", and no reason to tell a party anything. */
static void is_said(void **state)
{
	static const struct {
		const char *sdp;
		struct offer_record_state told;
		bool want;
	} rows[] = {
		{ HEAD SOUND, { .tells = true, .sound = OFF }, true },
		{ HEAD SOUND, { .tells = true, .sound = ON }, false },
		{ HEAD SOUND, { .sound = ON }, true },
		{ HEAD SOUND "a=record:on\r\n", { .tells = true, .sound = ON }, true },
		{ HEAD SOUND "a=record:on\r\n", { .tells = true, .sound = OFF }, false },
		{ HEAD SOUND "a=record:on\r\n", { .tells = true, .sound = PAUSED }, false },
		{ HEAD "m=audio 0 RTP/AVP 0\r\n", { .tells = true, .sound = ON }, true },
		{ HEAD FILM, { .tells = true, .sound = ON }, true },
		{ HEAD FILM, { .tells = true, .line = { ON } }, false },
		{ "", { .tells = true, .sound = ON }, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (offer_record_is_in_local(bytes_str(rows[i].sdp), &rows[i].told) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heard),
		cmocka_unit_test(said),
		cmocka_unit_test(answered),
		cmocka_unit_test(again),
		cmocka_unit_test(again_but_for_that),
		cmocka_unit_test(is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
