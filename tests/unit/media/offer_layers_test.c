/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of a browser's picture: which of them are taken, and what is known of that by the texts. */
#include "media/offer/session.h"
#include "tests/unit/media/offer_browser.h"

#define RIDS     "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"
#define LONG_RID "a234567890123456" /* 16 */

static uint8_t g_recorded[8192], g_again[8192];

static struct bytes answered(struct bytes offer, bool layers)
{
	struct offer_capabilities own = offer_own_spoken();
	struct writer w = writer_over(g_recorded, sizeof(g_recorded));

	own.video = true;
	g_rig.to_a.layers = layers;
	g_rig.policy.a.video_codecs = OFFER_VIDEO_ALL;
	if (offer_own_answer(offer, &own, &g_rig.policy, &g_rig.to_a, &w, &g_rig.error))
		fail_msg("%s", g_rig.error.reason);
	return writer_done(&w);
}

static void names_write(char out[128], const struct media_layers *layers)
{
	struct writer w = writer_over(out, 127);

	for (uint8_t i = 0; i < layers->count; i++) {
		writer_str(&w, i ? ";" : "");
		writer_mem(&w, layers->list[i].name, layers->list[i].length);
	}
	out[writer_done(&w).n] = 0;
}

static struct media_side agreed_side(struct bytes heard, struct bytes said, bool we_offered)
{
	const struct session_texts texts = { heard, said, we_offered };
	struct offer_error error = { 0 };
	struct session s;

	if (session_read(&s, &texts, &error))
		fail_msg("%s", error.reason);
	return s.line[0].side;
}

/* "3 q;h;f": the extension, and the layers. */
static void check_agreed(const char *name, struct bytes heard, struct bytes said, bool we_offered,
			 const char *want)
{
	const struct media_side side = agreed_side(heard, said, we_offered);
	char names[128], found[160];

	names_write(names, &side.layers);
	(void)snprintf(found, sizeof(found), "%u %s", side.layers.extension, names);
	if (strcmp(side.layers.count ? found : "", want) != 0)
		fail_msg("%s: %s", name, found);
}

static void what_is_taken(void **state)
{
	static const struct {
		const char *name, *lines, *taken, *agreed;
	} rows[] = {
		{ "three layers", RID("10") RIDS "a=simulcast:send q;h;f\r\n",
		  "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n",
		  "10 q;h;f" },
		{ "in their order", RID("1") RIDS "a=simulcast:send f;q\r\n",
		  "a=rid:f recv\r\na=rid:q recv\r\na=simulcast:recv f;q\r\n", "1 f;q" },
		{ "a fourth one", RID("10") RIDS "a=rid:x send\r\na=simulcast:send q;h;f;x\r\n",
		  "a=simulcast:recv q;h;f\r\n", "10 q;h;f" },
		{ "with limits",
		  RID("1") "a=rid:1 send pt=96;max-width=1280\r\na=rid:2 send max-br=64000\r\n"
			   "a=simulcast:send 1;2\r\n",
		  "a=rid:1 recv pt=96;max-width=1280\r\na=rid:2 recv max-br=64000\r\n"
		  "a=simulcast:recv 1;2\r\n",
		  "1 1;2" },
		{ "of another codec",
		  RID("1") "a=rid:1 send pt=99\r\na=rid:2 send\r\na=rid:3 send pt=98,96\r\n"
			   "a=simulcast:send 1;2;3\r\n",
		  "a=simulcast:recv 2;3\r\n", "1 2;3" },
		{ "choices, and one that waits", RID("1") RIDS "a=simulcast:send q,h;~f\r\n",
		  "a=simulcast:recv q;f\r\n", "1 q;f" },
		{ "the second choice", RID("1") RIDS "a=simulcast:send x,h;f\r\n",
		  "a=simulcast:recv h;f\r\n", "1 h;f" },
		{ "both ways", RID("1") RIDS "a=rid:r recv\r\na=simulcast:recv r send q;h\r\n",
		  "a=simulcast:recv q;h\r\n", "1 q;h" },
		{ "twice the same", RID("1") RIDS "a=simulcast:send q;q;h\r\n",
		  "a=simulcast:recv q;h\r\n", "1 q;h" },
		{ "the longest name",
		  RID("1") RIDS "a=rid:" LONG_RID " send\r\na=simulcast:send q;" LONG_RID "\r\n",
		  "a=simulcast:recv q;" LONG_RID "\r\n", "1 q;" LONG_RID },
		{ "too long a name",
		  RID("1") RIDS "a=rid:" LONG_RID "7 send\r\na=simulcast:send q;" LONG_RID "7;f\r\n",
		  "a=simulcast:recv q;f\r\n", "1 q;f" },
		{ "no name", RID("1") RIDS "a=rid:! send\r\na=simulcast:send !;q;~;;f\r\n",
		  "a=simulcast:recv q;f\r\n", "1 q;f" },
		{ "one of them", RID("1") RIDS "a=simulcast:send q\r\n", NULL, "" },
		{ "they are received", RID("1") "a=rid:1 recv\r\na=rid:2 recv\r\na=simulcast:recv 1;2\r\n",
		  NULL, "" },
		{ "two lists", RID("1") RIDS "a=simulcast:send q;h\r\na=simulcast:send q;h\r\n",
		  NULL, "" },
		{ "not there", RID("14") "a=simulcast:send 7;8\r\n", NULL, "" },
		{ "the older draft", RID("1") RIDS "a=simulcast: send rid=q;h\r\n", NULL, "" },
		{ "empty", RID("1") "a=rid:\r\na=rid\r\na=simulcast:\r\na=simulcast:send\r\n", NULL,
		  "" },
		{ "no extension", RIDS "a=simulcast:send q;h;f\r\n", NULL, "" },
		{ "too high a number", RID("15") RIDS "a=simulcast:send q;h;f\r\n", NULL, "" },
	}, *row;
	char offer[2048];

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes said;

		begin(true, false);
		(void)snprintf(offer, sizeof(offer), HEAD VIDEO ICE SHA256 "a=mid:0\r\n%s",
			       row->lines);
		said = answered(bytes_str(offer), true);
		check_has(row->name, said, row->taken ? row->taken : "m=video 30000 ");
		if (!row->taken)
			check_no_layers(row->name, said);
		check_agreed(row->name, bytes_str(offer), said, false, row->agreed);
		said = answered(bytes_str(offer), false); /* nobody else is to be there */
		check_no_layers(row->name, said);
		check_agreed(row->name, bytes_str(offer), said, false, "");
	}
}

