/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own offers and answers. An offer is that of a party which can do what we can; an answer is that of a phone behind us which takes what we can,
 * less what such a phone says of its own.
 */
#include "tests/unit/media/offer_rig.h"

#include <dirent.h>
#include <errno.h>

#include "media/offer/session.h"
#include "media/payload.h"

enum { TEXT_MAX = 16384 };

/* What a party that can do all of it offers. */
#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define AUDIO                                                                          \
	"m=audio 9 RTP/AVP 8 0 9 18 96 97 101 100\r\n"                                 \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n"     \
	"a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:96 opus/48000/2\r\n" \
	"a=rtpmap:97 G726-32/8000\r\n"                                                 \
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"                     \
	"a=rtpmap:100 telephone-event/48000\r\na=fmtp:100 0-15\r\na=sendrecv\r\n"

static const struct {
	const char *name;
	struct offer_terms terms;
	bool held, silent;
	const char *earlier;
} g_offers[] = {
	{ "plain" },
	{ "SDES", { .sdes_offer = true } },
	{ "WebRTC", { .dtls_offer = true } },
	{ "some codecs", { .codec_count = 2, .codecs = { "opus", "G729" } } },
	{ "digits by INFO", { .digits = OFFER_DIGITS_INFO } },
	{ "longer packets", { .ptime_g711 = 40 } },
	{ "held", .held = true },
	{ "held and silent", { .dtls_offer = true }, .held = true, .silent = true },
	{ "numbers of before", .earlier = HEAD "m=audio 9 RTP/AVP 0 111 100\r\n"
					       "a=rtpmap:111 opus/48000/2\r\n"
					       "a=rtpmap:100 telephone-event/8000\r\n" },
};

static void set_terms(struct rig *r, const struct offer_terms *terms)
{
	rig_init(r);
	r->policy.rtcp_mux = true;
	r->policy.b = *terms;
	if (terms->dtls_offer)
		rig_dtls(&r->to_b, 'a');
}

static struct bytes own_offer(struct rig *r, uint8_t *out)
{
	const struct offer_capabilities known = offer_own_known();
	struct writer w = writer_over(out, TEXT_MAX);

	r->err = offer_own(&known, &r->policy, &r->to_b, &w, &r->error);
	return writer_done(&w);
}

static void test_offers(void **state)
{
	static struct rig r;
	static uint8_t own[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_offers); i++) {
		struct bytes text;

		set_terms(&r, &g_offers[i].terms);
		r.to_b.held = g_offers[i].held;
		r.to_b.silent = g_offers[i].silent;
		if (g_offers[i].earlier)
			r.to_b.earlier = bytes_str(g_offers[i].earlier);
		rig_offer(&r, BYTES_LIT(HEAD AUDIO));
		assert_int_equal(r.err, 0);
		r.policy.a = (struct offer_terms){ .digits = OFFER_DIGITS_INFO, .sdes_only = true };
		text = own_offer(&r, own);
		assert_int_equal(r.err, 0);
		if (!bytes_eq(text, r.offer_b))
			fail_msg("%s: " BYTES_FMT, g_offers[i].name, BYTES_ARG(text));
	}
}

/* RFC 4733 2.1: events of 48 kHz beside Opus alone. */
static void test_events_of_each_clock(void **state)
{
	static const struct offer_terms with = { .codec_count = 2, .codecs = { "opus", "PCMA" } };
	static const struct offer_terms without = { .codec_count = 1, .codecs = { "PCMA" } };
	static struct rig r;
	static uint8_t own[TEXT_MAX];

	(void)state;
	set_terms(&r, &with);
	assert_true(rig_has(own_offer(&r, own), "telephone-event/48000"));
	assert_true(rig_has(own_offer(&r, own), "a=rtpmap:101 telephone-event/8000"));
	set_terms(&r, &without);
	assert_false(rig_has(own_offer(&r, own), "telephone-event/48000"));
	assert_true(rig_has(own_offer(&r, own), "a=rtpmap:101 telephone-event/8000"));
}

/* From the first m-line on, without what goes with each. */
static void check_lines(struct bytes text, const char *want)
{
	uint8_t buf[1024];
	struct writer w = writer_over(buf, sizeof(buf));
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		if (!bytes_starts(line, "m="))
			continue;
		writer_bytes(&w, bytes_trim(line));
		writer_str(&w, "|");
	}
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: " BYTES_FMT, want, BYTES_ARG(writer_done(&w)));
}

