/* SPDX-License-Identifier: Apache-2.0 */
/* Two legs, each with an offer and answer of its own, whoever offered. What one exchange through us has is in offer_exchange_test.c. */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/offer/agree.h"

#define EVENT(pt)  "a=rtpmap:" pt " telephone-event/8000\r\n"
#define OPUS(pt)   "a=rtpmap:" pt " opus/48000/2\r\n"
#define AUDIO(pts) "m=audio 4000 RTP/AVP " pts "\r\n"
#define VIDEO(pts) "m=video 4002 RTP/AVP " pts "\r\n"
#define H264(pt)   "a=rtpmap:" pt " H264/90000\r\na=fmtp:" pt " packetization-mode=1\r\n"
#define NO_AUDIO   "m=audio 0 RTP/AVP 0\r\n"
#define NO_VIDEO   "m=video 0 RTP/AVP 96\r\n"
#define DTLS                                               \
	"a=fingerprint:sha-256 "                           \
	"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:" \
	"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\na=setup:active\r\n"
#define ICE "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define GROUP                                                                        \
	"a=group:BUNDLE 0 1\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" DTLS \
	"m=video 4000 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" H264("96") DTLS
#define BROWSER(pts) "m=audio 4000 UDP/TLS/RTP/SAVPF " pts "\r\n" DTLS ICE

struct leg {
	const char *heard, *said; /* NULL: the same */
	bool we_offered;
};

static void read_leg(const char *name, struct session *out, const struct leg *leg)
{
	static const char head[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
	static char heard[2][2048], said[2][2048]; /* they outlive the session */
	static unsigned next;
	struct offer_error error = { 0 };
	unsigned i = next++ % 2;

	(void)snprintf(heard[i], sizeof(heard[i]), "%s%s", head, leg->heard);
	(void)snprintf(said[i], sizeof(said[i]), "%s%s", head, leg->said ? leg->said : leg->heard);
	if (session_read(out,
			 &(struct session_texts){ .remote = bytes_str(heard[i]),
						  .local = bytes_str(said[i]),
						  .we_offered = leg->we_offered },
			 &error))
		fail_msg("%s: line %u: %s", name, error.line, error.reason);
}

static void write_plan(struct writer *w, const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (!plan->line[i].active) {
			writer_str(w, "off; ");
			continue;
		}
		rig_write_rules(w, &plan->line[i].a);
		writer_str(w, "| ");
		rig_write_rules(w, &plan->line[i].b);
		writer_str(w, "; ");
	}
}

static const struct {
	const char *name;
	struct leg a, b;
	const char *want;
} g_rows[] = {
	{ "two that offered, each with numbers of its own",
	  { AUDIO("96 101") OPUS("96") EVENT("101") },
	  { AUDIO("111 8 100") OPUS("111") EVENT("100") },
	  "96>111 101>100e | 111>96 100>101e ; " },
	{ "two that answered",
	  { AUDIO("96") OPUS("96"), .we_offered = true },
	  { AUDIO("111 8") OPUS("111"), AUDIO("111 8 0") OPUS("111"), true },
	  "96>111 | 111>96 ; " },
	{ "what was said of one is what the other hears",
	  { AUDIO("97") OPUS("97"), AUDIO("96") OPUS("96"), true },
	  { AUDIO("8 111") OPUS("111") },
	  "96>111 97>111 | 111>97 ; " },
	{ "a codec of one number meets it under another one",
	  { AUDIO("0 96") "a=rtpmap:96 PCMU/8000\r\n", AUDIO("96") "a=rtpmap:96 PCMU/8000\r\n" },
	  { AUDIO("0") },
	  "96>0 | 0>96 ; " },
	{ "digits that one does not take",
	  { AUDIO("0 101") EVENT("101") },
	  { AUDIO("0") },
	  "0>0 101>-e | 0>0 ; " },
	{ "no codec in common", { AUDIO("0") }, { AUDIO("8") }, "off; " },
	{ "events are none",
	  { AUDIO("0 101") EVENT("101") },
	  { AUDIO("8 101") EVENT("101") },
	  "off; " },
	{ "events alone on one",
	  { AUDIO("101") EVENT("101") },
	  { AUDIO("8 101") EVENT("101") },
	  "off; " },
	{ "nothing else on both",
	  { AUDIO("101") EVENT("101") },
	  { AUDIO("100") EVENT("100") },
	  "101>100e | 100>101e ; " },
	{ "off on one",
	  { AUDIO("0") VIDEO("96") H264("96") },
	  { AUDIO("0") NO_VIDEO },
	  "0>0 | 0>0 ; off; " },
	{ "not there on one",
	  { AUDIO("0") },
	  { AUDIO("0") VIDEO("96") H264("96") },
	  "0>0 | 0>0 ; off; " },
	{ "another kind in its place", { AUDIO("0") }, { VIDEO("96") H264("96") }, "off; " },
	{ "the other numbers of an H264 that we offered",
	  { VIDEO("96") H264("96") },
	  { VIDEO("97") H264("97"), VIDEO("97 98") H264("97") H264("98"), true },
	  "96>97 | 97>96 98>96 ; " },
	{ "a line whose transport has no other leg goes with it",
	  { GROUP },
	  { NO_AUDIO VIDEO("96") H264("96") },
	  "off; off; " },
	{ "a line that was carried alone stays",
	  { GROUP },
	  { AUDIO("0") NO_VIDEO },
	  "0>0 | 0>0 ; off; " },
	{ "a browser's digits of another clock than its audio's end here",
	  { BROWSER("96 101") OPUS("96") EVENT("101") },
	  { AUDIO("96 101") OPUS("96") EVENT("101"), .we_offered = true },
	  "96>96 101>-e | 96>96 101>-e ; " },
};

