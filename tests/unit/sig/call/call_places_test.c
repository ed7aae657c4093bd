/* SPDX-License-Identifier: Apache-2.0 */
/* Requests within a call whose party says a name in Record-Route or Contact: they wait for it, and go where it leads. */
#include <errno.h>

#include "sig/dialog/dialog.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/challenger.h"
#include "tests/unit/sig/names.h"
#include "tests/unit/sig/watch.h"
#include "tests/unit/sig/ways.h"

#define NAME   "sbc.carrier.test"
#define ROUTED "Record-Route: <sip:" NAME ";lr>\r\n"
#define ONE    "198.51.100.1:5060"
#define TWO    "198.51.100.2:5060"
#define THREE  "198.51.100.3:5060"
#define BOTH   ONE " " TWO

struct places {
	struct gate g; /* first: it is one */
	struct names names;
};

static int places_setup(void **state)
{
	struct places *p = calloc(1, sizeof(*p));
	struct shard_settings settings = rig_settings();
	struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");

	settings.lookup = names_open(&p->names, NAME);
	settings.locals[1] = settings.locals[0];
	settings.locals[1].transport = SIP_TCP;
	settings.local_count = 2;
	gate_open(&p->g, &settings);
	gate_did(&p->g, "+49301", "1002");
	(void)gate_put(&p->g, &set);
	gate_route(&p->g, "9x.", "carrier");
	may_call(&p->g, 0xff);
	*state = p;
	return 0;
}

#define PLACES_TEST(fn) cmocka_unit_test_setup_teardown(fn, places_setup, gate_teardown)

static struct bytes took(struct rig *r, const char *place, const char *begin)
{
	const struct addr to = rig_addr(place);

	return rig_take(r, &to, begin);
}

static uint32_t count(const struct rig *r, const char *place, const char *begin)
{
	const struct addr to = rig_addr(place);

	return rig_count(r, &to, begin);
}

/* The carrier calls 1002, who answers. */
static void comes_in(struct places *p, const char *headers)
{
	struct phone *gw = &p->g.carriers[0], *b = &p->g.l.b;

	phone_begin(gw, "+49301");
	phone_request(gw, "INVITE", headers, PHONE_SDP_A);
	(void)phone_rings(b);
	phone_answer(b, b->invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(gw, "SIP/2.0 200").n);
	phone_ack(gw);
	(void)rig_take(b->r, &b->addr, "ACK ");
	assert_int_equal(rig_counts(b->r).calls_established, 1);
}

static void b_leaves(struct places *p)
{
	struct phone *b = &p->g.l.b;

	phone_request(b, "BYE", "", "");
	rig_run(b->r);
	assert_true(phone_hears(b, "SIP/2.0 200").n);
}

static void gone(struct places *p, const char *place)
{
	struct phone *gw = &p->g.carriers[0];
	struct bytes bye = took(p->g.l.r, place, "BYE ");

	assert_true(bye.n);
	phone_answer(gw, bye, "200 OK", "");
	assert_int_equal(p->g.l.r->cdr_count, 1);
	line_assert_idle(p->g.l.r);
}

/* The place that is in use stays, whatever stands before it. */
static void waits_and_stays(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;

	comes_in(p, ROUTED);
	assert_int_equal(r->lookup_count, 0);
	b_leaves(p);
	assert_int_equal(r->lookup_count, 1);
	assert_string_equal(r->lookups[0].host, NAME);
	assert_int_equal(count(r, ONE, "BYE "), 0);
	tell(r, leads_to(TWO " " ONE));
	assert_int_equal(count(r, TWO, "BYE "), 0);
	gone(p, ONE);
	assert_int_equal(r->lookup_count, 1);
	assert_int_equal(r->lookup_stops, 0);
}

