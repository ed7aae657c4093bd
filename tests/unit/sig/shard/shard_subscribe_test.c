/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and NOTIFY at the shard (RFC 6665): what is refused, what is told when, what goes on after a kill. */
#include <errno.h>

#include "sig/shard/shard_state.h"
#include "sig/sip/hop.h"
#include "sig/subscription/subscriptions.h"
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/sig/watch.h"

static void refused(void **state)
{
	static const struct row {
		const char *of_party, *lines, *status, *has;
	} rows[] = {
		{ "1002", "", "489", "Allow-Events: dialog, presence, reg" },
		{ "1002", "Event: weather\r\n", "489", "Allow-Events: " },
		{ "1002", "Event: dialog;id=\r\n", "400", "" },
		{ "1002", "Event: dialog\r\nEvent: reg\r\n", "400", "" },
		{ "1002", "Event: dialog\r\nAccept: application/pidf+xml\r\n", "406", "" },
		{ "1002", "Event: dialog\r\nAccept: application/*;q=0\r\n", "406", "" },
		{ "1002", "Event: dialog\r\nExpires: 59\r\n", "423", "Min-Expires: 60" },
		{ "1999", "Event: dialog\r\n", "404", "" },
		{ "1002", "Event: reg\r\n", "403", "" },
	};
	struct watch *t = *state;
	const struct row *row;

	EACH_ROW(row, rows)
	{
		struct bytes m = watch_ask(&t->w, row->of_party, row->lines);
		char begin[32];

		(void)snprintf(begin, sizeof(begin), "SIP/2.0 %s", row->status);
		ROW_ASSERT(row->lines, bytes_starts(m, begin));
		ROW_ASSERT(row->lines, rig_has(m, row->has));
	}
	assert_int_equal(rig_count(t->l.r, &t->w.addr, "NOTIFY"), 0);
	line_assert_idle(t->l.r);
}

/* Who is not trusted shows its password, and speaks for itself. */
static void challenged(void **state)
{
	struct watch *t = *state;
	struct phone p;
	char line[1024];
	struct bytes m;

	phone_open(&p, t->l.r, "1004", "198.51.100.14:5060");
	m = watch_ask(&p, "1002", WATCH_DIALOG);
	assert_true(bytes_starts(m, "SIP/2.0 407"));
	(void)credentials_make(line, m, "Proxy-Authorization", DIGEST_MD5, "1004", "secret",
			       "SUBSCRIBE", "sip:1002@test.local");
	assert_true(strlen(line) + sizeof(WATCH_DIALOG) < sizeof(line));
	(void)strncat(line, WATCH_DIALOG, sizeof(line) - strlen(line) - 1);
	phone_request(&p, "SUBSCRIBE", line, "");
	assert_true(bytes_starts(rig_take(t->l.r, &p.addr, "SIP/2.0"), "SIP/2.0 200"));
}

/* The lamp: dark, blinking, lit, dark. */
static void lamp(void **state)
{
	struct watch *t = *state;
	struct line *l = &t->l;
	struct bytes m;

	m = watch_ask(&t->w, "1002", WATCH_DIALOG);
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(rig_has(rig_header(m, "Expires"), "3600"));
	assert_true(rig_header(m, "Contact").n != 0);
	m = watch_told(&t->w);
	assert_true(bytes_eq(rig_header(m, "Event"), bytes_str("dialog")));
	assert_true(rig_has(rig_header(m, "Subscription-State"), "active;expires=3"));
	assert_true(rig_has(m, "version=\"0\" state=\"full\" entity=\"sip:1002@test.local\""));
	assert_false(rig_has(m, "<dialog id"));

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"1\" state=\"partial\""));
	assert_true(rig_has(m, "direction=\"recipient\""));
	assert_true(rig_has(m, "<state>early</state>"));
	assert_true(rig_has(m, "<remote><identity display=\"Phone\">sip:1001@"));
	assert_true(rig_has(m, "<local><identity>sip:1002@"));

	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"2\" state=\"partial\""));
	assert_true(rig_has(m, "<state>confirmed</state>"));

	phone_request(&l->a, "BYE", "", "");
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"3\" state=\"partial\""));
	assert_true(rig_has(m, "<state>terminated</state>"));
	assert_int_equal(watch_told(&t->w).n, 0);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* While one NOTIFY is not answered all that happens goes into the next one. */
