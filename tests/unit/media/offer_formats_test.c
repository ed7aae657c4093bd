/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3264 8.3.2: whatever the offerer's numbers are, the answerer meets each number with one codec all the session. */
#include "tests/unit/media/offer_rig.h"

#define A_HEAD                                                                                   \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 " \
	"RTP/AVP "
#define B_HEAD                                                                                   \
	"v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=b\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 " \
	"RTP/AVP "
#define MAP(pt, to) "a=rtpmap:" pt " " to "\r\n"
#define OPUS        "opus/48000/2"
#define ILBC        "iLBC/8000"
#define EVENT       "telephone-event/8000"

static struct bytes formats_of(struct bytes sdp)
{
	struct bytes line;

	while (bytes_cut(&sdp, '\n', &line)) {
		if (bytes_starts(line, "m=audio 40000 RTP/AVP "))
			return bytes_trim(bytes_from(line, 22));
	}
	return (struct bytes){ 0 };
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name, *earlier, *offer, *formats, *part;
	} rows[] = {
		{ "nothing earlier", NULL, "0 96 127\r\n" MAP("96", OPUS) MAP("127", EVENT), "0 96 101",
		  MAP("96", OPUS) },
		{ "what was no SDP", "v=1", "0 96\r\n" MAP("96", OPUS), "0 96", MAP("96", OPUS) },
		{ "the same numbers", A_HEAD "96 101\r\n" MAP("96", OPUS) MAP("101", EVENT),
		  "96 101\r\n" MAP("96", OPUS) MAP("101", EVENT), "96 101", MAP("96", OPUS) },
		{ "a codec has its earlier number", B_HEAD "111 0\r\n" MAP("111", OPUS),
		  "0 96\r\n" MAP("96", OPUS) "a=fmtp:96 stereo=1\r\n", "0 111",
		  MAP("111", OPUS) "a=fmtp:111 stereo=1\r\n" },
		{ "an event too, before the preferred one", B_HEAD "0 99\r\n" MAP("99", EVENT),
		  "0 127\r\n" MAP("127", EVENT), "0 99", MAP("99", EVENT) },
		{ "a new codec does not get another's number", B_HEAD "96 0\r\n" MAP("96", OPUS),
		  "96 0\r\n" MAP("96", ILBC), "127 0", MAP("127", ILBC) },
		{ "two change places", B_HEAD "96 97\r\n" MAP("96", OPUS) MAP("97", ILBC),
		  "96 97\r\n" MAP("96", ILBC) MAP("97", OPUS), "97 96", MAP("97", ILBC) MAP("96", OPUS) },
		{ "the preferred number had another meaning", B_HEAD "0 101\r\n" MAP("101", ILBC),
		  "0 101\r\n" MAP("101", EVENT), "0 127", MAP("127", EVENT) },
		{ "static numbers are what they are", B_HEAD "8 96\r\n" MAP("96", "PCMU/8000"),
		  "0 8\r\n", "0 8", "m=audio 40000 RTP/AVP 0 8\r\n" },
		{ "a static number with another meaning of the party's own",
		  B_HEAD "0\r\n" MAP("0", OPUS), "0 96\r\n" MAP("96", OPUS), "0 96", MAP("96", OPUS) },
		{ "redundancy names numbers: all stay", B_HEAD "111\r\n" MAP("111", OPUS),
		  "96 97\r\n" MAP("96", OPUS) MAP("97", "red/48000/2") "a=fmtp:97 96/96\r\n", "96 97",
		  "a=fmtp:97 96/96\r\n" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512];

		rig_init(&r);
		r.to_b.earlier = bytes_str(row->earlier);
		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		rig_offer(&r, bytes_str(offer));
		if (r.err)
			fail_msg("%s: %s", row->name, r.error.reason);
		if (!bytes_is(formats_of(r.offer_b), row->formats) ||
		    !rig_has(r.offer_b, row->part))
			fail_msg("%s: got\n" BYTES_FMT, row->name, BYTES_ARG(r.offer_b));
	}
}

/* The answer to renumbered formats finds A's numbers again. */
static void test_way_back(void **state)
{
	static struct rig r;
	uint8_t buf[128];
	struct writer w = writer_over(buf, sizeof(buf));

	(void)state;
	rig_init(&r);
	r.to_b.earlier = BYTES_LIT(B_HEAD "111 0 99\r\n" MAP("111", OPUS) MAP("99", EVENT));
	rig_exchange(&r, BYTES_LIT(A_HEAD "0 96 127\r\n" MAP("96", OPUS) MAP("127", EVENT)),
		     BYTES_LIT(B_HEAD "111 99\r\n" MAP("111", OPUS) MAP("99", EVENT)));
	assert_int_equal(r.err, 0);
	assert_true(rig_has(r.answer_a, "m=audio 30000 RTP/AVP 96 127\r\n"));
	rig_write_rules(&w, &r.plan.line[0].a);
	writer_str(&w, "| ");
	rig_write_rules(&w, &r.plan.line[0].b);
	if (!bytes_is(writer_done(&w), "96>111 127>99e | 111>96 99>127e "))
		fail_msg(BYTES_FMT, BYTES_ARG(writer_done(&w)));
}

/* Every dynamic number is in use: what cannot be named is left out, and nothing is named twice. */
static void test_all_in_use(void **state)
{
	static struct rig r;
	static char earlier[4096], offer[1024];
	struct writer w = writer_over(earlier, sizeof(earlier)),
		      o = writer_over(offer, sizeof(offer));

	(void)state;
	rig_init(&r);
	writer_str(&w, B_HEAD);
	for (int i = 96; i < 120; i++)
		writer_fmt(&w, "%d ", i);
	writer_str(&w, "\r\n");
	for (int i = 96; i < 120; i++)
		writer_fmt(&w, "a=rtpmap:%d x%d/8000\r\n", i, i);
	writer_str(&o, A_HEAD "0 96 120 121 122 123 124 125 126 127\r\n" MAP("96", ILBC));
	for (int i = 120; i < 128; i++)
		writer_fmt(&o, "a=rtpmap:%d y%d/8000\r\n", i, i);
	r.to_b.earlier = writer_done(&w);
	rig_offer(&r, writer_done(&o));
	assert_int_equal(r.err, 0);
	assert_true(bytes_is(formats_of(r.offer_b), "0 120 121 122 123 124 125 126 127"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_way_back),
		cmocka_unit_test(test_all_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
