/* SPDX-License-Identifier: Apache-2.0 */
/* What phones of other makers say, and what of it the other phone hears: numbers, bodies of several parts, INFO. */
#include "tests/unit/sig/line.h"

#define PARTS(handling)                                                                           \
	"--x\r\nContent-Type: application/isup\r\nContent-Disposition: signal;handling=" handling \
	"\r\n\r\n\x01\x10\r\n--x\r\nContent-Type: application/sdp\r\n\r\n" PHONE_SDP_A            \
	"\r\n--x--\r\n"

static void number_with_parameters(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_begin(&l->a, "1002");
	(void)snprintf(l->a.target, sizeof(l->a.target),
		       "sip:1002;phone-context=+49@test.local;user=phone");
	(void)snprintf(l->a.local, sizeof(l->a.local),
		       "<sip:1001;phone-context=+49@test.local;user=phone>");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = phone_rings(&l->b);
	assert_true(bytes_starts(m, "INVITE sip:1002@192.0.2.12:5060 "));
	assert_true(rig_has(rig_header(m, "From"), "<sip:1001@192.0.2.1:5060>"));
	assert_true(rig_has(rig_header(m, "To"), "<sip:1002@192.0.2.1:5060>"));
}

static void session_among_parts(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "Content-Type: multipart/mixed; boundary=\"x\"\r\n",
		      PARTS("optional"));
	m = phone_rings(&l->b);
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/sdp"));
	assert_true(bytes_starts(rig_body(m), "v=0\r\n") && !rig_has(m, "isup"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void parts_that_cannot_be_taken(void **state)
{
	static const struct {
		const char *type, *body, *want;
	} rows[] = {
		{ "Content-Type: multipart/mixed;boundary=x\r\n", PARTS("required"),
		  "SIP/2.0 415" },
		{ "Content-Type: multipart/mixed;boundary=y\r\n", PARTS("optional"),
		  "SIP/2.0 400" },
		{ "Content-Type: application/isup\r\n", "\x01", "SIP/2.0 415" },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		phone_begin(&l->a, "1002");
		phone_request(&l->a, "INVITE", rows[i].type, rows[i].body);
		m = phone_hears(&l->a, rows[i].want);
		ROW_ASSERT(rows[i].want, m.n);
		ROW_ASSERT(rows[i].want,
			   !rig_has(m, " 415 ") || rig_has(rig_header(m, "Accept"),
							   "application/sdp, multipart/mixed"));
		phone_write(&l->a, "ACK", "", "");
	}
	line_assert_idle(l->r);
}

/* A body that may be passed over is none: the INVITE asks for an offer. */
static void body_that_may_be_passed_over(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE",
		      "Content-Type: application/x-foo\r\n"
		      "Content-Disposition: render;handling=optional\r\n",
		      "x");
	assert_int_equal(rig_body(phone_rings(&l->b)).n, 0);
}

static void info_by_its_type(void **state)
{
	static const struct {
		const char *extra, *body;
		bool named, passes;
	} rows[] = {
		{ "", "", false, true },
		{ "Content-Type: application/dtmf-relay\r\n", "Signal=x\r\n", false, true },
		{ "Content-Type: Application/DTMF\r\n", "x", false, true },
		{ "Content-Type: application/media_control+xml;v=1\r\n", "<x/>", false, true },
		{ "Content-Type: application/x-foo\r\n", "x", false, false },
		{ "Content-Type: application/x-foo\r\n", "x", true, true },
		{ "Content-Type: text/plain\r\n", "x", true, false },
	};
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_settings s = l->r->settings;
		struct bytes m;

		s.info_type_count = rows[i].named;
		(void)bytes_cstr(BYTES_LIT("application/X-Foo"), s.info_types[0],
				 SHARD_INFO_TYPE_MAX);
		shard_configure(l->r->shard, &s);
		phone_request(&l->a, "INFO", rows[i].extra, rows[i].body);
		m = rig_take(l->r, &l->b.addr, "INFO ");
		ROW_ASSERT(rows[i].extra, (m.n != 0) == rows[i].passes);
		if (m.n)
			phone_answer(&l->b, m, "200 OK", "");
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 415");
		ROW_ASSERT(rows[i].extra, (m.n == 0) == rows[i].passes);
		ROW_ASSERT(rows[i].extra,
			   m.n == 0 || rig_has(rig_header(m, "Accept"), "application/dtmf-relay"));
	}
}

/* A domain that is not ours is no local number; the caller's own is ours, whatever name led here. */
static void domains(void **state)
{
	static const struct {
		const char *target, *from, *want;
	} rows[] = {
		{ "sip:1002@elsewhere.test", "<sip:1001@test.local>", "SIP/2.0 404" },
		{ "sip:1002@192.0.2.77", "<sip:1001@test.local>", "SIP/2.0 404" },
		{ "sip:1002@pbx.test", "<sip:1001@PBX.test>", "SIP/2.0 100" },
		{ "tel:1002", "<sip:1001@pbx.test>", "SIP/2.0 100" },
		{ "sip:1002@192.0.2.1:5080", "<sip:1001@pbx.test>", "SIP/2.0 100" },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_begin(&l->a, "1002");
		(void)snprintf(l->a.target, sizeof(l->a.target), "%s", rows[i].target);
		(void)snprintf(l->a.local, sizeof(l->a.local), "%s", rows[i].from);
		phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
		ROW_ASSERT(rows[i].target, phone_hears(&l->a, rows[i].want).n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(number_with_parameters),     LINE_TEST(session_among_parts),
		LINE_TEST(parts_that_cannot_be_taken), LINE_TEST(body_that_may_be_passed_over),
		LINE_TEST(info_by_its_type),           LINE_TEST(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