/* RFC 3264 8: a line keeps its place. */
static void test_offers_again(void **state)
{
	static const struct {
		const char *earlier, *want;
	} rows[] = {
		{ HEAD "m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
		  "m=audio 40000 RTP/AVP 8 0 9 18 96 97 101 100|m=video 0 RTP/AVP 97|" },
		{ HEAD "m=video 9 RTP/AVP 97\r\nm=audio 0 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n",
		  "m=video 0 RTP/AVP 97|m=audio 40002 RTP/AVP 8 0 9 18 96 97 101 100|m=audio 0 "
		  "RTP/AVP "
		  "0|" },
		{ HEAD "m=image 0 udptl t38\r\n",
		  "m=image 0 udptl t38|m=audio 40002 RTP/AVP 8 0 9 18 96 97 101 100|" },
		{ "no SDP", "m=audio 40000 RTP/AVP 8 0 9 18 96 97 101 100|" },
	};
	static struct rig r;
	static uint8_t own[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_init(&r);
		r.to_b.earlier = bytes_str(rows[i].earlier);
		check_lines(own_offer(&r, own), rows[i].want);
		assert_int_equal(r.err, 0);
	}
}

static const struct {
	const char *name;
	struct offer_terms terms;
	bool dtls;
} g_answers[] = {
	{ "plain", { 0 }, false },
	{ "SDES", { .sdes_accept = true }, false },
	{ "SDES only", { .sdes_accept = true, .sdes_only = true }, false },
	{ "DTLS", { .dtls_accept = true }, true },
	{ "DTLS and digits by INFO", { .dtls_accept = true, .digits = OFFER_DIGITS_INFO }, true },
	{ "some codecs",
	  { .dtls_accept = true, .codec_count = 2, .codecs = { "PCMA", "G722" } },
	  true },
};

static void set_answer_terms(struct rig *r, unsigned terms)
{
	static const struct offer_terms ours = {
		.codec_count = 5, .codecs = { "PCMU", "PCMA", "G722", "opus", "G726-32" }
	};

	rig_init(r);
	r->policy.video = r->policy.rtcp_mux = true;
	r->policy.a = g_answers[terms].terms;
	r->policy.b = ours;
	r->policy.b.no_video = true;
	if (g_answers[terms].dtls)
		rig_dtls(&r->to_a, '0');
}

static bool has_clock(const struct payload_list *list, const struct payload *event)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_codec(&list->at[i]) && list->at[i].clock_hz == event->clock_hz)
			return true;
	}
	return false;
}

/* RFC 4733 2.1: those in the clock of a codec, else the first. */
static bool is_used(const struct payload_list *list, const struct payload *event)
{
	const struct payload *first = NULL;

	for (uint8_t i = 0; i < list->count; i++) {
		if (!payload_is_event(&list->at[i]))
			continue;
		if (has_clock(list, &list->at[i]))
			return has_clock(list, event);
		first = first ? first : &list->at[i];
	}
	return event == first;
}

static void answer_line(struct writer *w, const struct sdp *s, unsigned section)
{
	const struct sdp_section *m = &s->sections[section];
	struct payload_list list;

	payload_list_read(&list, s, section);
	writer_str(w, "m=");
	writer_bytes(w, sdp_slice(s, m->kind));
	writer_number(w, " ", m->port, " ");
	writer_bytes(w, sdp_slice(s, m->proto));
	for (uint8_t i = 0; i < list.count; i++) {
		if (payload_is_codec(&list.at[i]))
			writer_number(w, " ", list.at[i].number, "");
	}
	for (uint8_t i = 0; i < list.count; i++) {
		if (payload_is_event(&list.at[i]) && is_used(&list, &list.at[i]))
			writer_number(w, " ", list.at[i].number, "");
	}
	writer_str(w, m->port ? "\r\n" : " 0\r\n");
}

/* B takes the codecs and digits that it was offered, and has nothing to say of them. */
static struct bytes answer_of(struct bytes offer_b, uint8_t *out)
{
	struct writer w = writer_over(out, TEXT_MAX);
	struct sdp_error error;
	struct sdp s;