/* A phone has no transport that tells layers apart. */
static void of_browsers_alone(void **state)
{
	struct bytes said;

	(void)state;
	begin(true, false);
	said = answered(BYTES_LIT(HEAD "m=video 9 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" RID("1")
					  RIDS "a=simulcast:send q;h;f\r\n"),
			true);
	check_has("a phone", said, "m=video 30000 ");
	check_no_layers("a phone", said);
	said = answered(BYTES_LIT(HEAD VIDEO SHA256 "a=mid:0\r\n" RID("1") RIDS
				  "a=simulcast:send q;h;f\r\n"),
			true);
	assert_int_equal(agreed_side(BYTES_LIT(HEAD VIDEO SHA256 "a=mid:0\r\n" RID("1") RIDS
					       "a=simulcast:send q;h;f\r\n"),
				     said, false)
				 .layers.count,
			 0);
}

#define BROWSER HEAD VIDEO ICE SHA256 "a=mid:0\r\n"

/* In an offer of ours they are as before, and agreed where the party's answer has them. */
static void said_again(void **state)
{
	static const struct {
		const char *name, *earlier, *offered, *answer, *agreed;
		bool none;
	} rows[] = {
		{ "it offered", BROWSER RID("10") RIDS "a=simulcast:send q;h;f\r\n",
		  "a=simulcast:recv q;h;f\r\n", RID("10") RIDS "a=simulcast:send q;h;f\r\n",
		  "10 q;h;f" },
		{ "it has less by now",
		  BROWSER RID("10") "a=rid:q recv\r\na=rid:h recv pt=96\r\na=simulcast:recv q;h\r\n",
		  "a=rid:h recv pt=96\r\na=simulcast:recv q;h\r\n",
		  RID("10") RIDS "a=simulcast:send q\r\n", "" },
		{ "it says nothing of them",
		  BROWSER RID("10") "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n",
		  "a=simulcast:recv q;h\r\n", "", "" },
		{ "it had none", BROWSER RID("10"), NULL, RID("10") RIDS "a=simulcast:send q;h\r\n",
		  "" },
		{ "the first offer", "", NULL, "", "" },
		{ "it has left the conference", BROWSER RID("10") RIDS "a=simulcast:send q;h;f\r\n",
		  NULL, RID("10") RIDS "a=simulcast:send q;h;f\r\n", "", true },
	}, *row;
	char answer[2048];

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		g_rig.to_b.layers = !row->none;
		rig_offer(&g_rig,
			  BYTES_LIT(HEAD "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
		ROW_ASSERT(row->name, g_rig.err == 0);
		check_has(row->name, g_rig.offer_b, row->offered ? row->offered : "m=video ");
		if (!row->offered)
			check_no_layers(row->name, g_rig.offer_b);
		(void)snprintf(answer, sizeof(answer), BROWSER "a=setup:active\r\n%s", row->answer);
		check_agreed(row->name, bytes_str(answer), g_rig.offer_b, true, row->agreed);
	}
}

/* What was said last, with the video of those who are there by now. */
static void said_again_as_it_fits(void **state)
{
	struct writer w = writer_over(g_again, sizeof(g_again));
	struct bytes said;

	(void)state;
	begin(true, true);
	said = answered(BYTES_LIT(BROWSER RID("4") RIDS "a=simulcast:send q;h;f\r\n"), true);
	assert_int_equal(offer_video_fit(said, 0x1e, true, &w), 0);
	g_rig.to_b.layers = true;
	g_rig.to_b.earlier = said;
	w = writer_over(g_rig.forwarded, sizeof(g_rig.forwarded));
	assert_int_equal(offer_again(said, &g_rig.policy, &g_rig.to_b, &w, &g_rig.error), 0);
	check_has("again", writer_done(&w),
		  "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n");
}

/* In a call of two the other party gets one picture: the best one that it can take, whatever the order. */
static void one_of_a_call(void **state)
{
	static const struct {
		const char *name, *lines, *answer, *taken;
	} rows[] = {
		{ "the least first", RID("10") RIDS "a=simulcast:send q;h;f\r\n", "",
		  "a=rid:f recv\r\na=simulcast:recv f\r\n" },
		{ "the best first", RID("10") RIDS "a=simulcast:send f;h;q\r\n", "",
		  "a=rid:f recv\r\na=simulcast:recv f\r\n" },
		{ "high, medium, low",
		  RID("2") "a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;m;l\r\n",
		  "", "a=simulcast:recv h\r\n" },
		{ "names that say nothing",
		  RID("1") "a=rid:0 send\r\na=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 0;1;2\r\n",
		  "", "a=simulcast:recv 2\r\n" },
		{ "sizes",
		  RID("1") "a=rid:a send max-width=1280;max-height=720\r\n"
			   "a=rid:b send max-width=640;max-height=360\r\na=simulcast:send a;b\r\n",
		  "", "a=rid:a recv max-width=1280;max-height=720\r\na=simulcast:recv a\r\n" },
		{ "limits of some",
		  RID("1") "a=rid:a send\r\na=rid:b send max-width=640\r\na=rid:c send max-fs=900\r\n"
			   "a=simulcast:send a;b;c\r\n",
		  "", "a=simulcast:recv a\r\n" },
		{ "more than the answerer may be sent",
		  RID("1") "a=rid:a send max-br=300000\r\na=rid:b send max-br=1500000\r\n"
			   "a=simulcast:send a;b\r\n",
		  "b=AS:512\r\n", "a=rid:a recv max-br=300000\r\na=simulcast:recv a\r\n" },
		{ "all are more",
		  RID("1") "a=rid:a send max-br=700000\r\na=rid:b send max-br=1500000\r\n"
			   "a=simulcast:send a;b\r\n",
		  "b=AS:512\r\n", NULL },
		{ "without the extension", RIDS "a=simulcast:send q;h;f\r\n", "", NULL },
		{ "none is offered", RID("10"), "", NULL },
	}, *row;
	char offer[2048], answer[1024];

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(true, false);
		(void)snprintf(offer, sizeof(offer), BROWSER "a=setup:actpass\r\n%s", row->lines);
		(void)snprintf(answer, sizeof(answer),
			       HEAD "m=video 4002 RTP/AVP 96\r\n%sa=rtpmap:96 H264/90000\r\n",
			       row->answer);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		check_no_layers(row->name, g_rig.offer_b);
		if (row->taken)
			check_has(row->name, g_rig.answer_a, row->taken);
		else
			check_no_layers(row->name, g_rig.answer_a);
		check_agreed(row->name, bytes_str(offer), g_rig.answer_a, false, "");
	}
}