/* It does not lead there any more. */
static void moves_with_the_name(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct bytes bye;

	comes_in(p, ROUTED);
	b_leaves(p);
	tell(r, leads_to(TWO));
	bye = rig_find(r, &p->g.carriers[1].addr, "BYE ");
	assert_true(bytes_is(rig_header(bye, "Route"), "<sip:" NAME ";lr>"));
	assert_true(bytes_starts(bye, "BYE sip:gw@198.51.100.1:5060 SIP/2.0\r\n"));
	gone(p, TWO);
	assert_int_equal(count(r, ONE, "BYE "), 0);
}

static void known_costs_nothing(void **state)
{
	struct places *p = *state;

	p->names.known = leads_to(BOTH);
	comes_in(p, ROUTED);
	assert_int_equal(p->names.finds, 0);
	b_leaves(p);
	assert_int_equal(p->g.l.r->lookup_count, 0);
	gone(p, ONE);
	assert_int_equal(p->names.finds, 1);
}

/* A Route set of addresses, and who is at a name behind it; a Contact is no route of anybody else's. */
static void numeric_is_not_looked_up(void **state)
{
	struct places *p = *state;

	(void)snprintf(p->g.carriers[0].address, sizeof(p->g.carriers[0].address), "%s", NAME);
	comes_in(p, "Record-Route: <sip:198.51.100.1;lr>\r\n");
	b_leaves(p);
	gone(p, ONE);
	assert_int_equal(p->names.finds, 0);
	assert_int_equal(p->g.l.r->lookup_count, 0);
}

/* A trunk names addresses, too; its strict router gets its own URI. */
static void a_trunk_is_followed(void **state)
{
	struct places *p = *state;
	struct bytes bye;

	comes_in(p, "Record-Route: <sip:198.51.100.2>\r\n");
	b_leaves(p);
	bye = rig_find(p->g.l.r, &p->g.carriers[1].addr, "BYE ");
	assert_true(bytes_starts(bye, "BYE sip:198.51.100.2 SIP/2.0\r\n"));
	assert_true(bytes_is(rig_header(bye, "Route"), "<sip:gw@198.51.100.1:5060>"));
	gone(p, TWO);
}

static void a_strict_router_at_a_name(void **state)
{
	struct places *p = *state;
	struct bytes bye;

	comes_in(p, "Record-Route: <sip:" NAME ">\r\n");
	b_leaves(p);
	tell(p->g.l.r, leads_to(TWO));
	bye = rig_find(p->g.l.r, &p->g.carriers[1].addr, "BYE ");
	assert_true(bytes_starts(bye, "BYE sip:" NAME " SIP/2.0\r\n"));
	gone(p, TWO);
}

/* Its Contact is the name, and so is its Via. */
static void a_contact_at_a_name(void **state)
{
	struct places *p = *state;

	(void)snprintf(p->g.carriers[0].address, sizeof(p->g.carriers[0].address), "%s", NAME);
	comes_in(p, "");
	b_leaves(p);
	assert_int_equal(p->g.l.r->lookup_count, 1);
	tell(p->g.l.r, leads_to(TWO));
	gone(p, TWO);
}

static void nobody_says(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;

	comes_in(p, ROUTED);
	b_leaves(p);
	rig_wait_ms(r, DIALOG_LOOKUP_MS - 10);
	assert_int_equal(count(r, ONE, "BYE "), 0);
	rig_wait_ms(r, 20);
	assert_int_equal(r->lookup_stops, 1);
	assert_int_equal(r->lookup_stopped, r->lookups[0].serial);
	gone(p, ONE);
}

static void leads_nowhere(void **state)
{
	static const enum lookup_state states[] = { LOOKUP_NOTHING, LOOKUP_FAILED, LOOKUP_BAD };
	struct places *p = *state;
	struct rig *r = p->g.l.r;

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		comes_in(p, ROUTED);
		b_leaves(p);
		tell(r, (struct lookup_reply){ .state = states[i] });
		phone_answer(&p->g.carriers[0], took(r, ONE, "BYE "), "200 OK", "");
		assert_int_equal(r->cdr_count, i + 1);
	}
	line_assert_idle(r);
}

