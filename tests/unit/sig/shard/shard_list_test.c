/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of resources at the shard (RFC 4662): what is told of whom in which document, of lists that come along and of lamps. */
#include <errno.h>

#include "sig/host/blf_keys.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/watch.h"

#define LIST_LINES                                                                           \
	WATCH_DIALOG                                                                         \
	"Supported: eventlist\r\nRequire: recipient-list-subscribe\r\nContent-Disposition: " \
	"recipient-list\r\n"                                                                 \
	"Content-Type: application/resource-lists+xml;charset=utf-8\r\n"
#define LAMP_LINES WATCH_DIALOG "Supported: eventlist\r\n"

static int list_setup(void **state)
{
	struct shard_settings s = rig_settings();

	s.calls.list_pace_ns = 100 * NS_PER_MS;
	(void)bytes_cstr(BYTES_LIT("#41"), s.codes.code[FEATURE_PARK], FEATURE_CODE_LEN);
	return watch_setup_with(state, &s);
}

#define LIST_TEST(fn) cmocka_unit_test_setup_teardown(fn, list_setup, watch_teardown)

/* The answer. */
static struct bytes list_ask_as(struct watch *t, const char *lines, const char *entries)
{
	char body[3072];

	(void)snprintf(body, sizeof(body), "<resource-lists><list>%s</list></resource-lists>",
		       entries);
	phone_begin(&t->w, "lists");
	phone_request(&t->w, "SUBSCRIBE", lines, body);
	return phone_hears(&t->w, "SIP/2.0");
}

#define ENTRY(number) "<entry uri=\"sip:" number "@test.local\"/>"

static void list_begin(struct watch *t, const char *entries)
{
	struct bytes m = list_ask_as(t, LIST_LINES, entries);

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(bytes_is(rig_header(m, "Require"), "eventlist"));
}

static uint32_t times(struct bytes in, const char *word)
{
	uint32_t count = 0;

	for (const uint8_t *at = in.p;
	     (at = memmem(at, in.n - (size_t)(at - in.p), word, strlen(word))) != NULL; at++)
		count++;
	return count;
}

static void wait_pace(const struct watch *t)
{
	rig_wait_ms(t->l.r, 100);
}

/* Two that there are, one that nobody has, and one of another domain; the one that is there twice is one resource. */
static void inline_list(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	list_begin(t, ENTRY("1002") ENTRY("1003") ENTRY("1999")
			      ENTRY("1002") "<entry uri=\"sip:bob@example.net\"/>");
	m = watch_told(&t->w);
	assert_true(bytes_is(rig_header(m, "Require"), "eventlist"));
	assert_true(rig_has(rig_header(m, "Content-Type"),
			    "multipart/related;type=\"application/rlmi+xml\";start=\"<0.0."));
	assert_true(rig_has(m, "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:lists@test."
			       "local\" version=\"0\" fullState=\"true\">"));
	assert_int_equal(times(m, "<resource uri="), 4);
	assert_true(rig_has(m, "<resource uri=\"sip:1002@test.local\"><instance id=\"1\" "
			       "state=\"active\" cid=\"1.0."));
	assert_true(rig_has(m, "<resource uri=\"sip:1999@test.local\"><instance id=\"1\" "
			       "state=\"terminated\" reason=\"noresource\"/>"));
	assert_true(rig_has(m, "<resource uri=\"sip:bob@example.net\"><instance id=\"1\" "
			       "state=\"terminated\" reason=\"noresource\"/>"));
	assert_int_equal(times(m, "<dialog-info "), 2);
	assert_true(rig_has(m, "version=\"0\" state=\"full\" entity=\"sip:1002@test.local\">"));
	assert_int_equal(watch_told(&t->w).n, 0);

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	wait_pace(t);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"1\" fullState=\"false\">"));
	assert_int_equal(times(m, "<resource uri="), 1);
	assert_true(rig_has(m, "state=\"full\" entity=\"sip:1002@test.local\">"));
	assert_true(rig_has(m, "<state>trying</state>"));
	assert_int_equal(watch_told(&t->w).n, 0);
	phone_request(&t->l.a, "CANCEL", "", "");
}