static void coalesced(void **state)
{
	struct watch *t = *state;
	struct bytes first;

	watch_begin(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	first = watch_told_with(&t->w, "");
	assert_true(rig_has(first, "<state>trying</state>"));
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(watch_told(&t->w).n, 0);
	phone_answer(&t->w, first, "200 OK", "");
	assert_true(rig_has(watch_told(&t->w), "<state>confirmed</state>"));
	assert_int_equal(watch_told(&t->w).n, 0);
}

/* The callee rings before anybody is told that he does. */
static void calls_go_first(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	uint32_t told;

	watch_begin(t);
	told = rig_count(r, &t->w.addr, "NOTIFY");
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_wait_ms(r, 0);
	assert_int_equal(rig_count(r, &t->l.b.addr, "INVITE"), 1);
	assert_int_equal(rig_count(r, &t->w.addr, "NOTIFY"), told);
	rig_wait_ms(r, 1);
	assert_int_equal(rig_count(r, &t->w.addr, "NOTIFY"), told + 1);
}

static void saved_before_said(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;

	r->hold_saves = true;
	assert_int_equal(watch_ask(&t->w, "1002", WATCH_DIALOG).n, 0);
	assert_int_equal(watch_told(&t->w).n, 0);
	assert_int_equal(rig_counts(r).saves_pending, 1); /* a clean stop waits for it */
	r->hold_saves = false;
	rig_run(r);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	assert_true(bytes_starts(phone_hears(&t->w, "SIP/2.0"), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
}

/* A store that is late stops nobody. */
static void unsaved(void **state)
{
	struct watch *t = *state;

	t->l.r->fail_saves = true;
	watch_begin(t);
	t->l.r->fail_saves = false;
	rig_wait_ms(t->l.r, 3000);
	assert_true(t->l.r->saves[t->l.r->save_count - 1].version > 1);
	assert_int_equal(rig_counts(t->l.r).saves_pending, 0);
}

static void fetched(void **state)
{
	struct watch *t = *state;
	struct bytes m = watch_ask(&t->w, "1002", WATCH_DIALOG "Expires: 0\r\n");

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(bytes_eq(rig_header(m, "Expires"), bytes_str("0")));
	m = watch_told(&t->w);
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=timeout"));
	assert_true(rig_has(m, "state=\"full\""));
	assert_int_equal(t->l.r->save_count, 0);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 481"));
	line_assert_idle(t->l.r);
}

static void refreshed(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	watch_begin(t);
	rig_wait_ms(t->l.r, 3000 * 1000);
	m = watch_again(&t->w, WATCH_DIALOG "Expires: 700\r\n");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(bytes_eq(rig_header(m, "Expires"), bytes_str("700")));
	assert_true(rig_has(watch_told(&t->w), "version=\"1\" state=\"full\""));
	assert_true(bytes_starts(watch_again(&t->w, "Event: dialog;id=7\r\n"), "SIP/2.0 481"));
	rig_wait_ms(t->l.r, 690 * 1000);
	assert_int_equal(watch_told(&t->w).n, 0);
	rig_wait_ms(t->l.r, 11 * 1000);
	m = watch_told(&t->w);
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=timeout"));
	line_assert_idle(t->l.r);
	assert_int_equal(t->l.r->saves[t->l.r->save_count - 1].record.n, 0);
}

static void unsubscribed(void **state)
{
	struct watch *t = *state;

	watch_begin(t);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG "Expires: 0\r\n"), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=timeout"));
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 481"));
	line_assert_idle(t->l.r);
}

static uint64_t only_subscription(const struct watch *t)
{
	struct subscription_row row;
	uint32_t cursor = 0;

	assert_true(shard_subscription_next(t->l.r->shard, &cursor, &row));
	return row.id;
}

/* RFC 6665 4.1.3: what its watcher is to do is said; a refresh behind that runs into a 481. */
static void ended(void **state)
{
	static const struct {
		enum subscription_ending ending;
		const char *standing;
	} rows[] = {
		{ ENDING_DEACTIVATED, "terminated;reason=deactivated" },
		{ ENDING_PROBATION, "terminated;reason=probation;retry-after=60" },
		{ ENDING_GIVEUP, "terminated;reason=giveup;retry-after=60" },
		{ ENDING_REJECTED, "terminated;reason=rejected" },
		{ ENDING_NORESOURCE, "terminated;reason=noresource" },
	};
	struct watch *t = *state;
	struct rig *r = t->l.r;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t id;
		struct bytes m;

		watch_begin(t);
		id = only_subscription(t);
		assert_int_equal(shard_subscription_end(r->shard, id, rows[i].ending, r->now), 0);
		assert_int_equal(shard_subscription_end(r->shard, id, rows[i].ending, r->now),
				 -ENOENT);
		m = watch_told(&t->w);
		ROW_ASSERT(rows[i].standing, bytes_eq(rig_header(m, "Subscription-State"),
						      bytes_str(rows[i].standing)));
		assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 481"));
		assert_int_equal(shard_subscription_end(r->shard, id, rows[i].ending, r->now),
				 -ENOENT);
	}
	line_assert_idle(r);
}

/* Two ways lead here: there is one subscription, and the other copy is merged (RFC 3261 8.2.2.2). */
static void forked(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	phone_begin(&t->w, "1002");
	phone_request(&t->w, "SUBSCRIBE", WATCH_DIALOG, "");
	m = phone_hears(&t->w, "SIP/2.0");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(watch_told(&t->w).n != 0);
	t->w.remote_tag[0] = '\0';
	phone_copy(t->w.target, sizeof(t->w.target), bytes_str("sip:1002@test.local"));
	phone_new_branch(&t->w);
	phone_write(&t->w, "SUBSCRIBE", WATCH_DIALOG, "");
	m = phone_hears(&t->w, "SIP/2.0");
	assert_true(bytes_starts(m, "SIP/2.0 482"));
	assert_int_equal(rig_counts(t->l.r).subscriptions, 1);
}

/* What is older than what came is refused (RFC 3261 12.2.2), and ends nothing, on either side. */
static void out_of_order(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	watch_begin(t);
	t->w.cseq -= 2;
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG "Expires: 0\r\n"), "SIP/2.0 500"));
	t->w.cseq += 2;
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	m = watch_told_with(&t->w, "");
	phone_answer_as(&t->w, m, "", "500 Older", "Retry-After: 1\r\n", "");
	rig_wait_ms(t->l.r, 1000);
	assert_true(rig_has(watch_told(&t->w), "version=\"2\" state=\"full\""));
}