	assert_int_equal(sdp_parse(&s, offer_b, &error), 0);
	writer_str(&w, HEAD);
	for (uint8_t i = 0; i < s.media_count; i++)
		answer_line(&w, &s, i + 1U);
	return writer_done(&w);
}

/* Which events we know we say, and B did not; and that we hear how loud A is (RFC 6464). */
static struct bytes without_parameters(struct bytes text, uint8_t *out)
{
	struct writer w = writer_over(out, TEXT_MAX);
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		if (bytes_starts(line, "a=fmtp:") ||
		    memmem(line.p, line.n, "ssrc-audio-level", strlen("ssrc-audio-level")))
			continue;
		writer_bytes(&w, line);
		writer_str(&w, "\n");
	}
	return writer_done(&w);
}

static void check_session(const char *file, struct bytes offer, struct bytes own)
{
	static struct session s;
	struct session_texts texts = { .remote = offer, .local = own };
	struct offer_error error = { 0 };
	unsigned active = 0;

	if (session_read(&s, &texts, &error))
		fail_msg("%s: %s", file, error.reason);
	for (uint8_t i = 0; i < s.line_count; i++) {
		assert_true(!s.line[i].active || s.line[i].kind == MEDIA_AUDIO);
		active += s.line[i].active;
	}
	assert_true(active > 0);
}

/* True: there is something to compare. */
static bool compare(const char *file, struct bytes offer, unsigned terms)
{
	static struct rig r;
	static uint8_t answer[TEXT_MAX], text[TEXT_MAX], got[TEXT_MAX], want[TEXT_MAX];
	const struct offer_capabilities spoken = offer_own_spoken();
	struct writer w = writer_over(text, sizeof(text));
	int err;

	set_answer_terms(&r, terms);
	err = offer_own_answer(offer, &spoken, &r.policy, &r.to_a, &w, &r.error);
	rig_offer(&r, offer);
	if (r.err) {
		assert_int_equal(err, r.err);
		return false;
	}
	assert_int_equal(err, 0);
	rig_exchange(&r, offer, answer_of(r.offer_b, answer));
	assert_int_equal(r.err, 0);
	if (!bytes_eq(without_parameters(writer_done(&w), got),
		      without_parameters(r.answer_a, want)))
		fail_msg("%s, %s: " BYTES_FMT "\nwant\n" BYTES_FMT, file, g_answers[terms].name,
			 BYTES_ARG(writer_done(&w)), BYTES_ARG(r.answer_a));
	check_session(file, offer, writer_done(&w));
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
	for (unsigned terms = 0; terms < COUNT_OF(g_answers); terms++)
		count += compare(file, offer, terms);
	return count;
}

static void test_answers(void **state)
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
	assert_true(count > 100);
}

static size_t bytes_find_text(struct bytes text, const char *part)
{
	const uint8_t *at = memmem(text.p, text.n, part, strlen(part));

	return at ? (size_t)(at - text.p) : text.n;
}

/* Lines of a=rtcp apart. */
static void check_picture(const char *name, struct bytes text, const char *want)
{
	uint8_t buf[1024];
	struct writer w = writer_over(buf, sizeof(buf));
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		line = bytes_trim(line);
		if (bytes_starts(line, "m=video"))
			line = bytes_from(line, strlen("m=video 30002 RTP/AVP "));
		if (bytes_starts(line, "a=rtcp:"))
			continue;
		writer_bytes(&w, line);
		writer_str(&w, "|");
	}
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: " BYTES_FMT, name, BYTES_ARG(writer_done(&w)));
}

