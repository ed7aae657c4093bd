/* SPDX-License-Identifier: Apache-2.0 */
/* How loud a party is, as it says itself (RFC 6464): kept where the node answers alone, and as it was between two. */
#include "media/offer/session.h"
#include "tests/unit/media/offer_browser.h"

#define LEVEL    "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define PHONE    "m=audio 4000 RTP/AVP 0\r\n"
#define MAPS(id) "a=extmap:" id " " LEVEL "\r\n"
#define SAYS(id) "a=extmap:" id "/recvonly " LEVEL "\r\n"

static uint8_t g_text[4096];

/* What is agreed by two texts, as whoever goes on with the call reads them. */
static uint8_t agreed(struct bytes heard, struct bytes said, bool we_offered)
{
	const struct session_texts texts = { heard, said, we_offered };
	struct offer_error error = { 0 };
	struct session s;

	if (session_read(&s, &texts, &error))
		fail_msg("%s", error.reason);
	return s.line[0].side.level_extension;
}

static void alone(void **state)
{
	static const struct {
		const char *name, *offer;
		uint8_t id;
	} rows[] = {
		{ "a phone", PHONE MAPS("3"), 3 },
		{ "a browser", AUDIO "a=mid:0\r\n" MAPS("1") ICE SHA256, 1 },
		{ "with its direction", PHONE MAPS("14/sendonly"), 14 },
		{ "with attributes", PHONE "a=extmap:5 " LEVEL " vad=off\r\n", 5 },
		{ "none", PHONE, 0 },
		{ "another one", PHONE "a=extmap:3 urn:x\r\n", 0 },
		{ "too high for one octet", PHONE MAPS("15"), 0 },
		{ "no number", PHONE MAPS("x"), 0 },
		{ "of the mixer (RFC 6465)",
		  PHONE "a=extmap:3 urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n", 0 },
	}, *row;
	const struct offer_capabilities own = offer_own_spoken();

	(void)state;
	EACH_ROW(row, rows)
	{
		struct writer w = writer_over(g_text, sizeof(g_text));
		char offer[2048], want[128];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		(void)snprintf(want, sizeof(want), "a=extmap:%u/recvonly " LEVEL "\r\n", row->id);
		assert_int_equal(offer_own_answer(bytes_str(offer), &own, &g_rig.policy,
						  &g_rig.to_a, &w, &g_rig.error),
				 0);
		ROW_ASSERT(row->name, rig_has(writer_done(&w), want) == (row->id != 0));
		ROW_ASSERT(row->name, row->id || !rig_has(writer_done(&w), "audio-level"));
		ROW_ASSERT(row->name, agreed(bytes_str(offer), writer_done(&w), false) == row->id);
	}
}

/* A picture has no loudness. */
static void of_sound_alone(void **state)
{
	const struct offer_capabilities own = offer_own_spoken();
	struct writer w = writer_over(g_text, sizeof(g_text));

	(void)state;
	begin(true, false);
	assert_int_equal(offer_own_answer(BYTES_LIT(HEAD PHONE VIDEO MAPS("3") ICE SHA256), &own,
					  &g_rig.policy, &g_rig.to_a, &w, &g_rig.error),
			 0);
	assert_false(rig_has(writer_done(&w), "audio-level"));
}

/* Two phones agree with each other, by what passes, and so is it known should one of them come into a room. Where it does not pass it is
 * agreed with neither. */
static void between_two(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool passes;
		uint8_t a, b;
	} rows[] = {
		{ "both", PHONE MAPS("3"), PHONE SAYS("3"), true, 3, 3 },
		{ "the caller alone", PHONE MAPS("3"), PHONE, true, 0, 0 },
		{ "a browser calls a phone", AUDIO MAPS("1") ICE SHA256, PHONE MAPS("1"), false, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], answer[2048];
		const struct media_line *line = &g_rig.plan.line[0];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), HEAD "%s", row->answer);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, LEVEL) == row->passes);
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, LEVEL) == (row->a != 0));
		ROW_ASSERT(row->name, line->a.level_extension == row->a);
		ROW_ASSERT(row->name, line->b.level_extension == row->b);
		ROW_ASSERT(row->name, agreed(bytes_str(offer), g_rig.answer_a, false) == row->a);
		ROW_ASSERT(row->name, agreed(bytes_str(answer), g_rig.offer_b, true) == row->b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),
		cmocka_unit_test(of_sound_alone),
		cmocka_unit_test(between_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