/* A document that no packet of Ethernet carries leaves whole: nothing of it is cut, and it goes to where the phone listens. */
static void long_document(void **state)
{
	struct phone callers[6];
	struct watch *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;
	uint32_t count = 0;

	for (uint32_t i = 0; i < COUNT_OF(callers); i++) {
		char number[8], address[32];

		(void)snprintf(number, sizeof(number), "10%u", 20 + i);
		(void)snprintf(address, sizeof(address), "192.0.2.%u:5060", 60 + i);
		phone_open(&callers[i], r, number, address);
		phone_invite(&callers[i], "1002", PHONE_SDP_A);
	}
	rig_wait_ms(r, 5);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	m = rig_body(watch_told(&t->w));
	assert_true(m.n > 1500);
	for (const uint8_t *at = m.p;
	     (at = memmem(at, m.n - (size_t)(at - m.p), "<dialog id", 10)) != NULL; at++)
		count++;
	assert_int_equal(count, COUNT_OF(callers));
	assert_true(rig_has(m, "</dialog-info>"));
}

static char *repeated(char *out, size_t n, char c)
{
	memset(out, c, n);
	out[n] = '\0';
	return out;
}

/* Escaped it is five times as long. */
static void call_with_long_name(struct rig *r, uint32_t number)
{
	struct phone caller;
	char user[8], address[32], name[901], text[2048];
	int n;

	(void)snprintf(user, sizeof(user), "%u", number);
	(void)snprintf(address, sizeof(address), "192.0.2.%u:5060", number - 1000);
	phone_open(&caller, r, user, address);
	n = snprintf(text, sizeof(text),
		     "INVITE sip:1002@test.local SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		     "From: \"%s\" <sip:%s@test.local>;tag=l\r\nTo: <sip:1002@test.local>\r\n"
		     "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:%s@%s>\r\n"
		     "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		     address, user, repeated(name, sizeof(name) - 1, '&'), user, user, user,
		     address, strlen(PHONE_SDP_A), PHONE_SDP_A);
	assert_in_range(n, 1, sizeof(text) - 1);
	rig_send(r, &caller.addr, bytes_mem(text, (size_t)n));
}

/* Together they are longer than any document. The lamp is lit all the same, and other calls have their names. */
static void long_names(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	for (uint32_t number = 1060; number < 1066; number++)
		call_with_long_name(t->l.r, number);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_wait_ms(t->l.r, 5);
	assert_int_equal(rig_counts(t->l.r).calls, 7);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "direction=\"recipient\"><state>trying</state></dialog>"));
	assert_true(rig_has(m, "<identity display=\"Phone\">"));
	assert_false(rig_has(m, "&amp;"));
	rig_wait_ms(t->l.r, 3000);
	assert_int_equal(watch_told(&t->w).n, 0);
}