/* No place of it may be sent to: our own, and one of the wrong family. */
static void leads_to_nobody(void **state)
{
	struct places *p = *state;

	p->names.known = leads_to("192.0.2.1:5060 [2001:db8::1]:5060");
	comes_in(p, ROUTED);
	b_leaves(p);
	gone(p, ONE);
}

/* Said again elsewhere: the same request but for its branch. */
static void the_silent_place(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct bytes first, second;

	p->names.known = leads_to(BOTH);
	comes_in(p, ROUTED);
	b_leaves(p);
	first = took(r, ONE, "BYE ");
	rig_wait_ms(r, TXN_TIMEOUT_MS - 10);
	assert_int_equal(count(r, TWO, "BYE "), 0);
	rig_wait_ms(r, 20);
	second = rig_find(r, &p->g.carriers[1].addr, "BYE ");
	assert_true(second.n);
	assert_true(bytes_eq(rig_header(first, "CSeq"), rig_header(second, "CSeq")));
	assert_true(bytes_eq(rig_header(first, "Call-ID"), rig_header(second, "Call-ID")));
	assert_false(bytes_eq(rig_header(first, "Via"), rig_header(second, "Via")));
	assert_int_equal(p->names.failures, 1);
	assert_true(addr_eq(&p->names.failed.to, &p->g.carriers[0].addr));
	gone(p, TWO);
}

/* All of them: that is the end of it (RFC 3261 8.1.3.1). */
static void all_are_silent(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;

	p->names.known = leads_to(BOTH " " THREE);
	comes_in(p, ROUTED);
	b_leaves(p);
	rig_wait_ms(r, 3 * TXN_TIMEOUT_MS + 100);
	assert_true(count(r, ONE, "BYE "));
	assert_true(count(r, TWO, "BYE "));
	assert_true(count(r, THREE, "BYE "));
	assert_int_equal(p->names.failures, 3);
	assert_int_equal(r->cdr_count, 1);
	line_assert_idle(r);
}

static void cannot_be_reached(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct sip_hop one = { .remote = rig_addr(ONE) };

	p->names.known = leads_to(BOTH);
	comes_in(p, ROUTED);
	b_leaves(p);
	assert_int_equal(count(r, ONE, "BYE "), 1);
	shard_send_failed(r->shard, &one, ECONNREFUSED, r->now);
	rig_run(r);
	gone(p, TWO);
}

/* What another call has found dead is not asked again. */
static void known_to_be_dead(void **state)
{
	struct places *p = *state;

	p->names.known = leads_to(TWO " " ONE);
	p->names.blocks = true;
	p->names.failed.to = rig_addr(ONE);
	comes_in(p, ROUTED);
	b_leaves(p);
	gone(p, TWO);
	assert_int_equal(count(p->g.l.r, ONE, "BYE "), 0);
}

static void it_is_overloaded(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0], *b = &p->g.l.b;
	struct rig *r = p->g.l.r;
	struct bytes info;

	p->names.known = leads_to(BOTH);
	comes_in(p, ROUTED);
	phone_request(b, "INFO", "Content-Type: text/x\r\n", "hello");
	info = took(r, ONE, "INFO ");
	phone_answer_as(gw, info, gw->tag, "503 Service Unavailable", "Retry-After: 77\r\n", "");
	assert_int_equal(p->names.failed_s, 77);
	assert_int_equal(rig_count(r, &b->addr, "SIP/2.0 503"), 0);
	info = took(r, TWO, "INFO ");
	assert_true(bytes_is(rig_body(info), "hello"));
	phone_answer(gw, info, "200 OK", "");
	assert_true(rig_take(r, &b->addr, "SIP/2.0 200").n);
	b_leaves(p);
	gone(p, TWO);
}