#define CN(pt) "a=rtpmap:" pt " CN/8000\r\n"
#define G726   "a=rtpmap:97 G726-32/8000\r\n"

/* The same where the node codes. */
static const struct {
	const char *name;
	struct leg a, b;
	const char *want;
} g_coded[] = {
	{ "no codec in common",
	  { AUDIO("0") },
	  { AUDIO("8") },
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] ; " },
	{ "a codec in common is not coded",
	  { AUDIO("0 8") },
	  { AUDIO("8 0") },
	  "0>0 8>8 | 8>8 0>0 ; " },
	{ "what one may send and the other one does not take",
	  { AUDIO("0 8") },
	  { AUDIO("8") },
	  "0>8[PCMU-PCMA] 8>8 | 8>8 ; " },
	{ "the first that the node speaks is what is heard",
	  { AUDIO("0") },
	  { AUDIO("18 97 9") G726 },
	  "0>97[PCMU-G726-32] | 97>0[G726-32-PCMU] 9>0[G722-PCMU] ; " },
	{ "nothing of one is spoken", { AUDIO("0") }, { AUDIO("18 4") }, "off; " },
	{ "what is not spoken is not heard",
	  { AUDIO("0 18") },
	  { AUDIO("8") },
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] ; " },
	{ "each of the most that there are",
	  { AUDIO("0 8 9 96 97") OPUS("96") G726 },
	  { AUDIO("98") "a=rtpmap:98 G726-32/8000\r\n" },
	  "0>98[PCMU-G726-32] 8>98[PCMA-G726-32] 9>98[G722-G726-32] 96>98[opus-G726-32] 97>98 "
	  "| 98>97 ; " },
	{ "the length of a packet that the other one would have",
	  { AUDIO("0") "a=ptime:30\r\n" },
	  { AUDIO("8") "a=ptime:20\r\n" },
	  "0>8[PCMU-PCMA,20] | 8>0[PCMA-PCMU,30] ; " },
	{ "lengths that are none of ours",
	  { AUDIO("0") "a=ptime:12\r\n" },
	  { AUDIO("8") "a=ptime:200\r\n" },
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] ; " },
	{ "digits of the clock of both streams pass",
	  { AUDIO("0 101") EVENT("101") },
	  { AUDIO("8 96") EVENT("96") },
	  "0>8[PCMU-PCMA] 101>96e | 8>0[PCMA-PCMU] 96>101e ; " },
	{ "digits of another clock are sent anew",
	  { AUDIO("96 101") OPUS("96") EVENT("101") },
	  { AUDIO("0 101") EVENT("101") },
	  "96>0[opus-PCMU] 101>-e | 0>96[PCMU-opus] 101>-e ; " },
	{ "each with digits of its own clock",
	  { AUDIO("96 101") OPUS("96") "a=rtpmap:101 telephone-event/48000\r\n" },
	  { AUDIO("0 101") EVENT("101") },
	  "96>0[opus-PCMU] 101>-e | 0>96[PCMU-opus] 101>-e ; " },
	{ "noise does not go with another codec",
	  { AUDIO("0 13") },
	  { AUDIO("8 13") },
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] ; " },
	{ "noise goes with the codec of both",
	  { AUDIO("0 13") },
	  { AUDIO("0 8 13") },
	  "0>0 13>13 | 0>0 8>0[PCMA-PCMU] ; " },
	{ "one codec under two numbers is nothing that the other one lacks",
	  { AUDIO("0 98") "a=rtpmap:98 PCMU/8000\r\n" },
	  { AUDIO("0") },
	  "0>0 | 0>0 ; " },
	{ "pictures are not coded",
	  { AUDIO("0") VIDEO("96") H264("96") },
	  { AUDIO("8") VIDEO("96") "a=rtpmap:96 VP8/90000\r\n" },
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] ; off; " },
	{ "sound in a line of video is none", { VIDEO("0") }, { VIDEO("8") }, "off; " },
	{ "off on one", { AUDIO("0") }, { NO_AUDIO }, "off; " },
	{ "events alone on one",
	  { AUDIO("101") EVENT("101") },
	  { AUDIO("8 101") EVENT("101") },
	  "off; " },
};