/* The whole of one, as the phone gets it. */
static void test_answer(void **state)
{
	static const char want[] =
		"v=0\r\no=- 5 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
		"m=audio 30000 RTP/AVP 8 96 100\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:100 "
		"telephone-event/8000\r\na=fmtp:100 0-16\r\na=ptime:30\r\na=recvonly\r\n"
		"a=rtcp:30001 IN IP4 203.0.113.1\r\nm=video 0 RTP/AVP 97\r\n";
	const struct offer_capabilities spoken = offer_own_spoken();
	static struct rig r;
	struct writer w = writer_over(r.answered, sizeof(r.answered));

	(void)state;
	rig_init(&r);
	r.policy.a.ptime_g711 = 30;
	r.policy.b = (struct offer_terms){ .codec_count = 1, .codecs = { "G729" } };
	r.to_a.silent = true;
	assert_int_equal(
		offer_own_answer(
			BYTES_LIT(HEAD
				  "m=audio 9 RTP/AVP 18 8 96 100\r\na=rtpmap:96 opus/48000/2\r\n"
				  "a=fmtp:96 stereo=1\r\na=x:y\r\nb=AS:64\r\n"
				  "a=rtpmap:100 telephone-event/8000\r\n"
				  "m=video 9 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"),
			&spoken, &r.policy, &r.to_a, &w, &r.error),
		0);
	if (!bytes_is(writer_done(&w), want))
		fail_msg(BYTES_FMT, BYTES_ARG(writer_done(&w)));
}

/* Baseline, where there is any, and its level no higher than others have; feedback as it was offered; the profile's bit rate. */
static void test_pictures(void **state)
{
	static const struct {
		const char *name, *offer, *want;
		uint8_t level;
		bool vp8_first;
	} rows[] = {
		{ "a phone",
		  "97\r\na=rtpmap:97 H264/90000\r\n"
		  "a=fmtp:97 profile-level-id=42e028;packetization-mode=1;max-br=9\r\n",
		  "97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=42e01e;packetization-mode=1|a=sendrecv|",
		  0x1e },
		{ "one that can less",
		  "97\r\na=rtpmap:97 H264/90000\r\n"
		  "a=fmtp:97 profile-level-id=42800D\r\na=rtcp-fb:* nack pli\r\n",
		  "97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=42800d;packetization-mode=0|"
		  "a=rtcp-fb:97 nack pli|a=sendrecv|",
		  0x1e },
		{ "nothing is said", "97\r\na=rtpmap:97 H264/90000\r\n",
		  "97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=42000a;packetization-mode=0|a=sendrecv|",
		  0 },
		{ "a browser",
		  "96 97 98 99 100 101\r\na=rtpmap:96 VP8/90000\r\n"
		  "a=rtpmap:97 H264/90000\r\na=fmtp:97 "
		  "profile-level-id=64001f;packetization-mode=1\r\n"
		  "a=rtpmap:98 H264/90000\r\na=fmtp:98 "
		  "profile-level-id=42001f;packetization-mode=1\r\n"
		  "a=rtpmap:99 H264/90000\r\n"
		  "a=fmtp:99 "
		  "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
		  "a=rtpmap:100 H264/90000\r\na=fmtp:100 profile-level-id=42e01f\r\n"
		  "a=rtpmap:101 VP9/90000\r\n",
		  "100 99 96|b=AS:768|b=TIAS:768000|"
		  "a=rtpmap:100 H264/90000|a=fmtp:100 profile-level-id=42e01f;packetization-mode=0|"
		  "a=rtpmap:99 H264/90000|"
		  "a=fmtp:99 "
		  "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1|"
		  "a=rtpmap:96 VP8/90000|a=sendrecv|",
		  0 },
		{ "a browser among its like",
		  "97 96\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\n",
		  "96 97|b=AS:768|b=TIAS:768000|a=rtpmap:96 VP8/90000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=42000a;packetization-mode=0|a=sendrecv|",
		  0, true },
		{ "one without VP8", "97\r\na=rtpmap:97 H264/90000\r\n",
		  "97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=42000a;packetization-mode=0|a=sendrecv|",
		  0, true },
		{ "no baseline",
		  "97\r\na=rtpmap:97 H264/90000\r\n"
		  "a=fmtp:97 profile-level-id=640c1f;packetization-mode=1\r\n",
		  "97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|"
		  "a=fmtp:97 profile-level-id=640c1f;packetization-mode=1|a=sendrecv|",
		  0 },
		{ "nothing that can be shown", "97\r\na=rtpmap:97 H265/90000\r\n", NULL, 0 },
	};
	struct offer_capabilities own = offer_own_spoken();
	static struct rig r;

	(void)state;
	own.video = true;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w;
		char offer[1400];
		struct bytes text;
		size_t at;

		rig_init(&r);
		w = writer_over(r.answered, sizeof(r.answered));
		r.policy.video = true;
		r.policy.a =
			(struct offer_terms){ .video_codecs = OFFER_VIDEO_ALL, .video_kbps = 768 };
		own.video_level = rows[i].level;
		own.vp8_first = rows[i].vp8_first;
		(void)snprintf(offer, sizeof(offer),
			       HEAD "m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP %s", rows[i].offer);
		assert_int_equal(offer_own_answer(bytes_str(offer), &own, &r.policy, &r.to_a, &w,
						  &r.error),
				 0);
		text = writer_done(&w);
		at = bytes_find_text(text, "m=video ");
		text = bytes_from(text, at);
		if (!rows[i].want) {
			assert_true(bytes_starts(text, "m=video 0 "));
			continue;
		}
		check_picture(rows[i].name, text, rows[i].want);
	}
}

