/* SPDX-License-Identifier: Apache-2.0 */
/* Presence: which word counts, what is shown of it, and documents about it (RFC 3863, RFC 4480, RFC 3903). */
#include <errno.h>

#include "sig/identity/presence.h"
#include "tests/unit/test.h"

static struct presence_word word(const char *state, enum presence_source by, uint64_t said,
				 uint64_t until)
{
	struct presence_word w = { .by = (uint8_t)by, .set_utc_ms = said, .until_utc_ms = until };

	(void)snprintf(w.state, sizeof(w.state), "%s", state);
	return w;
}

static void what_may_be_said(void **state)
{
	static const struct {
		const char *list, *state;
		bool may;
	} rows[] = {
		{ "", "available", true },	 { "", "out_of_office", true },
		{ "", "lunch", true },		 { "", "on_the_phone", false },
		{ "", "offline", false },	 { "", ".x", false },
		{ "", "", false },		 { "lunch,gym", "gym", true },
		{ "lunch,gym", "away", true },	 { "lunch,gym", "home", false },
		{ "lunch,gym", "lunch,gym", false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->state, presence_may_say(bytes_str(row->list),
							bytes_str(row->state)) == row->may);
	}
	assert_null(presence_list_wrong(BYTES_LIT("lunch,gym")));
	assert_non_null(presence_list_wrong(BYTES_LIT("lunch,")));
	assert_non_null(presence_list_wrong(BYTES_LIT("lunch,a b")));
	assert_non_null(presence_list_wrong(BYTES_LIT("lunch,offline")));
}

enum {
	OFF = PRESENCE_OFFLINE,
	ROOM = PRESENCE_CONFERENCE,
	CALL = PRESENCE_CALL,
	DND = PRESENCE_DO_NOT_DISTURB,
	MEETS = 256
};