/* The same with its legs exchanged has the same rules. */
static void check_both_ways(const char *name, const struct session *a, const struct session *b,
			    bool codes, const struct media_plan *plan)
{
	static struct media_plan other;

	bridge_map(b, a, codes, &other);
	assert_int_equal(other.line_count, plan->line_count);
	for (uint8_t i = 0; i < plan->line_count; i++) {
		ROW_ASSERT(name, memcmp(&other.line[i].a, &plan->line[i].b,
					sizeof(other.line[i].a)) == 0);
		ROW_ASSERT(name, memcmp(&other.line[i].b, &plan->line[i].a,
					sizeof(other.line[i].b)) == 0);
	}
}

static void check_rules(const char *name, const struct leg *leg_a, const struct leg *leg_b,
			bool codes, const char *want)
{
	static struct session a, b;
	static struct media_plan plan;
	uint8_t buf[512];
	struct writer w = writer_over(buf, sizeof(buf));

	read_leg(name, &a, leg_a);
	read_leg(name, &b, leg_b);
	bridge_map(&a, &b, codes, &plan);
	write_plan(&w, &plan);
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: " BYTES_FMT, name, BYTES_ARG(writer_done(&w)));
	check_both_ways(name, &a, &b, codes, &plan);
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++)
		check_rules(g_rows[i].name, &g_rows[i].a, &g_rows[i].b, false, g_rows[i].want);
}

static void test_codings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_coded); i++)
		check_rules(g_coded[i].name, &g_coded[i].a, &g_coded[i].b, true, g_coded[i].want);
}

/* What is made for a party goes under its numbers, in a codec that the node speaks. */
static void test_taken(void **state)
{
	static const struct leg leg = { AUDIO("18 96 8 101") OPUS("96") EVENT("101"),
					AUDIO("18 111 8 101") OPUS("111") EVENT("101"), true };
	static const struct media_accepted want[] = { { 96, MEDIA_CODEC_OPUS },
						      { 8, MEDIA_CODEC_PCMA } };
	static struct session s;
	static struct media_plan plan;

	(void)state;
	read_leg("taken", &s, &leg);
	bridge_map(&s, &s, false, &plan);
	for (int side = 0; side < 2; side++) {
		const struct media_side *m = side ? &plan.line[0].b : &plan.line[0].a;

		assert_int_equal(m->accepted_count, COUNT_OF(want));
		assert_memory_equal(m->accepted, want, sizeof(want));
	}
}

/* Behind those that are spoken: what a module codes, and what is coded where it is named. Keys can be said in them. */
static void test_taken_coded(void **state)
{
	static const struct leg leg = { AUDIO("18 98 8") "a=rtpmap:98 L16/16000\r\n",
					AUDIO("18 98 8") "a=rtpmap:98 L16/16000\r\n", true };
	static const struct media_accepted want[] = { { 8, MEDIA_CODEC_PCMA },
						      { 98, MEDIA_CODEC_L16_WIDE },
						      { 8, MEDIA_CODEC_PCMA },
						      { 18, MEDIA_CODEC_G729 },
						      { 98, MEDIA_CODEC_L16_WIDE } };
	static struct session s;
	static struct media_plan plan;

	(void)state;
	read_leg("without a module", &s, &leg);
	bridge_map(&s, &s, false, &plan);
	assert_int_equal(plan.line[0].a.accepted_count, 2);
	assert_memory_equal(plan.line[0].a.accepted, want, 2 * sizeof(want[0]));
	media_codec_code(MEDIA_CODEC_G729);
	read_leg("with its module", &s, &leg);
	bridge_map(&s, &s, false, &plan);
	assert_int_equal(plan.line[0].a.accepted_count, 3);
	assert_memory_equal(plan.line[0].a.accepted, want + 2, 3 * sizeof(want[0]));
}