static void refused(void **state)
{
	static const struct row {
		const char *lines, *entries, *status, *has;
	} rows[] = {
		{ "Event: dialog\r\nContent-Type: application/resource-lists+xml\r\n", "", "421",
		  "Require: eventlist" },
		{ "Event: conference\r\nSupported: eventlist\r\nContent-Type: "
		  "application/resource-lists+xml\r\n",
		  "", "489", "" },
		{ LIST_LINES, "<entry/>", "400", "" },
		{ LIST_LINES, "<entry uri=\"a b\"/>", "400", "" },
		{ LIST_LINES, "</list>", "400", "" },
		{ LIST_LINES "Content-Encoding: deflate\r\n", "<entry uri=\"sip:a\"/>", "415", "" },
	};
	struct watch *t = *state;
	char many[3072] = "";
	const struct row *row;

	EACH_ROW(row, rows)
	{
		struct bytes m = list_ask_as(t, row->lines, row->entries);
		char begin[32];

		(void)snprintf(begin, sizeof(begin), "SIP/2.0 %s", row->status);
		ROW_ASSERT(row->status, bytes_starts(m, begin));
		ROW_ASSERT(row->status, rig_has(m, row->has));
	}
	for (uint32_t i = 0; i <= LIST_RESOURCES_MAX; i++)
		(void)strncat(many, "<entry uri=\"sip:a\"/>", sizeof(many) - strlen(many) - 1);
	assert_true(bytes_starts(list_ask_as(t, LIST_LINES, many), "SIP/2.0 413"));
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1004", WATCH_DIALOG), "SIP/2.0 421"));
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1002", LAMP_LINES), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1999", LAMP_LINES), "SIP/2.0 404"));
	line_assert_idle(t->l.r);
}

/* All that changes within the pace is one NOTIFY, which has the last state; what came and went is none. */
static void paced(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	list_begin(t, ENTRY("1001") ENTRY("1002"));
	(void)watch_told(&t->w);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	assert_int_equal(watch_told(&t->w).n, 0);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&t->l.a, "SIP/2.0 200");
	phone_ack(&t->l.a);
	wait_pace(t);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"1\" fullState=\"false\">"));
	assert_int_equal(times(m, "<resource uri="), 2);
	assert_int_equal(times(m, "<state>confirmed</state>"), 2);
	phone_request(&t->l.a, "BYE", "", "");
	wait_pace(t);
	m = watch_told(&t->w);
	assert_int_equal(times(m, "<dialog-info "), 2);
	assert_int_equal(times(m, "<dialog "), 0);
	(void)watch_told(&t->w);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	phone_cancel(&t->l.a);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	wait_pace(t);
	assert_int_equal(watch_told(&t->w).n, 0);
}

/* Entries of 40 users, whom nobody calls. */
static void many_write(const struct watch *t, char many[3072])
{
	char one[64];

	many[0] = '\0';
	for (uint32_t i = 0; i < 40; i++) {
		struct shard_extension e = rig_extension("1200", false);

		(void)snprintf(e.number, sizeof(e.number), "%u", 1200 + i);
		assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
		(void)snprintf(one, sizeof(one), ENTRY("%u"), 1200 + i);
		(void)strncat(many, one, 3072 - strlen(many) - 1);
	}
}

/* It has as many resources as documents of datagrams have no room for: the first one names all, and each is told once. */
static void split(void **state)
{
	struct watch *t = *state;
	char many[3072];
	uint32_t states = 0, documents = 0;
	struct bytes m;

	many_write(t, many);
	list_begin(t, many);
	while ((m = watch_told(&t->w)).n) {
		char version[64];

		(void)snprintf(version, sizeof(version), "version=\"%u\" fullState=\"%s\">",
			       documents, documents ? "false" : "true");
		assert_true(rig_has(m, version));
		assert_int_equal(times(m, "<resource uri="),
				 documents ? times(m, "<instance ") : 40);
		assert_int_equal(times(m, "<instance "), times(m, "<dialog-info "));
		assert_true(!documents || rig_body(m).n <= LIST_DATAGRAM_MAX);
		states += times(m, "<dialog-info ");
		documents++;
	}
	assert_int_equal(states, 40);
	assert_in_range(documents, 4, 12);
}