/* A re-INVITE, whose refusal is acknowledged where it came from; the ACK to its answer goes where that is from. */
static void an_invite_goes_on(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0], *b = &p->g.l.b;
	struct rig *r = p->g.l.r;
	struct bytes first, second;

	p->names.known = leads_to(BOTH);
	comes_in(p, ROUTED);
	phone_request(b, "INVITE", "", PHONE_SDP_B);
	rig_run(r);
	first = took(r, ONE, "INVITE ");
	assert_true(first.n);
	phone_answer(gw, first, "503 Service Unavailable", "");
	assert_int_equal(count(r, ONE, "ACK "), 1);
	second = took(r, TWO, "INVITE ");
	assert_true(bytes_eq(rig_header(first, "CSeq"), rig_header(second, "CSeq")));
	assert_false(bytes_eq(rig_header(first, "Via"), rig_header(second, "Via")));
	phone_answer(gw, second, "200 OK", PHONE_SDP_A);
	assert_int_equal(count(r, TWO, "ACK "), 1);
	assert_true(phone_hears(b, "SIP/2.0 200").n);
	phone_ack(b);
	b_leaves(p);
	gone(p, TWO);
}

static bool account_for_all(void *owner, const struct dialog *d, struct digest_account *out)
{
	(void)owner;
	(void)d;
	*out = (struct digest_account){ BYTES_LIT("node"), BYTES_LIT("pbx"), { { { 0 } } } };
	digest_secret_make(&out->secret, out->user, out->realm, BYTES_LIT("secret"));
	return true;
}

/* What is said once more, with credentials, has a higher CSeq number than what waits for the name. */
static void credentials_behind_what_waits(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0], *b = &p->g.l.b;
	struct rig *r = p->g.l.r;
	struct challenger asks;
	struct bytes info;

	p->names.known = leads_to(ONE);
	comes_in(p, ROUTED);
	challenger_begin(&asks, &p->g.l);
	services_account(&r->shard->host, account_for_all);
	phone_request(b, "INFO", "", "one");
	info = took(r, ONE, "INFO ");
	assert_true(info.n);
	p->names.known = (struct lookup_reply){ .state = LOOKUP_REQUEST };
	phone_request(b, "INVITE", "", PHONE_SDP_B);
	rig_run(r);
	assert_int_equal(took(r, ONE, "INVITE ").n, 0);
	phone_answer_as(gw, info, gw->tag, "401 Unauthorized",
			challenger_lines(&asks, &p->g.l, false, false), "");
	assert_int_equal(took(r, ONE, "INFO ").n, 0);
	tell(r, leads_to(ONE));
	assert_true(rig_has(took(r, ONE, "INVITE "), "CSeq: 2 INVITE\r\n"));
	assert_true(rig_has(took(r, ONE, "INFO "), "CSeq: 3 INFO\r\n"));
}

/* From UDP to TCP: its Via and Contact say so, and nothing else is another. */
static void another_transport(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct bytes m;
	struct lookup_reply new_state = leads_to(TWO);

	new_state.targets[0].transport = SIP_TCP;
	comes_in(p, ROUTED);
	phone_request(&p->g.l.b, "INVITE", "", PHONE_SDP_B);
	rig_run(r);
	assert_int_equal(r->lookup_count, 1);
	tell(r, new_state);
	m = rig_find(r, &p->g.carriers[1].addr, "INVITE ");
	assert_true(m.n);
	assert_true(bytes_starts(rig_header(m, "Via"), "SIP/2.0/TCP 192.0.2.1:5060;branch="));
	assert_true(rig_has(rig_header(m, "Contact"), ";transport=tcp>"));
	assert_true(rig_has(rig_body(m), "m=audio"));
}

/* ---- our INVITE, and its ACK ---- */

static struct bytes goes_out(struct places *p)
{
	struct phone *gw = &p->g.carriers[0];

	calls_out(&p->g);
	(void)phone_rings(gw);
	phone_answer_as(gw, gw->invite, gw->tag, "200 OK", ROUTED, PHONE_SDP_B);
	assert_true(phone_hears(&p->g.l.a, "SIP/2.0 200").n);
	phone_ack(&p->g.l.a);
	return gw->invite;
}

