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

static void refuse_invite(struct line *l, uint32_t said, uint32_t heard)
{
	char answer[32], want[32];

	(void)snprintf(answer, sizeof(answer), "%u No", said);
	(void)snprintf(want, sizeof(want), "SIP/2.0 %u ", heard);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer_as(&l->b, phone_rings(&l->b), "b", answer,
			"Retry-After: 7\r\nReason: Q.850;cause=17\r\nX-Foo: 1\r\n", "");
	for (struct bytes m; (m = rig_take(l->r, &l->a.addr, "SIP/2.0 ")).n;) {
		if (bytes_starts(m, "SIP/2.0 100"))
			continue;
		if (!bytes_starts(m, want))
			fail_msg("INVITE, %u: " BYTES_FMT, said, BYTES_ARG(m));
		ROW_ASSERT(want, bytes_is(rig_header(m, "Retry-After"), "7"));
		ROW_ASSERT(want, bytes_is(rig_header(m, "Reason"), "Q.850;cause=17"));
		ROW_ASSERT(want, rig_header(m, "X-Foo").n == 0);
		phone_write(&l->a, "ACK", "", "");
		rig_wait_ms(l->r, 35000);
		return;
	}
	fail_msg("INVITE, %u: nothing was heard", said);
}

/* The call goes on, but where the phone says that there is none. */
static void refuse_info(struct line *l, uint32_t said, uint32_t heard)
{
	char answer[32], want[32];
	struct bytes bye;

	if (said < 400)
		return;
	(void)snprintf(answer, sizeof(answer), "%u No", said);
	(void)snprintf(want, sizeof(want), "SIP/2.0 %u ", heard);
	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INFO", "Content-Type: application/media_control+xml\r\n", "x");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), answer, "");
	if (!rig_take(l->r, &l->a.addr, want).n)
		fail_msg("INFO, %u: not %u", said, heard);
	bye = rig_take(l->r, &l->a.addr, "BYE ");
	ROW_ASSERT(want, (bye.n != 0) == (said == 481 || said == 408));
	if (bye.n) {
		phone_answer(&l->a, bye, "200 OK", "");
	} else {
		phone_request(&l->a, "BYE", "", "");
		phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	}
	rig_wait_ms(l->r, 35000);
	while (rig_take(l->r, &l->a.addr, "").n || rig_take(l->r, &l->b.addr, "").n)
		;
}

/* "| 401, 407 | 500 | why |": every code of the row. "the same": itself. */
static uint32_t refusals_of(struct line *l, struct bytes row)
{
	struct bytes said, heard, one;
	uint32_t code, other, n = 0;

	(void)bytes_cut(&row, '|', &said); /* what stands before the first one: nothing */
	if (!bytes_cut(&row, '|', &said) || !bytes_cut(&row, '|', &heard))
		return 0;
	while (bytes_cut(&said, ',', &one)) {
		if (bytes_u32(bytes_trim(one), &code))
			return n;
		if (bytes_u32(bytes_trim(heard), &other)) {
			assert_true(bytes_is(bytes_trim(heard), "the same"));
			other = code;
		}
		refuse_invite(l, code, other);
		refuse_info(l, code, other);
		n++;
	}
	return n;
}

static struct bytes page(char *space, size_t cap)
{
	FILE *f = fopen("../docs/sip.md", "r"); /* from tests, as meson runs it */
	size_t n;

	assert_non_null(f);
	n = fread(space, 1, cap, f);
	assert_int_equal(fclose(f), 0);
	assert_true(n > 0 && n < cap);
	return bytes_mem(space, n);
}

/* The table for operators is true, row by row. */
static void is_refused_by_name(void **state)
{
	static char space[131072];
	struct bytes rest = page(space, sizeof(space)), row;
	bool within = false;
	struct line *l = *state;
	uint32_t n = 0;

	l->r->rolling = true;
	while (bytes_cut(&rest, '\n', &row)) {
		if (bytes_starts(row, "## "))
			within = bytes_is(row, "## Refusals");
		if (within && bytes_starts(row, "| "))
			n += refusals_of(l, row);
	}
	assert_true(n > 35);
}

static void provisional_answers(void **state)
{
	static const struct {
		const char *said, *heard; /* NULL: nothing */
	} rows[] = {
		{ "100 Trying", NULL },
		{ "180 Ringing", "SIP/2.0 180" },
		{ "181 Sent on", "SIP/2.0 181" },
		{ "182 Queued", "SIP/2.0 182" },
		{ "183 Progress", "SIP/2.0 183" },
		{ "199 Over", NULL },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		phone_invite(&l->a, "1002", PHONE_SDP_A);
		assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
		phone_answer(&l->b, phone_rings(&l->b), rows[i].said, "");
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 1");
		ROW_ASSERT(rows[i].said, (m.n != 0) == (rows[i].heard != NULL));
		ROW_ASSERT(rows[i].said, !rows[i].heard || bytes_starts(m, rows[i].heard));
		phone_answer(&l->b, l->b.invite, "486 Busy", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
		phone_write(&l->a, "ACK", "", "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(number_with_parameters),     LINE_TEST(session_among_parts),
		LINE_TEST(parts_that_cannot_be_taken), LINE_TEST(body_that_may_be_passed_over),
		LINE_TEST(info_by_its_type),           LINE_TEST(domains),
		LINE_TEST(is_refused_by_name),         LINE_TEST(provisional_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