static void bandwidth(void **state)
{
	static const struct {
		const char *name, *lines;
		uint32_t kbps;
	} rows[] = {
		{ "nothing", "", 0 },
		{ "AS", "b=AS:300\r\n", 300 },
		{ "TIAS", "b=TIAS:256000\r\n", 256 },
		{ "the lower one", "b=AS:300\r\nb=TIAS:256000\r\n", 256 },
		{ "the lower one, first", "b=tias:256000\r\nb=as:200\r\n", 200 },
		{ "no number", "b=AS:x\r\nb=TIAS:-1\r\nb=AS\r\nb=AS:99999999999\r\n", 0 },
		{ "none at all", "b=AS:0\r\nb=TIAS:999\r\n", 0 },
		{ "of reports", "b=RS:8\r\nb=RR:4\r\nb=CT:9\r\n", 0 },
	}, *row;
	char offer[2048];

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes said;

		begin(true, false);
		(void)snprintf(offer, sizeof(offer),
			       HEAD "m=video 4000 RTP/AVP 96\r\n%sa=rtpmap:96 H264/90000\r\n",
			       row->lines);
		said = answered(bytes_str(offer), true);
		if (agreed_side(bytes_str(offer), said, false).kbps != row->kbps)
			fail_msg("%s: %u", row->name,
				 agreed_side(bytes_str(offer), said, false).kbps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken), cmocka_unit_test(of_browsers_alone),
		cmocka_unit_test(said_again),    cmocka_unit_test(said_again_as_it_fits),
		cmocka_unit_test(one_of_a_call), cmocka_unit_test(bandwidth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