/* Who talks is told before those who do not, in each place of the list; and what changes meanwhile before what is left. */
static void lit_first(void **state)
{
	struct watch *t = *state;
	char many[3072];
	struct bytes m;

	many_write(t, many);
	(void)strncat(many, ENTRY("1002"), sizeof(many) - strlen(many) - 1);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	list_begin(t, many);
	m = watch_told(&t->w);
	assert_int_equal(times(m, "<resource uri="), 41);
	assert_true(rig_has(m, "<resource uri=\"sip:1239@test.local\"/>\r\n"
			       "<resource uri=\"sip:1002@test.local\">"));
	if (!rig_has(m, "<dialog-info "))
		m = watch_told(&t->w);
	assert_true(rig_has(m, "entity=\"sip:1002@test.local\">\r\n<dialog "));
	phone_cancel(&t->l.a);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	m = watch_told(&t->w); /* it was sent before */
	assert_true(rig_has(m, "</dialog-info>") && !rig_has(m, "sip:1002@"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "entity=\"sip:1002@test.local\">\r\n</dialog-info>"));
	assert_true(watch_told(&t->w).n);
}

/* What has changed is told before what a document of another list had no room for, also where that has waited longer. */
static void news_first(void **state)
{
	enum { LISTS = 3 * SUBSCRIPTIONS_TOLD_LEAST };
	struct watch *t = *state;
	char many[3072];
	struct bytes m;

	many_write(t, many);
	list_begin(t, ENTRY("1002"));
	(void)watch_told(&t->w);
	for (uint32_t i = 0; i < LISTS; i++) {
		list_begin(t, many);
		rig_wait_ms(t->l.r, 5);
	}
	wait_pace(t);
	for (uint32_t i = 0; i < LISTS; i++) {
		m = rig_take(t->l.r, &t->w.addr, "NOTIFY ");
		assert_true(rig_has(m, "fullState=\"true\">"));
		phone_answer(&t->w, m, "200 OK", "");
	}
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_wait_ms(t->l.r, 2);
	m = rig_take(t->l.r, &t->w.addr, "NOTIFY ");
	assert_true(rig_has(m, "entity=\"sip:1002@test.local\">\r\n<dialog "));
	m = rig_take(t->l.r, &t->w.addr, "NOTIFY ");
	assert_true(rig_has(m, "fullState=\"false\">"));
	phone_cancel(&t->l.a);
}

/* kill -9: all is told, under a higher number; then changes. */
static void after_a_kill(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	list_begin(t, ENTRY("1002") ENTRY("1003"));
	(void)watch_told(&t->w);
	watch_restart(t);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "fullState=\"true\">"));
	assert_int_equal(times(m, "<dialog-info "), 2);
	phone_invite(&t->l.a, "1003", PHONE_SDP_A);
	wait_pace(t);
	m = watch_told(&t->w);
	assert_true(!m.n || rig_has(m, "fullState=\"false\">"));
}

static void refreshed(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	list_begin(t, ENTRY("1002") ENTRY("1003"));
	(void)watch_told(&t->w);
	assert_true(bytes_starts(watch_again(&t->w, LAMP_LINES), "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"1\" fullState=\"true\">"));
	assert_int_equal(times(m, "<resource uri="), 2);
	phone_request(&t->w, "SUBSCRIBE", LIST_LINES,
		      "<resource-lists>" ENTRY("1001") "</resource-lists>");
	assert_true(bytes_starts(rig_take(t->l.r, &t->w.addr, "SIP/2.0"), "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"2\" fullState=\"true\">"));
	assert_int_equal(times(m, "<resource uri="), 1);
	assert_true(rig_has(m, "<resource uri=\"sip:1001@test.local\">"));
	assert_true(bytes_starts(watch_again(&t->w, LAMP_LINES "Expires: 0\r\n"), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=timeout"));
	assert_int_equal(
		list_watchers(&t->l.r->shard->subscriptions, TENANT_DEFAULT, BYTES_LIT("1001")), 0);
	line_assert_idle(t->l.r);
}

/* Another package: what differs is seen by its body. */
static void of_presence(void **state)
{
	struct watch *t = *state;
	struct bytes m = list_ask_as(t,
				     "Event: presence\r\nSupported: eventlist\r\nContent-Type: "
				     "application/resource-lists+xml\r\n",
				     ENTRY("1001") ENTRY("1002") ENTRY("1003"));

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_int_equal(times(m, "Content-Type: application/pidf+xml"), 3);
	assert_int_equal(times(m, "<rpid:on-the-phone/>"), 0);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	wait_pace(t);
	m = watch_told(&t->w);
	assert_int_equal(times(m, "<resource uri="), 2);
	assert_int_equal(times(m, "<rpid:on-the-phone/>"), 2);
	(void)phone_rings(&t->l.b);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	wait_pace(t);
	assert_int_equal(watch_told(&t->w).n, 0); /* it is on the phone as before */
	phone_cancel(&t->l.a);
}

/* A right that is taken or given counts at once, of that resource alone. */
static void rights(void **state)
{
	struct watch *t = *state;
	struct shard_extension b = rig_extension("1002", false);
	struct bytes m;

	list_begin(t, ENTRY("1002") ENTRY("1003"));
	(void)watch_told(&t->w);
	b.monitored = MONITORED_NOT;
	assert_int_equal(shard_extension_put(t->l.r->shard, &b), 0);
	wait_pace(t);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"1\" fullState=\"false\">"));
	assert_int_equal(times(m, "<resource uri="), 1);
	assert_true(rig_has(m, "state=\"terminated\" reason=\"rejected\"/>"));
	assert_int_equal(times(m, "<dialog-info "), 0);
	b.monitored = MONITORED_PARTIES;
	assert_int_equal(shard_extension_put(t->l.r->shard, &b), 0);
	wait_pace(t);
	assert_true(rig_has(watch_told(&t->w), "state=\"active\""));
}

