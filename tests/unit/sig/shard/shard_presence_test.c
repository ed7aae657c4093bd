/* SPDX-License-Identifier: Apache-2.0 */
/* Presence: what phones publish (RFC 3903), and what those hear who watch (RFC 3856). */
#include "sig/identity/presence.h"
#include "tests/unit/sig/watch.h"

#define EVENT "Event: presence\r\n"
#define TYPE  EVENT "Content-Type: application/pidf+xml\r\n"
#define AWAY                                                                                 \
	"<presence><tuple><status><basic>open</basic></status><note>At lunch</note></tuple>" \
	"<person><activities><away/></activities></person></presence>"

static struct bytes publishes(struct phone *p, const char *of_party, const char *lines,
			      const char *body)
{
	phone_begin(p, of_party);
	phone_request(p, "PUBLISH", lines, body);
	rig_run(p->r);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

static void refused(void **state)
{
	static const struct row {
		const char *of_party, *lines, *body, *status, *has;
	} rows[] = {
		{ "1004", "", AWAY, "489", "Allow-Events: presence" },
		{ "1004", "Event: dialog\r\n", AWAY, "489", "Allow-Events: presence" },
		{ "1004", TYPE "Expires: 59\r\n", AWAY, "423", "Min-Expires: 60" },
		{ "1004", EVENT, "", "400", "" },
		{ "1004", EVENT "Content-Type: text/plain\r\n", AWAY, "415",
		  "Accept: application/pidf+xml" },
		{ "1004", TYPE "Content-Encoding: gzip\r\n", AWAY, "415", "" },
		{ "1004", TYPE, "<presence>", "400", "" },
		{ "1004", EVENT "SIP-If-Match: x\r\n", "", "412", "" },
		{ "1002", TYPE, AWAY, "403", "" },
		{ "1999", TYPE, AWAY, "403", "" },
	};
	struct watch *t = *state;
	const struct row *row;

	EACH_ROW(row, rows)
	{
		struct bytes m = publishes(&t->w, row->of_party, row->lines, row->body);
		char begin[32];

		(void)snprintf(begin, sizeof(begin), "SIP/2.0 %s", row->status);
		ROW_ASSERT(row->lines, bytes_starts(m, begin));
		ROW_ASSERT(row->lines, rig_has(m, row->has));
	}
	assert_int_equal(t->l.r->publish_count, 0);
	line_assert_idle(t->l.r);
}

static struct bytes answered(struct watch *t, uint16_t status)
{
	struct reply reply = { .ask = ASK_PUBLISH,
			       .of = t->l.r->publish_of,
			       .publish = t->l.r->publish };

	reply.publish.status = status;
	rig_reply(t->l.r, reply);
	rig_run(t->l.r);
	return rig_take(t->l.r, &t->w.addr, "SIP/2.0");
}

/* It is asked for, and answered when that is saved; its copies ask for nothing and have the same answer. */
static void published(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	uint64_t first;
	char lines[128], etag[BASE32_U64_LEN + 1] = "";
	struct bytes m;

	assert_false(publishes(&t->w, "1004", TYPE, AWAY).n);
	assert_int_equal(r->publish_count, 1);
	assert_string_equal(r->set_user, "1004");
	assert_string_equal(r->published, "0 away At lunch");
	assert_int_equal(r->publish.expires_s, 3600);
	phone_write(&t->w, "PUBLISH", TYPE, AWAY);
	rig_run(r);
	assert_int_equal(r->publish_count, 1);
	first = r->publish.etag;
	m = answered(t, 200);
	base32_u64_put(etag, first);
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(bytes_is(rig_header(m, "SIP-ETag"), etag));
	assert_true(bytes_is(rig_header(m, "Expires"), "3600"));
	line_assert_idle(r);

	/* refreshed, in the same Call-ID */
	(void)snprintf(lines, sizeof(lines), EVENT "Expires: 60\r\nSIP-If-Match: %s\r\n", etag);
	phone_request(&t->w, "PUBLISH", lines, "");
	rig_run(r);
	(void)snprintf(lines, sizeof(lines), "%llu  ", (unsigned long long)first);
	assert_string_equal(r->published, lines);
	assert_int_equal(r->publish.expires_s, 60);
	assert_true(r->publish.etag != first);
	m = answered(t, 412);
	assert_true(bytes_starts(m, "SIP/2.0 412"));
	assert_false(rig_header(m, "SIP-ETag").n);
	line_assert_idle(r);
	assert_false(publishes(&t->w, "1004", TYPE "Expires: 0\r\n", AWAY).n);
	assert_int_equal(r->publish.expires_s, 0);
	assert_true(bytes_starts(answered(t, 503), "SIP/2.0 503"));
}

static void says(struct watch *t, const char *word, const char *note, uint64_t until_utc_ms)
{
	struct presence p = { .words[0] = { .set_utc_ms = 1, .until_utc_ms = until_utc_ms } };

	(void)snprintf(p.words[0].state, PRESENCE_MAX, "%s", word);
	(void)snprintf(p.words[0].note, PRESENCE_NOTE_MAX, "%s", note);
	assert_int_equal(shard_presence_set(t->l.r->shard, TENANT_DEFAULT, "1002", &p), 0);
}

static void shown(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	struct shard_forward forward = { .do_not_disturb = true };
	uint64_t until = r->now.utc_ms + 60000;
	struct presence_view v;
	struct bytes m;

	assert_true(bytes_starts(watch_ask(&t->w, "1002", EVENT), "SIP/2.0 200"));
	assert_false(rig_has(watch_told(&t->w), "dm:person "));
	says(t, "lunch", "At <two>", until);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<basic>open</basic>"));
	assert_true(rig_has(m, "<rpid:other>lunch</rpid:other>"));
	assert_true(rig_has(m, "<note>At &lt;two&gt;</note>"));
	assert_true(rig_has(m, " until=\""));
	/* a call is shown for as long as it lasts, and the note stays */
	phones_talk(&t->l.a, &t->l.b);
	m = watch_told(&t->w);
	while (!rig_has(m, "<rpid:on-the-phone/>")) {
		assert_true(m.n != 0);
		m = watch_told(&t->w);
	}
	assert_false(rig_has(m, "lunch"));
	assert_true(rig_has(m, "At &lt;two&gt;"));
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(r);
	phone_answer(&t->l.b, rig_take(r, &t->l.b.addr, "BYE "), "200 OK", "");
	do
		m = watch_told(&t->w);
	while (m.n && !rig_has(m, "lunch"));
	assert_true(m.n != 0);
	/* do not disturb */
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002", &forward), 0);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<rpid:other>do_not_disturb</rpid:other>"));
	assert_true(rig_has(m, "<basic>closed</basic>"));
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002",
					   &(struct shard_forward){ 0 }),
			 0);
	assert_true(rig_has(watch_told(&t->w), "lunch"));
	/* the same once more is told to nobody */
	says(t, "lunch", "At <two>", until);
	assert_int_equal(watch_told(&t->w).n, 0);
	/* it ends by itself, and the document is to be tidied */
	assert_int_equal(r->publish_count, 0);
	rig_wait_ms(r, 60000);
	m = rig_take(r, &t->w.addr, "NOTIFY ");
	assert_true(m.n && !rig_has(m, "lunch") && rig_has(m, "<basic>open</basic>"));
	assert_int_equal(r->publish_count, 1);
	assert_string_equal(r->published, "");
	assert_string_equal(r->set_user, "1002");
	shard_presence_of(r->shard, TENANT_DEFAULT, BYTES_LIT("1002"), r->now, &v);
	assert_string_equal(v.state, "available");
	assert_true(v.open);
	shard_presence_of(r->shard, TENANT_DEFAULT, BYTES_LIT("1003"), r->now, &v);
	assert_string_equal(v.state, "offline");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(refused),
		WATCH_TEST(published),
		WATCH_TEST(shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
