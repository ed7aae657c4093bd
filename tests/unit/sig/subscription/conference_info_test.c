/* SPDX-License-Identifier: Apache-2.0 */
/* Documents about conferences: in the order that the schema of RFC 4575 has, within their bounds, and together they tell all. */
#include "sig/host/host.h"
#include "sig/subscription/package.h"
#include "tests/unit/test.h"

enum { MEMBERS_MAX = 2000 };

struct member {
	struct roster_link link; /* first: it is one */
	char user[300], endpoint[32], display[300];
	struct conference_member m;
};

static struct {
	struct room_roster roster;
	struct member members[MEMBERS_MAX];
	struct conference_view view;
	struct conference_notified told;
	uint32_t version;
	bool whole;
	size_t most;
	const char *host; /* of its watcher */
	uint16_t port;
	char text[HOST_SDP_MAX + 1];
} g;

static void read_member(const void *room, const struct roster_link *l,
			struct conference_member *out)
{
	const struct member *m = (const void *)l;

	(void)room;
	*out = m->m;
	out->name.user = bytes_str(m->user);
	out->name.endpoint = bytes_str(m->endpoint);
	out->display = bytes_str(m->display);
}

static int setup(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	g.view = (struct conference_view){ .id = 7,
					   .room = &g,
					   .title = BYTES_LIT("Board & Co"),
					   .count_max = 20,
					   .roster = &g.roster,
					   .read = read_member };
	g.whole = true;
	g.most = HOST_SDP_MAX;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	roster_close(&g.roster);
	return 0;
}

static struct member *joins(unsigned i, const char *display)
{
	struct member *m = &g.members[i];

	(void)snprintf(m->user, sizeof(m->user), "sip:%u@test.local", 1000 + i);
	(void)snprintf(m->endpoint, sizeof(m->endpoint), "m%u", i);
	(void)snprintf(m->display, sizeof(m->display), "%s", display);
	m->m = (struct conference_member){ .status = CONFERENCE_CONNECTED,
					   .joined_utc_ms = 1764100000000,
					   .audio = true };
	roster_change(&g.roster, &m->link);
	g.view.count++;
	return m;
}

static void leaves(unsigned i)
{
	roster_leave(&g.roster, &g.members[i].link, bytes_str(g.members[i].user));
	g.view.count--;
}

/* A further phone of a user. */
static struct member *joins_as(unsigned i, unsigned of)
{
	struct member *m = joins(i, "");

	memcpy(m->user, g.members[of].user, sizeof(m->user));
	roster_join(&m->link, &g.members[of].link);
	return m;
}

static void write_next(struct package_state *s)
{
	struct writer w = writer_over(g.text, HOST_SDP_MAX);

	s->version = g.version++;
	s->entity.scheme = BYTES_LIT("sip");
	s->entity.user = BYTES_LIT("700");
	s->entity.host = BYTES_LIT("test.local");
	conference_info_write(&w, s);
	assert_false(w.overflow);
	g.text[w.n] = '\0';
}

/* The next document. */
static const char *told(void)
{
	struct package_state s = { .whole = g.whole || conference_has_changed(&g.told, &g.view),
				   .conference = &g.view,
				   .conference_notified = &g.told,
				   .most = g.most };

	s.watcher.host = bytes_str(g.host);
	s.watcher.port = g.port;
	write_next(&s);
	assert_true(strlen(g.text) <= g.most);
	g.whole = false;
	return g.text;
}

/* ---- the schema ---- */

enum { CHILDREN_MAX = 8 };

/* What may stand in an element, in this order; with a star any number of times. */
static const struct {
	const char *element, *children[CHILDREN_MAX];
} g_schema[] = {
	{ "conference-info",
	  { "conference-description", "host-info", "conference-state", "users" } },
	{ "conference-description",
	  { "display-text", "subject", "conf-uris", "maximum-user-count" } },
	{ "conference-state", { "user-count", "active", "locked" } },
	{ "users", { "*user" } },
	{ "user", { "display-text", "associated-aors", "roles", "languages", "*endpoint" } },
	{ "roles", { "*entry" } },
	{ "endpoint",
	  { "display-text", "referred", "status", "joining-method", "joining-info",
	    "disconnection-method", "*media", "call-info" } },
	{ "joining-info", { "when", "reason", "by" } },
	{ "media", { "display-text", "type", "label", "src-id", "status" } },
};