/* It is being left: no other place is asked for what is given up. */
static void given_up_is_not_asked_elsewhere(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0];
	struct rig *r = p->g.l.r;

	p->names.known = leads_to(BOTH);
	calls_out(&p->g);
	(void)phone_rings(gw);
	phone_answer_as(gw, gw->invite, gw->tag, "183 Session Progress",
			ROUTED "Require: 100rel\r\nRSeq: 1\r\n", PHONE_SDP_B);
	assert_int_equal(count(r, ONE, "PRACK "), 1);
	phone_cancel(&p->g.l.a);
	rig_run(r);
	assert_int_equal(count(r, ONE, "CANCEL "), 1);
	phone_answer(gw, gw->invite, "503 Service Unavailable", "");
	assert_int_equal(count(r, TWO, "INVITE "), 0);
	assert_int_equal(count(r, ONE, "ACK "), 1);
}

/* A caller that hangs up meanwhile: acknowledged, then ended. */
static void the_ack_waits(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	uint32_t before;

	(void)goes_out(p);
	assert_int_equal(r->lookup_count, 1);
	phone_request(&p->g.l.a, "BYE", "", "");
	rig_run(r);
	assert_int_equal(r->lookup_count, 1);
	assert_int_equal(count(r, ONE, "ACK "), 0);
	before = r->sent_count;
	tell(r, leads_to(BOTH));
	assert_true(bytes_starts(text_bytes(&r->sent[before].data), "ACK "));
	assert_true(bytes_starts(text_bytes(&r->sent[before + 1].data), "BYE "));
	gone(p, ONE);
}

/* The carrier says its 200 again, to the next process, too: that one looks up again. */
static void killed_before_the_ack(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0];
	struct rig *r = p->g.l.r;
	struct bytes invite = goes_out(p);
	struct text record = { 0 };

	assert_int_equal(text_set(&record, line_stored(&p->g.l)), 0);
	line_restart(&p->g.l, text_bytes(&record));
	text_clear(&record);
	assert_int_equal(count(r, ONE, "ACK "), 0);
	phone_answer_as(gw, invite, gw->tag, "200 OK", ROUTED, PHONE_SDP_B);
	assert_int_equal(r->lookup_count, 2);
	tell(r, leads_to(TWO));
	assert_int_equal(count(r, TWO, "ACK "), 1);
	phone_request(&p->g.l.a, "BYE", "", "");
	rig_run(r);
	p->names.known = leads_to(TWO);
	rig_wait_ms(r, DIALOG_LOOKUP_MS + 10);
	gone(p, TWO);
}

static void killed_before_the_bye(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct text record = { 0 };

	comes_in(p, ROUTED);
	b_leaves(p);
	assert_int_equal(text_set(&record, line_stored(&p->g.l)), 0);
	line_restart(&p->g.l, text_bytes(&record));
	text_clear(&record);
	assert_int_equal(r->lookup_count, 2);
	assert_int_equal(count(r, ONE, "BYE ") + count(r, TWO, "BYE "), 0);
	tell(r, leads_to(TWO));
	gone(p, TWO);
}

/* Who asks for something meanwhile is refused, also after two kills, and hears the BYE when the name was looked up. */
static void asks_before_the_bye(void **state)
{
	struct places *p = *state;
	struct phone *gw = &p->g.carriers[0];
	struct rig *r = p->g.l.r;

	comes_in(p, ROUTED);
	b_leaves(p);
	for (uint32_t kills = 0; kills < 3; kills++) {
		struct text record = { 0 };

		phone_request(gw, "INFO", "", "");
		rig_run(r);
		assert_true(phone_hears(gw, "SIP/2.0 480").n);
		assert_int_equal(r->lookup_count, kills + 1);
		assert_int_equal(count(r, ONE, "BYE "), 0);
		assert_int_equal(text_set(&record, line_stored(&p->g.l)), 0);
		if (kills < 2)
			line_restart(&p->g.l, text_bytes(&record));
		text_clear(&record);
	}
	tell(r, leads_to(TWO));
	gone(p, TWO);
}