static void lamps_set(const struct watch *t, const char *lamps)
{
	assert_null(blf_keys_wrong(bytes_str(lamps)));
	assert_int_equal(shard_blf_set(t->l.r->shard, TENANT_DEFAULT, "1004", lamps), 0);
}

/* The document's, in the order of its slots, with labels; another document counts at once; without any there are none. */
static void lamps(void **state)
{
	struct watch *t = *state;
	struct bytes m;
	const uint8_t *first, *second;

	lamps_set(t, "7=blf:1002,2=blf:1003:Ann & Co,9=park:07");
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1004", LAMP_LINES), "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(
		rig_has(m, "uri=\"sip:lamps-1004@test.local\" version=\"0\" fullState=\"true\""));
	assert_int_equal(times(m, "<resource uri="), 3);
	first = memmem(m.p, m.n, "<resource uri=\"sip:1003@test.local\"><name>Ann &amp; Co</name>",
		       61);
	second = memmem(m.p, m.n, "<resource uri=\"sip:1002@test.local\"><name>1002</name>", 53);
	assert_true(first && second && first < second);
	assert_true(rig_has(m, "<resource uri=\"sip:%234107@test.local\"><name>07</name><instance "
			       "id=\"1\" state=\"active\""));
	lamps_set(t, "1=blf:1001");
	m = watch_told(&t->w);
	assert_true(rig_has(m, "fullState=\"true\">"));
	assert_int_equal(times(m, "<resource uri="), 1);
	assert_true(rig_has(m, "sip:1001@test.local"));
	lamps_set(t, "1=blf:1001");
	wait_pace(t);
	assert_int_equal(watch_told(&t->w).n, 0);
	watch_restart(t);
	(void)watch_told(&t->w);
	lamps_set(t, "3=blf:1002");
	assert_true(rig_has(watch_told(&t->w), "<resource uri=\"sip:1002@test.local\">"));
	lamps_set(t, "");
	m = watch_told(&t->w);
	assert_int_equal(times(m, "<resource uri="), 0);
	assert_true(rig_has(m, "fullState=\"true\">"));
}

/* Without the feature there is no list, and the one that is there ends (BLF-03). */
static void withheld(void **state)
{
	struct watch *t = *state;
	struct shard_extension w = rig_extension("1004", false);
	struct bytes m;

	lamps_set(t, "1=blf:1002");
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1004", LAMP_LINES), "SIP/2.0 200"));
	assert_int_equal(times(watch_told(&t->w), "<dialog-info "), 1);
	w.withheld = 1U << ENTITLED_LAMPS;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "terminated;reason=rejected"));
	assert_int_equal(rig_body(m).n, 0);
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1004", LAMP_LINES), "SIP/2.0 403"));
	assert_true(bytes_starts(list_ask_as(t, LIST_LINES, ENTRY("1002")), "SIP/2.0 403"));
	w.withheld = 0;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "lamps-1004", LAMP_LINES), "SIP/2.0 200"));
	(void)watch_told(&t->w);
}