#define H264_BOTH                                                                     \
	"a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f\r\na=rtpmap:98 " \
	"H264/90000\r\n"                                                              \
	"a=fmtp:98 packetization-mode=1;profile-level-id=64000d\r\n"

static void test_pictures_read(void **state)
{
	static const char both[] =
		HEAD AUDIO "m=video 9 RTP/AVP 97 98 96\r\n" H264_BOTH "a=rtpmap:96 VP8/90000\r\n";
	static const char h264[] = HEAD AUDIO "m=video 9 RTP/AVP 97 98\r\n" H264_BOTH;
	static const char vp8[] = HEAD AUDIO "m=video 9 RTP/AVP 96 97\r\na=rtpmap:96 VP8/90000\r\n"
					     "a=rtpmap:97 H264/90000\r\n";
	struct offer_video_formats p;

	(void)state;
	assert_false(offer_video_read(&p, BYTES_LIT(HEAD AUDIO), bytes_str(both)));
	assert_false(offer_video_read(&p, bytes_str(both), BYTES_LIT("no SDP")));
	assert_true(offer_video_read(&p, bytes_str(both), bytes_str(h264)));
	assert_int_equal(p.level, 0x0d);
	assert_int_equal(p.local_level, 0x1f);
	assert_true(p.h264 && !p.vp8 && !p.vp8_first);
	assert_true(offer_video_read(&p, bytes_str(both), bytes_str(vp8)));
	assert_int_equal(p.local_level, 0x0a); /* RFC 6184 8.1 */
	assert_true(p.h264 && p.vp8 && p.vp8_first);
	assert_true(offer_video_read(&p, bytes_str(both), bytes_str(both)));
	assert_true(p.vp8 && !p.vp8_first);
}

/* Of what we said only the order of formats changes, and what level is too high. */
static void test_pictures_fit(void **state)
{
	static const struct {
		const char *name, *said, *want;
		uint8_t level;
		bool vp8_first;
	} rows[] = {
		{ "a lower level", "97 98 96\r\n" H264_BOTH "a=rtpmap:96 VP8/90000\r\n",
		  "97 98 96\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e016\r\n"
		  "a=rtpmap:98 H264/90000\r\n"
		  "a=fmtp:98 packetization-mode=1;profile-level-id=64000d\r\n"
		  "a=rtpmap:96 VP8/90000\r\n",
		  0x16, false },
		{ "a higher one", "97 98\r\n" H264_BOTH, "97 98\r\n" H264_BOTH, 0x28, false },
		{ "none", "97 98\r\n" H264_BOTH, "97 98\r\n" H264_BOTH, 0, false },
		{ "VP8 first", "97 98 96\r\n" H264_BOTH "a=rtpmap:96 VP8/90000\r\n",
		  "96 97 98\r\n" H264_BOTH "a=rtpmap:96 VP8/90000\r\n", 0, true },
		{ "and last", "96 97 98\r\na=rtpmap:96 VP8/90000\r\n" H264_BOTH,
		  "97 98 96\r\na=rtpmap:96 VP8/90000\r\n" H264_BOTH, 0, false },
		{ "no VP8", "97 98\r\n" H264_BOTH, "97 98\r\n" H264_BOTH, 0, true },
		{ "no level", "97\r\na=rtpmap:97 H264/90000\r\n",
		  "97\r\na=rtpmap:97 H264/90000\r\n", 0x0d, true },
	};
	static uint8_t memory[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(memory, sizeof(memory));
		char said[1000], want[1000];

		(void)snprintf(said, sizeof(said), HEAD AUDIO "m=video 9 RTP/AVP %s", rows[i].said);
		(void)snprintf(want, sizeof(want), HEAD AUDIO "m=video 9 RTP/AVP %s", rows[i].want);
		assert_int_equal(
			offer_video_fit(bytes_str(said), rows[i].level, rows[i].vp8_first, &w), 0);
		if (!bytes_is(writer_done(&w), want))
			fail_msg("%s:\n%.*s", rows[i].name, (int)w.n, (const char *)memory);
		w = writer_over(memory, 20);
		assert_int_equal(offer_video_fit(bytes_str(said), 0, false, &w), -ENOSPC);
	}
}