/* ---- a watcher ---- */

static struct bytes changed(struct places *p)
{
	struct phone *b = &p->g.l.b;

	phone_invite(b, "1001", PHONE_SDP_A);
	rig_wait_ms(b->r, 10);
	return rig_find(b->r, &p->g.l.a.addr, "INVITE ");
}

/* NOTIFY waits for the watcher's name, and goes on at its next place. */
static void a_watcher(void **state)
{
	struct places *p = *state;
	struct phone *w = &p->g.l.a;
	struct rig *r = w->r;
	struct bytes first, second;

	(void)snprintf(w->address, sizeof(w->address), "%s", NAME);
	assert_true(bytes_starts(watch_ask(w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	rig_wait_ms(r, 5);
	assert_int_equal(r->lookup_count, 1);
	assert_int_equal(rig_count(r, &w->addr, "NOTIFY "), 0);
	p->names.known = leads_to("192.0.2.11:5060 " TWO);
	tell(r, p->names.known);
	phone_answer(w, rig_take(r, &w->addr, "NOTIFY "), "200 OK", "");
	assert_true(changed(p).n);
	first = rig_take(r, &w->addr, "NOTIFY ");
	rig_wait_ms(r, TXN_TIMEOUT_MS + 10);
	second = took(r, TWO, "NOTIFY ");
	assert_true(bytes_eq(rig_header(first, "CSeq"), rig_header(second, "CSeq")));
	assert_true(bytes_eq(rig_body(first), rig_body(second)));
	assert_int_equal(r->lookup_count, 1);
}

static void a_watcher_at_a_silent_name(void **state)
{
	struct places *p = *state;
	struct phone *w = &p->g.l.a;

	(void)snprintf(w->address, sizeof(w->address), "%s", NAME);
	assert_true(bytes_starts(watch_ask(w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	rig_wait_ms(w->r, DIALOG_LOOKUP_MS + 10);
	assert_int_equal(rig_count(w->r, &w->addr, "NOTIFY "), 1);
	assert_int_equal(w->r->lookup_stops, 1);
}

/* ---- bounds ---- */

/* One more does not wait. */
static void full(void **state)
{
	struct places *p = *state;
	struct rig *r = p->g.l.r;
	struct call_host *h = &r->shard->host;

	h->lookups = DIALOG_LOOKUPS_MAX;
	comes_in(p, ROUTED);
	b_leaves(p);
	assert_int_equal(r->lookup_count, 0);
	gone(p, ONE);
	h->lookups = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACES_TEST(waits_and_stays),
		PLACES_TEST(moves_with_the_name),
		PLACES_TEST(known_costs_nothing),
		PLACES_TEST(numeric_is_not_looked_up),
		PLACES_TEST(a_trunk_is_followed),
		PLACES_TEST(a_strict_router_at_a_name),
		PLACES_TEST(a_contact_at_a_name),
		PLACES_TEST(nobody_says),
		PLACES_TEST(leads_nowhere),
		PLACES_TEST(leads_to_nobody),
		PLACES_TEST(the_silent_place),
		PLACES_TEST(all_are_silent),
		PLACES_TEST(cannot_be_reached),
		PLACES_TEST(known_to_be_dead),
		PLACES_TEST(it_is_overloaded),
		PLACES_TEST(an_invite_goes_on),
		PLACES_TEST(credentials_behind_what_waits),
		PLACES_TEST(another_transport),
		PLACES_TEST(given_up_is_not_asked_elsewhere),
		PLACES_TEST(the_ack_waits),
		PLACES_TEST(killed_before_the_ack),
		PLACES_TEST(killed_before_the_bye),
		PLACES_TEST(asks_before_the_bye),
		PLACES_TEST(a_watcher),
		PLACES_TEST(a_watcher_at_a_silent_name),
		PLACES_TEST(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