static void bind_long_contacts(const struct phone *p)
{
	struct aor a = { .version = 1, .count = BINDINGS_MAX, .room = BINDINGS_MAX };
	struct text record = { 0 };
	char contact[512], user[401];
	const char *reason;

	a.bindings = calloc(BINDINGS_MAX, sizeof(*a.bindings));
	assert_non_null(a.bindings);
	assert_int_equal(text_set(&a.tenant, bytes_str("default")), 0);
	assert_int_equal(text_set(&a.user, bytes_str(p->user)), 0);
	for (uint32_t i = 0; i < BINDINGS_MAX; i++) {
		struct binding *b = &a.bindings[i];

		(void)snprintf(contact, sizeof(contact), "sip:%s@192.0.2.%u",
			       repeated(user, sizeof(user) - 1, '&'), 100 + i);
		assert_int_equal(text_set(&b->contact, bytes_str(contact)), 0);
		assert_int_equal(text_set(&b->call_id, bytes_str("reg")), 0);
		b->expires_utc_ms = p->r->now.utc_ms + 3600000;
		b->hop.remote = p->addr;
	}
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	if (locations_restore(p->r->locations, text_bytes(&record), p->r->now, &reason))
		fail_msg("%s", reason);
	aor_clear(&a);
	text_clear(&record);
}

/* A document that cannot be told ends the subscription: nobody tries again each second for ever. */
static void too_long(void **state)
{
	struct watch *t = *state;
	struct bytes m;
	struct phone p;

	phone_open(&p, t->l.r, "1003", "192.0.2.13:5060");
	bind_long_contacts(&p);
	assert_true(bytes_starts(watch_ask(&p, "1003", "Event: reg\r\n"), "SIP/2.0 200"));
	m = watch_told(&p);
	assert_true(bytes_eq(rig_header(m, "Subscription-State"),
			     bytes_str("terminated;reason=probation;retry-after=60")));
	assert_int_equal(rig_body(m).n, 0);
	rig_wait_ms(t->l.r, 5000);
	assert_int_equal(watch_told(&p).n, 0);
	assert_true(bytes_starts(watch_again(&p, "Event: reg\r\n"), "SIP/2.0 481"));
}

static uint32_t watch_notifies(const struct watch *t)
{
	return rig_count(t->l.r, &t->w.addr, "NOTIFY");
}