/* Our own offer with a picture, which keeps its place when it is made again. */
static void test_offers_with_pictures(void **state)
{
	struct offer_capabilities own = offer_own_spoken();
	static struct rig r;
	static uint8_t first[TEXT_MAX], second[TEXT_MAX];
	struct writer w = writer_over(first, sizeof(first));

	(void)state;
	own.video = true;
	own.video_level = 0x16;
	rig_init(&r);
	r.policy.video = true;
	assert_int_equal(offer_own(&own, &r.policy, &r.to_b, &w, &r.error), 0);
	check_lines(writer_done(&w),
		    "m=audio 40000 RTP/AVP 8 0 9 96 97 101 100|m=video 40002 RTP/AVP 102 103|");
	assert_true(bytes_find_text(writer_done(&w),
				    "profile-level-id=42e016;packetization-mode=0") < w.n);
	assert_true(bytes_find_text(writer_done(&w), "a=rtcp-fb:* nack pli") < w.n);
	r.to_b.earlier = writer_done(&w);
	w = writer_over(second, sizeof(second));
	assert_int_equal(offer_own(&own, &r.policy, &r.to_b, &w, &r.error), 0);
	check_lines(writer_done(&w),
		    "m=audio 40000 RTP/AVP 8 0 9 96 97 101 100|m=video 40002 RTP/AVP 102 103|");
}

static void test_refusals(void **state)
{
	static const struct {
		const char *offer, *reason;
		struct offer_terms terms;
	} rows[] = {
		{ HEAD "m=audio 9 RTP/AVP 18\r\n", "no codec in common" },
		{ HEAD "m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		  "no codec in common" },
		/* RFC 3551 4.5.4: the other order of the same codes; another rate */
		{ HEAD "m=audio 9 RTP/AVP 98\r\na=rtpmap:98 AAL2-G726-32/8000\r\n",
		  "no codec in common" },
		{ HEAD "m=audio 9 RTP/AVP 98\r\na=rtpmap:98 G726-40/8000\r\n",
		  "no codec in common" },
		{ HEAD "m=audio 9 RTP/AVP 98\r\na=rtpmap:98 G726-32/16000\r\n",
		  "no codec in common" },
		{ HEAD "m=audio 9 RTP/AVP 0\r\n",
		  "plain RTP is not accepted",
		  { .sdes_only = true } },
		{ HEAD "m=video 9 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n", "video is off" },
		{ "v=1\r\n", "v= is not 0" },
		{ HEAD "m=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n"
		       "m=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 1.2\r\n",
		  "address is malformed" },
	};
	const struct offer_capabilities spoken = offer_own_spoken();
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(r.answered, sizeof(r.answered));

		rig_init(&r);
		w = writer_over(r.answered, sizeof(r.answered));
		r.policy.a = rows[i].terms;
		assert_true(offer_own_answer(bytes_str(rows[i].offer), &spoken, &r.policy, &r.to_a,
					     &w, &r.error) < 0);
		assert_int_equal(r.error.status, 488);
		if (strcmp(r.error.reason, rows[i].reason) != 0)
			fail_msg("%zu: %s", i, r.error.reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),       cmocka_unit_test(test_events_of_each_clock),
		cmocka_unit_test(test_offers_again), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer),       cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_pictures),     cmocka_unit_test(test_pictures_read),
		cmocka_unit_test(test_pictures_fit), cmocka_unit_test(test_offers_with_pictures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