/* Where a child may stand behind `at`; -1: nowhere. */
static int place_of(const char *parent, struct bytes child, int at)
{
	for (size_t i = 0; i < COUNT_OF(g_schema); i++) {
		if (strcmp(g_schema[i].element, parent) != 0)
			continue;
		for (int k = at < 0 ? 0 : at; k < CHILDREN_MAX && g_schema[i].children[k]; k++) {
			const char *name = g_schema[i].children[k];
			bool many = name[0] == '*';

			if (bytes_is(child, name + many) && (k > at || many))
				return k;
		}
	}
	return -1;
}

/* Each element stands where it may, and is closed. No attribute has a '>' in it: it is escaped. */
static void assert_valid(const char *text)
{
	char stack[8][32] = { "" };
	int at[8] = { -1 }, depth = 0;
	struct bytes rest = bytes_str(strstr(text, "?>") + 2), tag;

	while (bytes_find(rest, '<') < rest.n) {
		size_t n = 0;
		bool empty;

		rest = bytes_from(rest, bytes_find(rest, '<') + 1);
		tag = bytes_sub(rest, 0, bytes_find(rest, '>'));
		if (tag.p[0] == '/') {
			assert_true(bytes_is(bytes_from(tag, 1), stack[depth]));
			depth--;
			continue;
		}
		empty = tag.p[tag.n - 1] == '/';
		while (n < tag.n && tag.p[n] != ' ' && tag.p[n] != '/')
			n++;
		tag = bytes_sub(tag, 0, n);
		at[depth] = depth ? place_of(stack[depth], tag, at[depth]) : 0;
		if (at[depth] < 0)
			fail_msg("%.*s in %s", (int)tag.n, (const char *)tag.p, stack[depth]);
		if (empty)
			continue;
		depth++;
		assert_true(depth < 8);
		at[depth] = -1;
		assert_int_equal(bytes_cstr(tag, stack[depth], sizeof(stack[depth])), 0);
	}
	assert_int_equal(depth, 0);
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

/* ---- tests ---- */

static void whole(void **state)
{
	struct member *host = joins(0, "A \"B\" <C>");
	const char *text;

	(void)state;
	(void)joins(1, "");
	host->m.host = true;
	host->m.video = true;
	host->m.video_way = CONFERENCE_RECEIVES;
	text = told();
	assert_valid(text);
	assert_non_null(strstr(text, "entity=\"sip:700@test.local\" state=\"full\" version=\"0\""));
	assert_non_null(strstr(text, "<display-text>Board &amp; Co</display-text>"
				     "<maximum-user-count>20</maximum-user-count>"));
	assert_non_null(strstr(text, "<user-count>2</user-count><active>true</active>"
				     "<locked>false</locked>"));
	assert_non_null(strstr(text, "<users state=\"full\">"));
	assert_non_null(strstr(text, "<user entity=\"sip:1000@test.local\" state=\"full\">"
				     "<display-text>A &quot;B&quot; &lt;C&gt;</display-text>"
				     "<roles><entry>host</entry></roles>"
				     "<endpoint entity=\"m0\" state=\"full\">"
				     "<status>connected</status>"
				     "<joining-method>dialed-in</joining-method><joining-info>"
				     "<when>2025-11-25T19:46:40Z</when></joining-info>"
				     "<media id=\"1\"><type>audio</type><status>sendrecv</status>"
				     "</media><media id=\"2\"><type>video</type><status>recvonly"
				     "</status></media></endpoint></user>"));
	assert_null(strstr(text, "partial")); /* RFC 4575 4.4 */
	assert_non_null(strstr(text, "state=\"full\"><roles><entry>participant</entry>"));
	assert_false(g.told.more);
}

/* What was told is not told again. */
static void changes(void **state)
{
	const char *text;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		(void)joins(i, "");
	(void)told();
	g.members[1].m.status = CONFERENCE_MUTED;
	g.members[1].m.audio_way = CONFERENCE_RECEIVES;
	roster_change(&g.roster, &g.members[1].link);
	text = told();
	assert_valid(text);
	assert_non_null(strstr(text, "state=\"partial\" version=\"1\""));
	assert_null(strstr(text, "conference-description"));
	assert_int_equal(count_of(text, "<user "), 1);
	assert_non_null(strstr(text, "<status>muted-via-focus</status>"));
	assert_non_null(strstr(text, "<status>recvonly</status>"));
	g.view.locked = true;
	roster_describe(&g.roster);
	text = told();
	assert_valid(text);
	assert_non_null(strstr(text, "<conference-description>"));
	assert_non_null(strstr(text, "<locked>true</locked>"));
	assert_int_equal(count_of(text, "<user "), 0);
}

static void gone(void **state)
{
	const char *text;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		(void)joins(i, "");
	(void)joins_as(2, 1);
	(void)told();
	leaves(0);
	leaves(1); /* another phone of the user is there */
	text = told();
	assert_valid(text);
	assert_non_null(strstr(text, "<user entity=\"sip:1000@test.local\" state=\"deleted\"/>"));
	assert_non_null(strstr(text, "<user entity=\"sip:1001@test.local\" state=\"full\">"));
	assert_non_null(strstr(text, "endpoint entity=\"m2\" state=\"full\""));
	assert_null(strstr(text, "\"m1\""));
	assert_non_null(strstr(text, "<user-count>1</user-count>"));
	g.whole = true; /* who is told all hears of nobody who left */
	text = told();
	assert_int_equal(count_of(text, "<user "), 1);
	assert_int_equal(count_of(text, "deleted"), 0);
}

/* A user of several phones is one, with all of them each time: also one that nobody was told of before. One of them hosts. */
static void phones_of_a_user(void **state)
{
	(void)state;
	(void)joins(0, "");
	(void)told();
	(void)joins(1, "");
	joins_as(2, 1)->m.host = true;
	assert_valid(told());
	assert_int_equal(count_of(g.text, "<user "), 1);
	assert_non_null(strstr(g.text, "sip:1001@test.local\" state=\"full\"><roles><entry>host"));
	assert_int_equal(count_of(g.text, "<endpoint "), 2);
	assert_false(g.told.more);
	roster_change(&g.roster, &g.members[1].link);
	assert_int_equal(count_of(told(), "<endpoint "), 2);
}

/* A watcher knows the node by a host of its own; who hides has none of ours. */
static void host_of_the_watcher(void **state)
{
	struct member *hidden;

	(void)state;
	(void)joins(0, "");
	(void)snprintf(g.members[0].endpoint, sizeof(g.members[0].endpoint),
		       "sip:1000@test.local;member=1");
	hidden = joins(1, "");
	(void)snprintf(hidden->user, sizeof(hidden->user), "sip:anonymous2@anonymous.invalid");
	g.host = "2001:db8::1";
	g.port = 5070;
	assert_valid(told());
	assert_non_null(strstr(g.text, "<user entity=\"sip:1000@[2001:db8::1]:5070\" "));
	assert_non_null(
		strstr(g.text, "<endpoint entity=\"sip:1000@[2001:db8::1]:5070;member=1\" "));
	assert_non_null(strstr(g.text, "<user entity=\"sip:anonymous2@anonymous.invalid\" "));
}

static void ended(void **state)
{
	struct package_state s = { .whole = true };

	(void)state;
	write_next(&s);
	assert_non_null(strstr(g.text, "entity=\"sip:700@test.local\" state=\"deleted\" "
				       "version=\"0\"/>"));
	assert_valid(g.text);
}

/* A user that comes back is named in two documents, so that nobody has to read one in its order. */
static void named_once(void **state)
{
	(void)state;
	(void)joins(0, "");
	(void)joins(1, "");
	(void)told();
	leaves(0);
	(void)joins(0, "");
	(void)joins(2, "");
	assert_int_equal(count_of(told(), "sip:1000@"), 1);
	assert_non_null(strstr(g.text, "deleted"));
	assert_true(g.told.more);
	assert_int_equal(count_of(told(), "sip:1000@"), 1);
	assert_int_equal(count_of(g.text, "sip:1002@"), 1);
	assert_null(strstr(g.text, "deleted"));
	assert_false(g.told.more);
}

/* All documents until nothing is left: each within its bound, the first one begins anew. How many members they named. */
static unsigned told_all(unsigned *documents)
{
	unsigned users = 0;

	for (*documents = 0; !*documents || g.told.more; (*documents)++) {
		const char *text = told();

		assert_valid(text);
		assert_true(*documents < MEMBERS_MAX);
		assert_non_null(strstr(text, *documents ? "state=\"partial\" version"
							: "state=\"full\" version"));
		assert_int_equal(count_of(text, "<users state=\"full\">"), !*documents);
		assert_int_equal(count_of(text, "state=\"partial\""), *documents ? 2 : 0);
		users += count_of(text, "<user ");
	}
	return users;
}

/* As many phones as a document may have are told of one user, and whoever is behind is told, too. */
static void too_many_phones(void **state)
{
	unsigned documents;

	(void)state;
	g.most = 3072;
	(void)joins(0, "");
	(void)joins(1, "");
	for (unsigned i = 2; i < 30; i++)
		(void)joins_as(i, 1);
	(void)joins(30, "");
	assert_true(told_all(&documents) >= 3);
	assert_true(documents < 40);
	assert_non_null(strstr(g.text, "sip:1030@test.local"));
}

/* 2,000 members are never one datagram, and nobody is left out. */
static void a_big_one(void **state)
{
	static const size_t most[] = { 3072, HOST_SDP_MAX };
	unsigned documents;

	(void)state;
	for (unsigned i = 0; i < MEMBERS_MAX; i++)
		(void)joins(i, "Somebody with a name");
	for (size_t i = 0; i < COUNT_OF(most); i++) {
		g.whole = true;
		g.most = most[i];
		assert_int_equal(told_all(&documents), MEMBERS_MAX);
		assert_true(documents > 20 && documents < MEMBERS_MAX / 4);
		assert_int_equal(count_of(told(), "<user "), 0);
	}
}

/* While they are told some come and leave. Who leaves before he is told is none; more than are remembered have all told again. */
static void a_big_one_lives(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		(void)joins(i, "");
	(void)told();
	assert_true(g.told.more);
	for (unsigned i = 0; i < 200; i++)
		leaves(i);
	(void)joins(1000, "");
	do {
		assert_valid(told());
		assert_null(strstr(g.text, "state=\"full\" version"));
	} while (g.told.more);
	for (unsigned i = 300; i < 400; i++)
		leaves(i);
	assert_true(g.roster.forgotten > 0);
	assert_null(strstr(told(), "state=\"full\" version")); /* of those it had heard */
	while (g.told.more)
		(void)told();
	for (unsigned i = 400; i < 400 + ROSTER_GONE_MAX + 1; i++)
		leaves(i);
	assert_non_null(strstr(told(), "state=\"full\" version"));
}

/* Behind another one of its number all is new. */
static void another_one(void **state)
{
	(void)state;
	(void)joins(0, "");
	(void)told();
	g.view.id++;
	assert_non_null(strstr(told(), "state=\"full\" version"));
	assert_null(strstr(told(), "state=\"full\" version"));
}

/* Names that nobody could tell are left out, and those behind them are told all the same. */
static void long_names(void **state)
{
	struct member *m;

	(void)state;
	g.most = 2048;
	m = joins(0, "");
	memset(m->display, '&', sizeof(m->display) - 1);
	m = joins(1, "");
	memset(m->user, 'x', sizeof(m->user) - 1);
	(void)joins(2, "");
	assert_valid(told());
	assert_non_null(strstr(g.text, "sip:1000@"));
	assert_null(strstr(g.text, "&amp;&amp;"));
	assert_null(strstr(g.text, "xxxx"));
	assert_non_null(strstr(g.text, "sip:1002@"));
	assert_false(g.told.more);
}

/* The longest ones that may be told fit into the smallest document. */
static void longest_names(void **state)
{
	unsigned documents;

	(void)state;
	g.most = 3072;
	for (unsigned i = 0; i < 40; i++) {
		struct member *m = joins(i, "");

		memset(m->display, '"', sizeof(m->display) - 1);
		memset(m->user, '"', CONFERENCE_URI_MAX);
		m->user[CONFERENCE_URI_MAX] = '\0';
		m->user[0] = (char)('A' + i);
	}
	assert_int_equal(told_all(&documents), 40);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole),
		TEST(changes),
		TEST(gone),
		TEST(phones_of_a_user),
		TEST(too_many_phones),
		TEST(host_of_the_watcher),
		TEST(ended),
		TEST(named_once),
		TEST(a_big_one),
		TEST(another_one),
		TEST(long_names),
		TEST(a_big_one_lives),
		TEST(longest_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