/* So many in a millisecond, and each once. */
static void bounded(void **state)
{
	enum { LEAST = SUBSCRIPTIONS_TOLD_LEAST };
	struct watch *t = *state;
	uint32_t watchers = 2 * LEAST + 1, before;

	for (uint32_t i = 0; i < watchers; i++)
		watch_begin(t);
	before = watch_notifies(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	for (uint32_t told = LEAST; told <= watchers + LEAST; told += LEAST) {
		rig_wait_ms(t->l.r, 1);
		assert_int_equal(watch_notifies(t) - before, told < watchers ? told : watchers);
	}
}

/* As if each SUBSCRIBE came long after the one before. */
static void forget_pace(struct watch *t)
{
	struct subscriptions *s = shard_subscriptions(t->l.r->shard);

	memset(s->paces, 0, sizeof(s->paces));
}

/* More in a millisecond where many wait. */
static void bounded_many(void **state)
{
	enum { WATCHERS = 48 };
	struct watch *t = *state;
	uint32_t before;

	for (uint32_t i = 0; i < WATCHERS; i++) {
		watch_begin(t);
		forget_pace(t);
	}
	before = watch_notifies(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	rig_wait_ms(t->l.r, 1);
	assert_int_equal(watch_notifies(t) - before, 12);
	rig_wait_ms(t->l.r, 1);
	assert_int_equal(watch_notifies(t) - before, 12 + 9);
	rig_wait_ms(t->l.r, 4);
	assert_int_equal(watch_notifies(t) - before, WATCHERS);
}

/* Its watcher knows nothing of it, is not there, or wants to be asked later. */
static void notify_refused(void **state)
{
	struct watch *t = *state;

	watch_begin(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(watch_told_with(&t->w, "481 Gone").n != 0);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 481"));
}

static void notify_is_missed(struct watch *t, const char *status)
{
	assert_true(watch_told_with(&t->w, status).n != 0);
	rig_wait_ms(t->l.r, status[0] ? 4900 : 32000 + 4900);
	while (!status[0] && rig_take(t->l.r, &t->w.addr, "NOTIFY ").n) /* said again */
		;
	assert_int_equal(watch_told(&t->w).n, 0);
	rig_wait_ms(t->l.r, 100);
}

/* Silence, and what says nothing of the subscription: it is told all a moment later, and over with the third one in a row. */
static void notify_missed(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	watch_begin(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	notify_is_missed(t, "");
	notify_is_missed(t, "408 Request Timeout");
	m = watch_told(&t->w);
	assert_true(rig_has(m, "version=\"3\" state=\"full\""));
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	notify_is_missed(t, "503 Service Unavailable");
	notify_is_missed(t, "500 Server Internal Error");
	assert_true(watch_told_with(&t->w, "504 Server Time-out").n != 0);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 481"));
	line_assert_idle(t->l.r);
}

static void notify_later(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	watch_begin(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	m = watch_told_with(&t->w, "");
	phone_answer_as(&t->w, m, "", "503 Later", "Retry-After: 2\r\n", "");
	rig_wait_ms(t->l.r, 1900);
	assert_int_equal(watch_told(&t->w).n, 0);
	rig_wait_ms(t->l.r, 100);
	assert_true(rig_has(watch_told(&t->w), "version=\"2\" state=\"full\""));
}

/* What is told goes on where the process before may have been, with all of it. */
static void killed(void **state)
{
	struct watch *t = *state;
	struct bytes m;
	uint32_t version = 0;

	watch_begin(t);
	watch_restart(t);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "state=\"full\""));
	m = bytes_from(
		m, (size_t)((const uint8_t *)memmem(m.p, m.n, "info\" version=\"", 15) - m.p) + 15);
	assert_int_equal(bytes_u32(bytes_sub(m, 0, bytes_find(m, '"')), &version), 0);
	assert_in_range(version, 2, 1000);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(watch_told(&t->w).n != 0);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG "Expires: 0\r\n"), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=timeout"));
	line_assert_idle(t->l.r);
}

/* The 200 was lost with the process: the phone says its SUBSCRIBE again, and has one subscription. */
static void killed_at_once(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;

	watch_begin(t);
	watch_restart(t);
	t->w.remote_tag[0] = '\0';
	phone_copy(t->w.target, sizeof(t->w.target), bytes_str("sip:1002@test.local"));
	phone_write(&t->w, "SUBSCRIBE", WATCH_DIALOG, "");
	assert_true(bytes_starts(phone_hears(&t->w, "SIP/2.0"), "SIP/2.0 200"));
	while (watch_told(&t->w).n)
		;
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_wait_ms(r, 10);
	assert_true(watch_told(&t->w).n != 0);
	assert_int_equal(watch_told(&t->w).n, 0);
}

/* More NOTIFYs than the record allows: it is saved again before, and no number is used twice. */
static void many_notifies(void **state)
{
	struct watch *t = *state;
	struct shard_extension b = rig_extension("1002", false);
	struct rig *r = t->l.r;
	uint32_t saves;

	watch_begin(t);
	saves = r->save_count;
	for (int i = 0; i < 300; i++) { /* each tells all again */
		b.early_media = !b.early_media;
		assert_int_equal(shard_extension_put(r->shard, &b), 0);
		assert_true(watch_told(&t->w).n != 0);
	}
	assert_in_range(r->save_count - saves, 1, 3);
	r->hold_saves = true;
	for (int i = 0; i < 300; i++) {
		b.early_media = !b.early_media;
		assert_int_equal(shard_extension_put(r->shard, &b), 0);
		if (!watch_told(&t->w).n)
			break;
	}
	assert_int_equal(watch_told(&t->w).n, 0); /* until the store has the next limit */
	r->hold_saves = false;
	rig_run(r);
	assert_true(watch_told(&t->w).n != 0);
}

static void rejected(void **state)
{
	struct watch *t = *state;
	struct shard_extension w = rig_extension("1004", false), b = rig_extension("1002", false);
	struct bytes m;

	watch_begin(t);
	w.monitor = MONITOR_LISTED;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "terminated;reason=rejected"));
	assert_int_equal(rig_body(m).n, 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 403"));
	assert_int_equal(shard_monitors_set(t->l.r->shard, TENANT_DEFAULT, "1004", "1003,1002"), 0);
	watch_begin(t);
	assert_int_equal(shard_monitors_set(t->l.r->shard, TENANT_DEFAULT, "1004", "1003"), 0);
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=rejected"));
	assert_int_equal(shard_monitors_set(t->l.r->shard, TENANT_DEFAULT, "1999", "1003"),
			 -ENOENT);
	w.monitor = MONITOR_NONE;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 403"));
	w.monitor = MONITOR_ALL;
	b.monitored = MONITORED_NOT;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	assert_int_equal(shard_extension_put(t->l.r->shard, &b), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 403"));
	b.monitored = MONITORED_PARTIES;
	assert_int_equal(shard_extension_put(t->l.r->shard, &b), 0);
	w.withheld = 1u << ENTITLED_LAMPS; /* ADM-90 */
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 403"));
	w.withheld = 1u << ENTITLED_PRESENCE;
	assert_int_equal(shard_extension_put(t->l.r->shard, &w), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", "Event: presence\r\n"), "SIP/2.0 403"));
	watch_begin(t);
	assert_true(shard_extension_delete(t->l.r->shard, TENANT_DEFAULT, "1002"));
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=noresource"));
	line_assert_idle(t->l.r);
}

/* That it talks, and nothing that leads to whom, or into its call. */
static void hidden(void **state)
{
	struct watch *t = *state;
	struct shard_extension b = rig_extension("1002", false);
	struct bytes m;

	b.monitored = MONITORED_STATE;
	assert_int_equal(shard_extension_put(t->l.r->shard, &b), 0);
	watch_begin(t);
	phones_talk(&t->l.a, &t->l.b);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<state>confirmed</state>"));
	assert_false(rig_has(m, "1001"));
	assert_false(rig_has(rig_body(m), t->l.b.call_id));
	assert_false(rig_has(m, "call-id"));
	assert_false(rig_has(m, "tag=\"")); /* of XML */
}

static void of_another_tenant(void **state)
{
	struct watch *t = *state;
	struct tenant_settings acme = { .name = "acme",
					.domain_count = 1,
					.domains = { "acme.example" } };
	struct shard_extension e = rig_extension("1002", false);
	struct phone p;
	uint16_t tenant;

	assert_int_equal(tenants_put(locations_tenants(t->l.r->locations), &acme, &tenant), 0);
	e.tenant = tenant;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	phone_open(&p, t->l.r, "1002", "192.0.2.15:5060");
	p.domain = "acme.example";
	p.tenant = "acme";
	assert_true(bytes_starts(watch_ask(&p, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(watch_told(&p).n != 0);
	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(watch_told(&p).n, 0);
	assert_true(bytes_starts(watch_ask(&p, "1001", WATCH_DIALOG), "SIP/2.0 404"));
}

static void full(void **state)
{
	struct watch *t = *state;
	uint32_t taken = 0;
	struct bytes m;

	do {
		forget_pace(t);
		m = watch_ask(&t->w, "1002", WATCH_DIALOG);
		taken += bytes_starts(m, "SIP/2.0 200");
		(void)watch_told(&t->w);
	} while (bytes_starts(m, "SIP/2.0 200") && taken < 100);
	assert_true(bytes_starts(m, "SIP/2.0 480"));
	assert_true(rig_has(m, "Retry-After: 60"));
	assert_int_equal(taken, 64 - 64 / 8);
}

static void node_full(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	watch_begin(t);
	t->l.r->shard->settings.subscriptions_max = 1;
	m = watch_ask(&t->w, "1001", WATCH_DIALOG);
	assert_true(bytes_starts(m, "SIP/2.0 503"));
	assert_true(rig_has(m, "Retry-After: 60"));
}

/* A quota of its tenant is not about the node: who hears 503 might take that for gone. */
static void tenant_full(void **state)
{
	struct watch *t = *state;
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	struct tenants *all = locations_tenants(t->l.r->locations);
	uint16_t tenant;
	struct bytes m;

	set.most[TENANT_SUBSCRIPTIONS] = 1;
	assert_int_equal(tenants_put(all, &set, &tenant), 0);
	watch_begin(t);
	m = watch_ask(&t->w, "1001", WATCH_DIALOG);
	assert_true(bytes_starts(m, "SIP/2.0 480"));
	assert_true(rig_has(m, "Retry-After: 60"));
	assert_int_equal(tenants_held(all, tenant, TENANT_SUBSCRIPTIONS), 1);
}

static const struct sig_event *last_event(const struct rig *r, enum sig_event_kind kind)
{
	const struct sig_event *e = &r->events[r->event_count - 1];

	assert_true(r->event_count > 0);
	assert_int_equal(e->kind, kind);
	assert_string_equal(e->tenant, "default");
	assert_string_equal(event_str(e, EV_FROM), "1004");
	assert_string_equal(event_str(e, EV_TO), "1002");
	assert_string_equal(event_str(e, EV_PACKAGE), "dialog");
	return e;
}

enum { OVER_UDP, OVER_TCP };

static int connected_setup(void **state)
{
	struct shard_settings s = rig_settings();
	static struct hop_edges edges;
	struct watch *t;

	edges = (struct hop_edges){ .self = 1 };
	s.edges = &edges;
	s.local_count = 2;
	s.locals[OVER_TCP] = s.locals[OVER_UDP];
	s.locals[OVER_TCP].transport = SIP_TCP;
	if (watch_setup_with(state, &s))
		return -1;
	t = *state;
	t->w.hop = (struct sip_hop){ .transport = SIP_TCP,
				     .local = OVER_TCP,
				     .remote = t->w.addr,
				     .connection = 5,
				     .inbound = true };
	return 0;
}

#define CONNECTED_TEST(fn) cmocka_unit_test_setup_teardown(fn, connected_setup, watch_teardown)

/* The last NOTIFY went over that connection of that process. */
static void assert_notified_by(const struct rig *r, uint64_t process, uint64_t connection)
{
	struct hop_edge edge = { 0 };
	uint32_t i = r->sent_count;

	while (i > 0 && !bytes_starts(text_bytes(&r->sent[i - 1].data), "NOTIFY "))
		i--;
	assert_true(i > 0);
	assert_true(hop_edge_get(r->settings.edges, r->sent[i - 1].hop.connection, &edge));
	assert_true(edge.process == process && edge.connection == connection);
}

/* Its node lives, and another one has the shard: what is told goes by that node. */
static void node_lives(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;

	watch_begin(t);
	assert_notified_by(r, 1, 5);
	r->settings.edges->self = 2;
	watch_restart(t);
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
	assert_notified_by(r, 1, 5);
	phones_talk(&t->l.a, &t->l.b);
	assert_true(watch_told(&t->w).n != 0);
	assert_notified_by(r, 1, 5);
}

/* Its node is gone, too: it is told when its phone is back over another connection. */
static void node_is_gone(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;

	watch_begin(t);
	r->settings.edges->self = 2;
	watch_restart(t);
	assert_true(watch_told_with(&t->w, "").n != 0);
	rig_wait_ms(r, 33 * 1000);
	assert_int_equal(watch_told(&t->w).n, 0);
	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(watch_told(&t->w).n, 0);
	t->w.hop.connection = 6;
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
	assert_notified_by(r, 2, 6);
}

/* Over UDP it came to the address of a third node, and hears from there alone. */
static void third_node(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	const struct hop_edge third = { 9, hop_edge_flow(OVER_UDP) };

	t->w.hop = (struct sip_hop){ .remote = t->w.addr,
				     .connection = hop_edge_put(r->settings.edges, &third) };
	watch_begin(t);
	assert_notified_by(r, third.process, third.connection);
	r->settings.edges->self = 2;
	watch_restart(t);
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
	assert_notified_by(r, third.process, third.connection);
	phones_talk(&t->l.a, &t->l.b);
	assert_true(watch_told_with(&t->w, "").n != 0);
	rig_wait_ms(r, 33 * 1000); /* that one is gone: it is told when it is back */
	while (rig_take(r, &t->w.addr, "NOTIFY ").n) /* said again */
		;
	t->w.hop.connection = 0; /* by an own address */
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
}

/* One for each that begins and ends, over a kill, too; none for a refresh, and for who asks once. */
static void events(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	uint64_t id;

	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG "Expires: 0\r\n"),
				 "SIP/2.0 200"));
	assert_true(watch_told(&t->w).n != 0);
	assert_int_equal(r->event_count, 0);
	watch_begin(t);
	id = last_event(r, SIG_SUBSCRIBED)->call;
	assert_int_equal(id, only_subscription(t));
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(watch_told(&t->w).n != 0);
	assert_int_equal(r->event_count, 1);
	watch_restart(t);
	assert_true(watch_told(&t->w).n != 0);
	assert_int_equal(r->event_count, 1);
	assert_int_equal(shard_subscription_end(r->shard, id, ENDING_GIVEUP, r->now), 0);
	assert_true(watch_told(&t->w).n != 0);
	assert_int_equal(last_event(r, SIG_UNSUBSCRIBED)->call, id);
	assert_string_equal(event_str(last_event(r, SIG_UNSUBSCRIBED), EV_REASON), "giveup");
	watch_begin(t);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(watch_told_with(&t->w, "481 Gone").n != 0);
	assert_string_equal(event_str(last_event(r, SIG_UNSUBSCRIBED), EV_REASON), "not_reached");
}

/* A phone tells the node itself where it is; only itself. */
static void reg(void **state)
{
	struct watch *t = *state;
	struct bytes m = watch_ask(&t->w, "1004", "Event: reg\r\nExpires: 600\r\n");

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "Content-Type: application/reginfo+xml"));
	assert_true(rig_has(m, "aor=\"sip:1004@test.local\" id=\"r\" state=\"active\""));
	assert_true(rig_has(m, "<uri>sip:1004@192.0.2.14:5060</uri>"));
	rig_wait_ms(t->l.r, 3601 * 1000);
	m = rig_find(t->l.r, &t->w.addr, "NOTIFY");
	assert_true(m.n != 0);
}

static void presence(void **state)
{
	struct watch *t = *state;
	struct bytes m = watch_ask(&t->w, "1002", "Event: presence\r\n");

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<basic>open</basic>"));
	assert_false(rig_has(m, "on-the-phone"));
	phones_talk(&t->l.a, &t->l.b);
	assert_true(rig_has(watch_told(&t->w), "<rpid:on-the-phone/>"));
}

/* A phone that subscribes again and again costs no more than its share: a new dialog, and its own, are one count. Another resource, another
 * watcher, and the end of a subscription are not refused; after a while it may again. */
static void subscribes_without_end(void **state)
{
	struct watch *t = *state;
	unsigned taken = 0, refused = 0;
	struct bytes m = { 0 };

	watch_begin(t);
	for (unsigned i = 0; i < 2 * SUBSCRIBE_BURST; i++) {
		m = watch_again(&t->w, WATCH_DIALOG);
		taken += bytes_starts(m, "SIP/2.0 200");
		refused += bytes_starts(m, "SIP/2.0 503");
		(void)watch_told(&t->w);
	}
	assert_true(taken >= SUBSCRIBE_BURST - 1 && taken <= SUBSCRIBE_BURST + 1);
	assert_int_equal(taken + refused, 2 * SUBSCRIBE_BURST);
	assert_true(bytes_is(rig_header(m, "Retry-After"), "60"));
	assert_true(bytes_starts(watch_again(&t->w, WATCH_DIALOG "Expires: 0\r\n"), "SIP/2.0 200"));
	(void)watch_told(&t->w);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 503"));
	assert_true(bytes_starts(watch_ask(&t->w, "1001", WATCH_DIALOG), "SIP/2.0 200"));
	(void)watch_told(&t->w);
	assert_true(bytes_starts(watch_ask(&t->l.a, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	(void)watch_told(&t->l.a);
	rig_wait_ms(t->l.r, SUBSCRIBE_PACE_MS + 1);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(refused),
		WATCH_TEST(challenged),
		WATCH_TEST(lamp),
		WATCH_TEST(coalesced),
		WATCH_TEST(calls_go_first),
		WATCH_TEST(saved_before_said),
		WATCH_TEST(unsaved),
		WATCH_TEST(fetched),
		WATCH_TEST(refreshed),
		WATCH_TEST(unsubscribed),
		WATCH_TEST(notify_refused),
		WATCH_TEST(notify_missed),
		WATCH_TEST(notify_later),
		WATCH_TEST(killed),
		WATCH_TEST(killed_at_once),
		WATCH_TEST(many_notifies),
		WATCH_TEST(rejected),
		WATCH_TEST(hidden),
		WATCH_TEST(of_another_tenant),
		WATCH_TEST(full),
		WATCH_TEST(node_full),
		WATCH_TEST(tenant_full),
		WATCH_TEST(reg),
		WATCH_TEST(ended),
		WATCH_TEST(forked),
		WATCH_TEST(out_of_order),
		WATCH_TEST(long_document),
		WATCH_TEST(bounded),
		WATCH_TEST(bounded_many),
		WATCH_TEST(presence),
		WATCH_TEST(long_names),
		WATCH_TEST(too_long),
		WATCH_TEST(events),
		WATCH_TEST(subscribes_without_end),
		CONNECTED_TEST(node_lives),
		CONNECTED_TEST(node_is_gone),
		CONNECTED_TEST(third_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