static void lamps_are_read(void **state)
{
	static const struct row {
		const char *text;
		bool good;
	} rows[] = {
		{ "", true },
		{ "1=blf:1002", true },
		{ "10=park:70:a:b=c", true },
		{ "1=blf:1002:", true },
		{ "0=blf:1002", false },
		{ "11=blf:1002", false },
		{ "1=blf:1002,1=blf:1003", false },
		{ "1=blf:1002,", false },
		{ "1=blf:", false },
		{ "1=lamp:1002", false },
		{ "blf:1002", false },
		{ "1=blf:1002:12345678901234567890123456789012", false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->text, !blf_keys_wrong(bytes_str(row->text)) == row->good);
}

/* ---- pages ---- */

static uint64_t page_asks(const struct watch *t, uint64_t id, uint32_t told, bool ready,
			  const char *users)
{
	struct rig *r = t->l.r;

	id = shard_user_watch(r->shard, id,
			      &(struct shard_user_watch){ .page = 7,
							  .user = BYTES_LIT("1002"),
							  .users = bytes_str(users),
							  .told = told,
							  .ready = ready },
			      r->now);
	rig_wait_ms(r, 2);
	return id;
}

/* What its page has not had waits for it, and is told once; what is lost, and a page that is silent, begins anew. */
static void page(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	uint64_t id = page_asks(t, 0, 0, false, "1003,1999,1002");
	const struct bytes told = { (const uint8_t *)r->page, sizeof(r->page) };

	assert_true(id);
	assert_int_equal(r->page_count, 0);
	assert_int_equal(page_asks(t, id, 0, true, ""), id);
	assert_int_equal(r->page_count, 1);
	assert_non_null(strstr(r->page,
			       "{\"type\":\"user.state\",\"number\":\"1002\",\"whole\":true,"
			       "\"users\":[{\"user\":\"1002\",\"state\":\""));
	assert_int_equal(times(told, "{\"user\":"), 3);
	assert_non_null(
		strstr(r->page, ",{\"user\":\"1999\",\"ended\":\"noresource\"}],\"more\":false}"));

	phone_invite(&t->l.a, "1003", PHONE_SDP_A);
	rig_wait_ms(r, 200);
	assert_int_equal(r->page_count, 1); /* it is not ready */
	phone_request(&t->l.a, "CANCEL", "", "");
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	assert_int_equal(page_asks(t, id, 1, true, ""), id);
	assert_int_equal(r->page_count, 2);
	assert_non_null(strstr(r->page, "\"whole\":false,\"users\":[{\"user\":\"1002\","));
	assert_non_null(strstr(r->page, "\"calls\":[{\"state\":\"trying\",\"direction\":\"in\","));
	assert_int_equal(page_asks(t, id, 2, true, ""), id);
	rig_wait_ms(r, 200);
	assert_int_equal(r->page_count, 2); /* nothing is new */
	assert_int_equal(page_asks(t, id, 1, true, ""), id);
	assert_int_equal(r->page_count, 3);
	assert_int_equal(r->page_number, 3);
	assert_non_null(strstr(r->page, "\"whole\":true"));

	rig_wait_ms(r, 11000);
	phone_request(&t->l.a, "CANCEL", "", "");
	assert_int_not_equal(page_asks(t, id, 3, true, ""), id);
}

/* As subscriptions of phones are: an eighth of them is left to other tenants. */
static void pages_are_bounded(void **state)
{
	struct watch *t = *state;
	const uint32_t max = t->l.r->shard->settings.subscriptions_max;
	uint64_t last = 1;
	uint32_t count = 0;

	for (; last && count <= SUBSCRIPTIONS_OF_WATCHER; count++)
		last = shard_user_watch(t->l.r->shard, 0,
					&(struct shard_user_watch){ .page = count + 1,
								    .user = BYTES_LIT("1002") },
					t->l.r->now);
	assert_int_equal(last, 0);
	assert_int_equal(t->l.r->shard->subscriptions.pool.in_use, max - max / 8);
}

/* The memory of a list of fifty, beside that of a subscription and of the users themselves. */
static void size(void **state)
{
	(void)state;
	assert_true(sizeof(struct list_resource) == 24);
	assert_true(sizeof(struct subscription) + sizeof(struct subscription_list) +
			    50 * sizeof(struct list_resource) <=
		    2600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(inline_list),
		LIST_TEST(refused),
		LIST_TEST(paced),
		LIST_TEST(split),
		LIST_TEST(lit_first),
		LIST_TEST(news_first),
		LIST_TEST(refreshed),
		LIST_TEST(rights),
		LIST_TEST(of_presence),
		LIST_TEST(withheld),
		LIST_TEST(after_a_kill),
		LIST_TEST(lamps),
		LIST_TEST(page),
		LIST_TEST(pages_are_bounded),
		cmocka_unit_test(lamps_are_read),
		cmocka_unit_test(size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