static void test_texts(void **state)
{
	static const char good[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
				   "c=IN IP4 192.0.2.1\r\nt=0 0\r\n" AUDIO("0");
	static struct media_plan plan;
	const struct session_texts texts = { bytes_str(good), bytes_str(good), false };
	const struct session_texts none = { bytes_str(good), bytes_str("x"), false };
	struct offer_error error = { 0 };

	(void)state;
	assert_int_equal(bridge_read(&texts, &texts, false, &plan, &error), 0);
	assert_int_equal(plan.line_count, 1);
	assert_true(plan.line[0].active);
	assert_int_equal(bridge_read(&none, &texts, false, &plan, &error), -EBADMSG);
	assert_int_equal(plan.line_count, 0);
	assert_int_equal(bridge_read(&texts, &texts, false, &plan, &error), 0);
	assert_int_equal(bridge_read(&texts, &none, false, &plan, &error), -EBADMSG);
	assert_int_equal(plan.line_count, 0);
	assert_non_null(error.reason);
}

/* How they suit each other: "" not at all, "coded", "common" or "whole". */
static const struct {
	const char *name;
	struct leg a, b;
	const char *want;
} g_fits[] = {
	{ "the same under other numbers",
	  { AUDIO("96 0 101") OPUS("96") EVENT("101") },
	  { AUDIO("0 111 100") OPUS("111") EVENT("100") },
	  "whole" },
	{ "digits of one alone", { AUDIO("0 101") EVENT("101") }, { AUDIO("0") }, "whole" },
	{ "one has more", { AUDIO("0 8") }, { AUDIO("8") }, "common" },
	{ "the other one has", { AUDIO("8") }, { AUDIO("0 8") }, "common" },
	{ "and does not say so any more", { AUDIO("0 8"), AUDIO("8") }, { AUDIO("8") }, "whole" },
	{ "each has more", { AUDIO("0 8") }, { AUDIO("8 9") }, "common" },
	{ "nothing", { AUDIO("0") }, { AUDIO("8") }, "coded" },
	{ "nothing that could be coded", { AUDIO("0") }, { AUDIO("18") }, "" },
	{ "no more than digits",
	  { AUDIO("0 101") EVENT("101") },
	  { AUDIO("18 101") EVENT("101") },
	  "" },
	{ "no sound beside the picture",
	  { AUDIO("0") VIDEO("96") H264("96") },
	  { AUDIO("18") VIDEO("96") H264("96") },
	  "" },
	{ "sound of another codec beside the picture",
	  { AUDIO("0") VIDEO("96") H264("96") },
	  { AUDIO("8") VIDEO("96") H264("96") },
	  "coded" },
	{ "no sound of one", { NO_AUDIO }, { AUDIO("0") }, "" },
	{ "a picture alone",
	  { NO_AUDIO VIDEO("96") H264("96") },
	  { AUDIO("0") VIDEO("96") H264("96") },
	  "whole" },
	{ "no picture of one",
	  { AUDIO("0") VIDEO("96") H264("96") },
	  { AUDIO("0") NO_VIDEO },
	  "whole" },
};

static const char *fit_name(const struct bridge_fit *fit)
{
	if (fit->transcoded)
		return "coded";
	return fit->whole ? "whole" : fit->common ? "common" : "";
}

static struct session_texts texts_of(char heard[2048], char said[2048], const struct leg *leg)
{
	static const char head[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

	(void)snprintf(heard, 2048, "%s%s", head, leg->heard);
	(void)snprintf(said, 2048, "%s%s", head, leg->said ? leg->said : leg->heard);
	return (struct session_texts){ .remote = bytes_str(heard),
				       .local = bytes_str(said),
				       .we_offered = leg->we_offered };
}

static void test_fit(void **state)
{
	char text[4][2048];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_fits); i++) {
		struct session_texts a = texts_of(text[0], text[1], &g_fits[i].a);
		struct session_texts b = texts_of(text[2], text[3], &g_fits[i].b);
		struct offer_error error;
		struct bridge_fit fit;

		assert_int_equal(bridge_fit(&a, &b, &fit, &error), 0);
		if (strcmp(fit_name(&fit), g_fits[i].want) != 0)
			fail_msg("%s: not %s", g_fits[i].name, g_fits[i].want);
		assert_true((fit.common && !fit.transcoded) || !fit.whole);
		assert_int_equal(bridge_fit(&b, &a, &fit, &error), 0);
		assert_string_equal(fit_name(&fit), g_fits[i].want);
		b.remote = bytes_str("x");
		assert_int_equal(bridge_fit(&a, &b, &fit, &error), -EBADMSG);
		assert_false(fit.common || fit.whole || fit.transcoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_taken_coded), /* the last one: modules stay */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