/* The table of docs/guides/presence.md, row by row: each alone, and each before the one below it. */
static void what_is_shown(void **state)
{
	static const struct {
		unsigned facts;
		const char *said, *shown;
		bool open;
	} rows[] = {
		{ OFF, "", "offline", false },
		{ OFF | ROOM, "away", "offline", false },
		{ ROOM, "", "in_a_conference", true },
		{ ROOM | CALL, "", "in_a_conference", true },
		{ CALL, "", "on_the_phone", true },
		{ CALL | DND, "", "on_the_phone", false },
		{ DND, "", "do_not_disturb", false },
		{ DND | MEETS, "away", "do_not_disturb", false },
		{ MEETS, "", "in_a_meeting", true },
		{ MEETS, "away", "in_a_meeting", true },
		{ MEETS, "off_work", "in_a_meeting", false },
		{ 0, "away", "away", true },
		{ 0, "busy", "busy", true },
		{ 0, "lunch", "lunch", true },
		{ 0, "do_not_disturb", "do_not_disturb", false },
		{ 0, "out_of_office", "out_of_office", false },
		{ CALL, "out_of_office", "on_the_phone", false },
		{ 0, "", "available", true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct presence p = { 0 };
		struct presence_view v;

		p.words[PRESENCE_MANUAL] = word(row->said, PRESENCE_BY_COMMAND, 5, 0);
		if (row->facts & MEETS)
			p.words[PRESENCE_CALENDAR] =
				word(PRESENCE_MEETING, PRESENCE_BY_CALENDAR, 9, 100);
		presence_show(&p, row->facts & ~(unsigned)MEETS, 50, &v);
		if (strcmp(v.state, row->shown) != 0 || v.open != row->open)
			fail_msg("row %zu: %s, open %d", row_i, v.state, v.open);
		if (row->facts & MEETS) {
			presence_show(&p, 0, 100, &v); /* it is over */
			assert_string_equal(v.state, row->said[0] ? row->said : "available");
		}
	}
}

/* What its user says during a meeting counts, also when the calendar says the meeting again. */
static void own_choice(void **state)
{
	const struct presence_word meeting = word(PRESENCE_MEETING, PRESENCE_BY_CALENDAR, 20, 100),
				   again = word(PRESENCE_MEETING, PRESENCE_BY_CALENDAR, 40, 120),
				   next = word(PRESENCE_MEETING, PRESENCE_BY_CALENDAR, 130, 150),
				   back = word("available", PRESENCE_BY_PAGE, 30, 0);
	struct presence p = { 0 };
	struct presence_view v;

	(void)state;
	p.words[PRESENCE_MANUAL] = word("busy", PRESENCE_BY_COMMAND, 10, 0);
	presence_say(&p, &meeting);
	presence_show(&p, 0, 25, &v);
	assert_string_equal(v.state, "in_a_meeting");
	presence_say(&p, &back);
	presence_say(&p, &again);
	presence_show(&p, 0, 110, &v);
	assert_string_equal(v.state, "available");
	presence_say(&p, &next);
	presence_show(&p, 0, 140, &v);
	assert_string_equal(v.state, "in_a_meeting");
	presence_show(&p, 0, 150, &v);
	assert_string_equal(v.state, "available");
}

/* The newest word counts, until it ends. */
static void which_word(void **state)
{
	struct presence p = { 0 };
	struct presence_word w = word("away", PRESENCE_BY_PAGE, 10, 100);
	const struct presence_word *said;

	(void)state;
	assert_null(presence_current(&p, 1));
	assert_true(presence_next_utc_ms(&p, 1) == UINT64_MAX);
	presence_say(&p, &w);
	w = word("busy", PRESENCE_BY_PHONE, 0, 200);
	w.etag = 7;
	assert_int_equal(presence_publish(&p, 0, &w, 20), 0);
	assert_string_equal(presence_current(&p, 30)->state, "busy");
	assert_true(presence_next_utc_ms(&p, 30) == 100);
	w = word("lunch", PRESENCE_BY_COMMAND, 40, 90);
	presence_say(&p, &w);
	assert_string_equal(presence_current(&p, 50)->state, "lunch");
	said = presence_current(&p, 90);
	assert_string_equal(said->state, "busy");
	assert_int_equal(said->etag, 7);
	assert_true(presence_expire(&p, 90));
	assert_false(presence_expire(&p, 90));
	assert_true(presence_next_utc_ms(&p, 90) == 200);
	assert_null(presence_current(&p, 200));
}

/* One that ends leaves the one before, which lasts; one that lasts leaves none. */
static void back_to_before(void **state)
{
	struct presence p = { 0 };
	struct presence_word w = word("out_of_office", PRESENCE_BY_COMMAND, 1, 0);

	(void)state;
	presence_say(&p, &w);
	w = word("busy", PRESENCE_BY_COMMAND, 2, 100);
	presence_say(&p, &w);
	w = word("away", PRESENCE_BY_PAGE, 3, 50);
	presence_say(&p, &w);
	assert_string_equal(presence_current(&p, 49)->state, "away");
	assert_true(presence_expire(&p, 50));
	assert_string_equal(presence_current(&p, 50)->state, "out_of_office");
	w = word("available", PRESENCE_BY_PAGE, 60, 0);
	presence_say(&p, &w);
	assert_string_equal(presence_current(&p, 61)->state, "available");
	w = word("busy", PRESENCE_BY_PAGE, 62, 100);
	presence_say(&p, &w);
	assert_string_equal(presence_current(&p, 100)->state, "available");
}

static void publications(void **state)
{
	struct presence p = { 0 };
	struct presence_word w = word("available", PRESENCE_BY_PHONE, 0, 1000);

	(void)state;
	/* a phone that has only come says nothing of its user */
	presence_say(&p, &(struct presence_word){ .state = "away", .set_utc_ms = 1 });
	w.etag = 11;
	assert_int_equal(presence_publish(&p, 0, &w, 10), 0);
	assert_string_equal(presence_current(&p, 10)->state, "away");
	/* modified */
	w = word("busy", PRESENCE_BY_PHONE, 0, 1000);
	w.etag = 12;
	assert_int_equal(presence_publish(&p, 99, &w, 20), -ENOENT);
	assert_int_equal(presence_publish(&p, 11, &w, 20), 0);
	assert_string_equal(presence_current(&p, 20)->state, "busy");
	/* the same request once more, behind a kill */
	assert_int_equal(presence_publish(&p, 11, &w, 21), 0);
	assert_int_equal(presence_current(&p, 21)->set_utc_ms, 20);
	/* refreshed: nothing is new but its end */
	w = word("", PRESENCE_BY_PHONE, 0, 2000);
	w.etag = 13;
	assert_int_equal(presence_publish(&p, 12, &w, 30), 0);
	assert_int_equal(presence_current(&p, 1500)->set_utc_ms, 20);
	assert_string_equal(presence_current(&p, 1500)->state, "busy");
	/* back: that is a word, too */
	w = word("available", PRESENCE_BY_PHONE, 0, 2000);
	w.etag = 14;
	assert_int_equal(presence_publish(&p, 13, &w, 40), 0);
	assert_string_equal(presence_current(&p, 40)->state, "available");
	/* the phone goes */
	w = word("", PRESENCE_BY_PHONE, 0, 50);
	w.etag = 15;
	assert_int_equal(presence_publish(&p, 14, &w, 50), 0);
	assert_string_equal(presence_current(&p, 50)->state, "away");
	assert_int_equal(presence_publish(&p, 14, &w, 50), -ENOENT);
	/* one too many takes the place of the one that ends first */
	for (uint64_t i = 0; i < PRESENCE_PHONES_MAX + 1; i++) {
		w = word("busy", PRESENCE_BY_PHONE, 0, 3000 + (i == 1 ? 0 : 100 + i));
		w.etag = 20 + i;
		assert_int_equal(presence_publish(&p, 0, &w, 60), 0);
	}
	w = word("", PRESENCE_BY_PHONE, 0, 4000);
	w.etag = 30;
	assert_int_equal(presence_publish(&p, 21, &w, 61), -ENOENT);
	assert_int_equal(presence_publish(&p, 20, &w, 61), 0);
}

static void as_text(void **state)
{
	static const char *const bad[] = { "",
					   "1 2 3 4 5",
					   "9 0 1 2 3 away x",
					   "0 9 1 2 3 away x",
					   "0 0 1 2 3 a/b x",
					   "0 0 1 2 x away x" };
	struct presence p = { 0 }, q = { 0 };
	char text[256];

	(void)state;
	p.words[4] = word("lunch", PRESENCE_BY_PHONE, 10, UINT64_MAX);
	p.words[4].etag = UINT64_MAX;
	(void)snprintf(p.words[4].note, PRESENCE_NOTE_MAX, "back at  two \xc3\xa9");
	for (unsigned i = 0; i < PRESENCE_WORDS; i++) {
		struct writer w = writer_over(text, sizeof(text));

		presence_word_write(&w, &p, i);
		assert_int_equal(presence_word_read(&q, writer_done(&w)), i == 4 ? 0 : -EBADMSG);
	}
	assert_memory_equal(&p, &q, sizeof(p));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(presence_word_read(&q, bytes_str(bad[i])), -EBADMSG);
	assert_memory_equal(&p, &q, sizeof(p));
}

#define HEAD                                                                      \
	"<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" " \
	"xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "                    \
	"xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:1001@x\">"
#define TUPLE(basic) "<tuple id='a>b'><status><basic> " basic " </basic></status></tuple>"
#define PERSON(what) "<dm:person id=\"p\"><rpid:activities>" what "</rpid:activities></dm:person>"

static void documents(void **state)
{
	static const struct {
		const char *pidf, *state, *note;
	} rows[] = {
		{ HEAD TUPLE("open") "</presence>", "available", "" },
		{ HEAD TUPLE("closed") "</presence>", "off_work", "" },
		{ HEAD TUPLE("closed") TUPLE("open") "</presence>", "available", "" },
		{ HEAD TUPLE("open") PERSON("") "</presence>", "available", "" },
		{ HEAD TUPLE("open") PERSON("<rpid:away/>") "</presence>", "away", "" },
		{ HEAD PERSON("<rpid:unknown/><rpid:vacation/>") "</presence>", "out_of_office",
		  "" },
		{ HEAD PERSON("<rpid:meeting/><rpid:away/>") "</presence>", "in_a_meeting", "" },
		{ HEAD PERSON("<rpid:busy/><rpid:other>do_not_disturb</rpid:other>") "</presence>",
		  "do_not_disturb", "" },
		{ HEAD PERSON("<rpid:other>lunch</rpid:other>") "</presence>", "lunch", "" },
		{ HEAD PERSON("<rpid:other>a long way off</rpid:other>") "</presence>",
		  "available", "" },
		{ HEAD PERSON("<rpid:on-the-phone/>") "</presence>", "busy", "" },
		/* away elsewhere in it is nothing that somebody does */
		{ HEAD "<rpid:away/>" TUPLE("open") "</presence>", "available", "" },
		{ HEAD "<!-- <away/> --><tuple><status><basic>open</basic></status><note>At &lt;my&gt; "
		       "desk &amp; fine</note></tuple><note>other</note></presence>",
		  "available", "At <my> desk & fine" },
		{ "<p:presence><p:note>a\n&#233;</p:note></p:presence>", "available", "a \xc3\xa9" },
		{ "<presence><note><![CDATA[a]]></note></presence>", NULL, NULL },
		{ "<presence/>", "available", "" },
		{ "", NULL, NULL },
		{ "text", NULL, NULL },
		{ "<presence>", NULL, NULL },
		{ "<presence></tuple>", NULL, NULL },
		{ "<other/>", NULL, NULL },
		{ "<presence/><presence/>", NULL, NULL },
		{ "<!DOCTYPE x><presence/>", NULL, NULL },
		{ "<presence><tuple", NULL, NULL },
		{ "<presence a=\"b></presence>", NULL, NULL },
		{ "<presence><!-- </presence>", NULL, NULL },
		{ "<presence><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a>"
		  "</a></a></a></a></a></a></a></a></a></a></a></presence>",
		  NULL, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct presence_word w = { 0 };
		int err = presence_read_pidf(&w, bytes_str(row->pidf));

		if (!row->state) {
			ROW_ASSERT(row->pidf, err == -EBADMSG);
			continue;
		}
		if (err || strcmp(w.state, row->state) != 0 || strcmp(w.note, row->note) != 0)
			fail_msg("%s: %d %s %s", row->pidf, err, w.state, w.note);
	}
}

/* What is shown to others is read as the same by those who are like us. */
static void written(void **state)
{
	static const char *const states[] = { "available", "busy",         "do_not_disturb",
					      "away",      "in_a_meeting", "out_of_office",
					      "off_work",  "lunch" };
	char text[2048];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct presence_view v = { .state = states[i],
					   .note = "x<y & \"z\"",
					   .until_utc_ms = 1700000000000,
					   .open = true };
		struct writer w = writer_over(text, sizeof(text) - 1);
		struct presence_word read = { 0 };

		writer_str(&w, HEAD);
		presence_write_pidf(&w, &v);
		text[w.n] = '\0';
		assert_int_equal(presence_read_pidf(&read, writer_done(&w)), 0);
		assert_string_equal(read.state, states[i]);
		assert_string_equal(read.note, v.note);
		assert_true(!i == !strstr(text, "until=\"2023-11-14T22:13:20Z\""));
	}
	assert_non_null(strstr(text, "<rpid:other>lunch</rpid:other>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_said), cmocka_unit_test(what_is_shown),
		cmocka_unit_test(own_choice),       cmocka_unit_test(which_word),
		cmocka_unit_test(publications),     cmocka_unit_test(back_to_before),
		cmocka_unit_test(as_text),          cmocka_unit_test(documents),
		cmocka_unit_test(written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
