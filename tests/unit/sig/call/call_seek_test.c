/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to phones that are at a name: they wait for it, and go to the places where it leads. */
#include <errno.h>

#include "sig/call/seek.h"
#include "sig/model/call_order.h"
#include "sig/sip/hop_names.h"
#include "tests/unit/sig/line.h"

#define NAME "gw.example.test"

/* What is known of the name. */
struct names {
	struct lookup_news known; /* state LOOKUP_ASK: nothing is */
	uint32_t finds, failures;
	struct lookup_target failed; /* the last one, */
	uint32_t failed_s;           /* and for how long */
	struct hop_names *known_by;  /* of the node; NULL: it speaks no TLS */
};

static void names_find(void *arg, const struct lookup_want *want, uint64_t now_ns,
		       struct lookup *out)
{
	struct names *n = arg;

	(void)now_ns;
	assert_string_equal(want->host, NAME);
	assert_true(want->v4 && !want->v6);
	assert_int_equal(want->speaks, 1U << SIP_UDP | (n->known_by ? 1U << SIP_TLS : 0U));
	assert_true(want->seed);
	n->finds++;
	out->state = n->known.state;
	out->ask_count = 0;
	out->target_count = n->known.count;
	memcpy(out->targets, n->known.targets, sizeof(out->targets));
}

static void names_failed(void *arg, const struct lookup_target *target, uint32_t for_s,
			 uint64_t now_ns)
{
	struct names *n = arg;

	(void)now_ns;
	n->failures++;
	n->failed = *target;
	n->failed_s = for_s;
}

struct seeker {
	struct line l; /* first: it is one */
	struct names names;
};

/* A phone of that user, where its Contact names. */
static void open_at(struct phone *p, struct rig *r, const char *user, const char *contact,
		    const char *source)
{
	phone_open(p, r, user, source);
	(void)snprintf(p->address, sizeof(p->address), "%s", contact);
}

static int seek_setup(void **state)
{
	struct seeker *s = calloc(1, sizeof(*s));
	struct shard_settings settings = rig_settings();

	if (!s)
		return -1;
	settings.lookup = (struct shard_lookup){ &s->names, names_find, names_failed };
	s->names.known.state = LOOKUP_ASK;
	s->l.r = rig_open_with(&settings);
	phone_open(&s->l.a, s->l.r, "1001", "192.0.2.11:5060");
	phone_bind(&s->l.a);
	open_at(&s->l.b, s->l.r, "1002", NAME, "192.0.2.12:5060");
	phone_bind(&s->l.b);
	*state = s;
	return 0;
}

#define SEEK_TEST(fn) cmocka_unit_test_setup_teardown(fn, seek_setup, line_teardown)

/* "192.0.2.21:5060 192.0.2.22:5060" */
static struct lookup_news leads_to(const char *places)
{
	struct lookup_news news = { .state = LOOKUP_DONE };
	struct bytes rest = bytes_str(places), one;

	while (bytes_cut(&rest, ' ', &one))
		assert_int_equal(addr_parse(&news.targets[news.count++].to, one), 0);
	return news;
}

static void tell(struct rig *r, struct lookup_news news)
{
	uint32_t i = (r->lookup_count - 1) % RIG_LOOKUPS_MAX;

	assert_true(r->lookup_count);
	news.serial = r->lookups[i].serial;
	shard_lookup_told(r->shard, r->lookups[i].call, &news, r->now);
	rig_run(r);
}

/* The phone is at that place by now: what it says comes from there. */
static struct bytes rings_at(struct line *l, const char *place)
{
	l->b.addr = rig_addr(place);
	return phone_rings(&l->b);
}

static void call_b(struct line *l)
{
	phone_invite(&l->a, l->b.user, PHONE_SDP_A);
	rig_run(l->r);
}

static void talk_at(struct line *l, const char *place)
{
	struct bytes m = rings_at(l, place);

	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* Nobody waits for the newest one. */
static void assert_stopped(const struct rig *r)
{
	assert_int_equal(r->lookup_stops, 1);
	assert_int_equal(r->lookup_stopped,
			 r->lookups[(r->lookup_count - 1) % RIG_LOOKUPS_MAX].serial);
}

/* The caller's BYE ends it, and nothing is left. */
static void assert_ends(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->settings.lookup.arg != NULL, 1);
}

static void waits(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	assert_string_equal(l->r->lookups[0].host, NAME);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	tell(l->r, leads_to("192.0.2.21:5070 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5070");
	assert_int_equal(l->r->lookup_stops, 0);
	assert_true(bytes_starts(m, "INVITE sip:1002@" NAME " SIP/2.0"));
	assert_true(rig_has(rig_header(m, "From"), "1001@"));
	assert_true(rig_has(rig_header(m, "From"), "\"Phone\""));
	phone_answer(&l->b, m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	s->names.known = leads_to("192.0.2.21:5070 192.0.2.22:5060");
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_ends(l);
	assert_int_equal(l->r->lookup_count, 1);
}

/* The INVITE waits for the record that explains it, as ever. */
static void saved_before_said(void **state)
{
	struct line *l = *state;
	const struct addr to = rig_addr("192.0.2.21:5060");

	call_b(l);
	l->r->hold_saves = true;
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rig_count(l->r, &to, "INVITE "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &to, "INVITE "), 1);
}

/* One save, as to any phone: nothing waits. */
static void known_costs_nothing(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	s->names.known = leads_to("192.0.2.21:5060");
	call_b(l);
	assert_int_equal(l->r->lookup_count, 0);
	assert_int_equal(l->r->save_count, 1);
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

static void numeric_is_not_looked_up(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", "192.0.2.13:5060", "192.0.2.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_int_equal(l->r->lookup_count, 0);
	assert_true(phone_rings(&l->b).n);
}

/* RFC 3327: the first of those on the way is sent to, wherever the phone is; all of them are told. */
static void by_its_path(void **state)
{
	struct line *l = *state;
	struct bytes m;

	open_at(&l->b, l->r, "1003", "10.0.0.7:5060", "192.0.2.13:5060");
	l->b.path = "<sip:" NAME ";lr>, <sip:inner.example.test;lr>";
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	assert_true(bytes_starts(m, "INVITE sip:1003@10.0.0.7:5060 SIP/2.0"));
	assert_true(rig_has(m, "Route: <sip:" NAME ";lr>, <sip:inner.example.test;lr>\r\n"));
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	m = rings_at(l, "192.0.2.22:5060");
	assert_true(rig_has(m, "Route: <sip:" NAME ";lr>, <sip:inner.example.test;lr>\r\n"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* RFC 7118: a browser's Contact. */
static void invalid_is_no_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", "a1b2.invalid", "192.0.2.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_true(phone_rings(&l->b).n);
}

/* A phone is reached at its own host, whatever it calls itself. */
static void who_is_not_trusted_names_nothing(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", NAME, "198.51.100.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_true(phone_rings(&l->b).n);
}

/* RFC 3263 4.3: 503, also with a time. */
static void next_on_503(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060 192.0.2.23:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer_as(&l->b, m, "x", "503 Service Unavailable",
			"Retry-After: 120 (tea);duration=9\r\n", "");
	assert_int_equal(s->names.failures, 1);
	assert_int_equal(s->names.failed_s, 120);
	assert_int_equal(s->names.failed.to.port, 5060);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	m = rings_at(l, "192.0.2.22:5060");
	assert_true(m.n);
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_int_equal(s->names.failed_s, 0);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 5").n, 0);
	talk_at(l, "192.0.2.23:5060");
	assert_int_equal(rig_counts(l->r).ports_free, 98); /* none of those before */
	assert_ends(l);
}

static void next_on_time_out(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	rig_wait_ms(l->r, 32100);
	assert_int_equal(s->names.failures, 1);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

static void next_on_transport_error(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = rig_addr("192.0.2.21:5060") };

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

/* Whoever answers says what counts. */
static void busy_is_an_answer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer(&l->b, m, "486 Busy Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	assert_int_equal(rings_at(l, "192.0.2.22:5060").n, 0);
}

/* 503 is nobody's but of the place (RFC 3261 16.7). */
static void all_fail(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "503 Service Unavailable", "");
	phone_answer(&l->b, rings_at(l, "192.0.2.22:5060"), "503 Service Unavailable", "");
	assert_int_equal(s->names.failures, 2);
	assert_true(phone_hears(&l->a, "SIP/2.0 500").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

/* A kill between two places costs neither the rest of them nor the call. */
static void next_after_restart(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	line_restart(l, line_stored(l));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_int_equal(l->r->lookup_count, 1);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

/* ... to the way that the phone registered. */
static void nothing_leads_back(void **state)
{
	static const enum lookup_state states[] = { LOOKUP_NOTHING, LOOKUP_FAILED, LOOKUP_BAD };
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct bytes m;

		call_b(l);
		assert_int_equal(l->r->lookup_count, i + 1);
		tell(l->r, (struct lookup_news){ .state = states[i] });
		m = rings_at(l, "192.0.2.12:5060");
		assert_true(m.n);
		phone_answer(&l->b, m, "486 Busy Here", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
		phone_ack(&l->a);
	}
	line_assert_idle(l->r);
}

/* What nobody may be sent to is no place, whoever says so. */
static void lies_lead_back(void **state)
{
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("127.0.0.1:5060 192.0.2.1:5060 224.0.0.1:5060"));
	assert_true(rings_at(l, "192.0.2.12:5060").n);
}

static void silence_ends(void **state)
{
	struct line *l = *state;

	call_b(l);
	rig_wait_ms(l->r, SEEK_MS - 100);
	assert_int_equal(rings_at(l, "192.0.2.12:5060").n, 0);
	rig_wait_ms(l->r, 200);
	assert_stopped(l->r);
	talk_at(l, "192.0.2.12:5060");
	tell(l->r, leads_to("192.0.2.21:5060")); /* too late */
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	l->b.addr = rig_addr("192.0.2.12:5060");
	assert_ends(l);
}

static void cancelled(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	assert_stopped(l->r);
	phone_ack(&l->a);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* One call, one look-up, and 100 again. */
static void copies(void **state)
{
	struct line *l = *state;

	call_b(l);
	for (unsigned i = 0; i < 3; i++)
		phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(l->r->lookup_count, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 100"), 4);
}

/* RFC 3261 8.2.2.2: the same request by another way. */
static void merged(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_new_branch(&l->a);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 482").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
}

/* The place that rings hears CANCEL, and no other one an INVITE. */
static void cancelled_at_the_next_place(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060 192.0.2.23:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "503 Service Unavailable", "");
	m = rings_at(l, "192.0.2.22:5060");
	phone_answer(&l->b, m, "180 Ringing", "");
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	phone_answer(&l->b, m, "487 Request Terminated", "");
	assert_int_equal(rings_at(l, "192.0.2.23:5060").n, 0);
	l->b.addr = rig_addr("192.0.2.21:5060");
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* What a place says to an INVITE that is cancelled asks nobody else. */
static void fails_when_cancelled(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	rig_run(l->r);
	assert_int_equal(rings_at(l, "192.0.2.22:5060").n, 0);
	line_assert_idle(l->r);
}

/* A successor asks again, and what the one before was told counts for nothing. */
static void killed(void **state)
{
	struct line *l = *state;
	uint64_t before;

	call_b(l);
	before = l->r->lookups[0].serial;
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->lookup_count, 2);
	assert_int_not_equal(l->r->lookups[1].serial, before);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A); /* a copy */
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls, 1);
	shard_lookup_told(l->r->shard, l->r->lookups[0].call,
			  &(struct lookup_news){ .serial = before, .state = LOOKUP_NOTHING },
			  l->r->now);
	rig_run(l->r);
	assert_int_equal(rings_at(l, "192.0.2.12:5060").n, 0);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

static void killed_then_cancelled(void **state)
{
	struct line *l = *state;

	call_b(l);
	line_restart(l, line_stored(l));
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* Its end is saved before the refusal is said. */
static void cancelled_then_killed(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	line_restart(l, line_stored(l));
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

static void killed_and_silent(void **state)
{
	struct line *l = *state;

	call_b(l);
	line_restart(l, line_stored(l));
	rig_wait_ms(l->r, SEEK_MS + 100);
	talk_at(l, "192.0.2.12:5060");
	assert_ends(l);
}

/* Where the phone registers away meanwhile nobody is there to be asked. */
static void gone_meanwhile(void **state)
{
	struct line *l = *state;

	call_b(l);
	assert_true(shard_extension_delete(l->r->shard, TENANT_DEFAULT, "1002"));
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_ack(&l->a);
	line_assert_cdr(l, 480, 18, ENDED_BY_NODE);
}

/* B has two phones, one at an address: that one rings meanwhile. */
static void bind_two(struct line *l, struct phone *two)
{
	open_at(&two[0], l->r, "1003", NAME, "192.0.2.14:5060");
	phone_open(&two[1], l->r, "1003", "192.0.2.13:5060");
	phones_bind(two, 2);
	l->b = two[0];
}

static void others_ring_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];
	struct bytes m;

	bind_two(l, two);
	call_b(l);
	m = phone_rings(&two[1]);
	assert_true(m.n);
	phone_answer(&two[1], m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_true(rig_take(l->r, &two[1].addr, "CANCEL ").n);
}

static void answered_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	phone_answer(&two[1], phone_rings(&two[1]), "200 OK", PHONE_SDP_B);
	assert_stopped(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(line_last_spec(l->r, 0).alone, 0);
}

static void restart_two(struct line *l, const struct phone *two)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phones_bind((struct phone *)(uintptr_t)two, 2);
	if (shard_restore_call(r->shard, line_stored(l), r->now, &reason))
		fail_msg("restore: %s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* The one that is there is busy: the caller hears that only when the other one cannot be asked. */
static void refused_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	phone_answer(&two[1], phone_rings(&two[1]), "486 Busy Here", "");
	rig_run(l->r);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 486").n, 0);
	restart_two(l, two);
	assert_int_equal(rig_count(l->r, &two[1].addr, "INVITE "), 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "480 Temporarily Unavailable", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 4").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

/* Who rings has his time, whatever becomes of the name. */
static void killed_while_another_rings(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	assert_true(phone_rings(&two[1]).n);
	restart_two(l, two);
	assert_int_equal(l->r->lookup_count, 2);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	phone_answer(&two[1], phone_rings(&two[1]), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* Who rings has rung for long enough, and a successor has just asked again: the call goes on to another, and the name counts no more. */
static void sent_on_in_time(void **state)
{
	struct shard_forward f = { .no_answer = "1002", .rings = 1 };
	struct line *l = *state;
	struct phone two[2], c;

	phone_open(&c, l->r, "1002", "192.0.2.15:5060");
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	bind_two(l, two);
	call_b(l);
	assert_true(phone_rings(&two[1]).n);
	rig_wait_ms(l->r, SEEK_MS - 500);
	restart_two(l, two);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	phone_bind(&c);
	assert_int_equal(l->r->lookup_count, 2);
	rig_wait_ms(l->r, 3500);
	assert_true(phone_rings(&c).n);
	assert_stopped(l->r);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
}

/* Nobody is reached, neither by its name nor by the way that it registered. */
static void goes_on(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = l->b.addr };
	struct shard_forward f = { .unreachable = "1003" };
	struct phone c;
	struct bytes m;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	call_b(l);
	tell(l->r, (struct lookup_news){ .state = LOOKUP_NOTHING });
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	m = phone_rings(&c);
	assert_true(rig_has(m, "Diversion: <sip:1002@"));
	assert_true(rig_has(rig_header(m, "From"), "1001@"));
}

static int deflect(struct line *l, const char *to)
{
	struct call_order o = { .kind = ORDER_DEFLECT, .to = bytes_str(to) };
	int err = shard_call_order(l->r->shard, l->r->lookups[0].call, &o, l->r->now);

	rig_run(l->r);
	return err;
}

/* By command, while it waits: the name counts no more. Where nobody is there it is looked up again. */
static void sent_on(void **state)
{
	struct line *l = *state;
	struct phone c;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	call_b(l);
	assert_int_equal(deflect(l, "1004"), -EHOSTUNREACH);
	assert_int_equal(l->r->lookup_count, 2);
	assert_int_equal(deflect(l, "1003"), 0);
	assert_int_equal(l->r->lookup_stops, 2);
	assert_true(phone_rings(&c).n);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
}

static void sent_on_in_vain(void **state)
{
	struct line *l = *state;

	call_b(l);
	assert_int_equal(deflect(l, "1004"), -EHOSTUNREACH);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

/* Two at one name are one look-up, and each is asked. */
static void two_at_a_name(void **state)
{
	struct line *l = *state;
	const struct addr place = rig_addr("192.0.2.21:5060");
	struct phone two[2];

	open_at(&two[0], l->r, "1003", NAME, "192.0.2.14:5060");
	open_at(&two[1], l->r, "1003", NAME ";x=1", "192.0.2.15:5060");
	phones_bind(two, 2);
	l->b = two[0];
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rig_count(l->r, &place, "INVITE "), 2);
}

/* Forwarded to who is at a name. */
static void comes_from_a_phone(void **state)
{
	struct line *l = *state;
	struct shard_forward f = { .no_answer = "1002", .rings = 1 };
	struct phone c;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	phone_answer(&c, phone_rings(&c), "180 Ringing", "");
	rig_wait_ms(l->r, 6100);
	assert_true(rig_take(l->r, &c.addr, "CANCEL ").n);
	assert_int_equal(l->r->lookup_count, 1);
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->lookup_count, 2);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
}

/* So many wait at once, and no more; who calls for help is one more. */
static void bounded(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	struct phone help;
	uint32_t calls;

	shard_close(r->shard);
	r->settings.calls_max = SEEKS_MAX + 8;
	r->settings.txns_max = 4 * SEEKS_MAX;
	r->settings.networks[0].last_port = 60000;
	r->settings.emergency_count = 1;
	(void)snprintf(r->settings.emergency[0], sizeof(r->settings.emergency[0]), "1003");
	r->rolling = true;
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	open_at(&help, r, "1003", NAME, "192.0.2.13:5060");
	phone_bind(&help);
	for (uint32_t i = 0; i < SEEKS_MAX; i++)
		call_b(l);
	assert_int_equal(rig_counts(r).calls, SEEKS_MAX);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 503"), 0);
	call_b(l);
	assert_int_equal(rig_counts(r).calls, SEEKS_MAX);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 503"), "Retry-After: "));
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	rig_run(r);
	assert_int_equal(rig_counts(r).calls, SEEKS_MAX + 1);
	tell(r,
	     leads_to("192.0.2.21:5060")); /* room for none yet: the one for help was beyond it */
	r->lookup_count--;
	tell(r, leads_to("192.0.2.21:5060"));
	call_b(l);
	assert_int_equal(rig_counts(r).calls, SEEKS_MAX + 2);
	phone_cancel(&l->a); /* who gives up makes room at once */
	rig_run(r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	rig_run(r);
	calls = rig_counts(r).calls;
	call_b(l);
	call_b(l);
	assert_int_equal(rig_counts(r).calls, calls + 1);
	rig_wait_ms(r, SEEK_MS + 100); /* nobody said: each rings by the way that it registered */
	calls = rig_counts(r).calls;
	call_b(l);
	assert_int_equal(rig_counts(r).calls, calls + 1);
}

/* The settings change, names stay. */
static void configured(void **state)
{
	struct line *l = *state;
	struct shard_settings settings = rig_settings();

	shard_configure(l->r->shard, &settings);
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
}

/* What was sent last to that address, and begins so: for whom its certificate must be. */
static const char *named(const struct line *l, const char *place, const char *begin)
{
	const struct addr to = rig_addr(place);
	const struct rig_sent *s = NULL;

	for (uint32_t i = 0; i < l->r->sent_count; i++) {
		if (addr_eq(&l->r->sent[i].hop.remote, &to) &&
		    bytes_starts(text_bytes(&l->r->sent[i].data), begin))
			s = &l->r->sent[i];
	}
	if (!s || s->hop.transport != SIP_TLS)
		return "";
	return hop_names_text(l->r->settings.names, s->hop.name);
}

/* The next process gives names other numbers. */
static void forget_names(struct seeker *s)
{
	hop_names_close(s->names.known_by);
	assert_int_equal(hop_names_open(&s->names.known_by), 0);
	assert_int_equal(hop_names_put(s->names.known_by, BYTES_LIT("another.test")), 1);
	s->l.r->settings.names = s->names.known_by;
}

static struct lookup_news leads_by_tls(const char *places)
{
	struct lookup_news news = leads_to(places);

	for (uint32_t i = 0; i < news.count; i++)
		news.targets[i].transport = SIP_TLS;
	return news;
}

static void speak_tls(struct seeker *s)
{
	struct rig *r = s->l.r;

	shard_close(r->shard);
	assert_int_equal(hop_names_open(&s->names.known_by), 0);
	r->settings.names = s->names.known_by;
	r->settings.locals[1] = r->settings.locals[0];
	r->settings.locals[1].transport = SIP_TLS;
	r->settings.locals[1].bind.port = r->settings.locals[1].advertise.port = 5061;
	r->settings.local_count = 2;
	rig_start_shard(r);
	phone_bind(&s->l.a);
	phone_bind(&s->l.b);
}

/* RFC 5922 7.3: the domain of the URI, not the host of the record or its address; of each place, in each process, and in the dialog. */
static void tls_keeps_the_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	speak_tls(s);
	call_b(l);
	tell(l->r, leads_by_tls("192.0.2.21:5061 192.0.2.22:5061"));
	assert_string_equal(named(l, "192.0.2.21:5061", "INVITE "), NAME);
	forget_names(s);
	line_restart(l, line_stored(l));
	assert_string_equal(named(l, "192.0.2.21:5061", "INVITE "), NAME);
	m = rings_at(l, "192.0.2.21:5061");
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_string_equal(named(l, "192.0.2.22:5061", "INVITE "), NAME);
	s->names.known = leads_by_tls("192.0.2.21:5061 192.0.2.22:5061");
	talk_at(l, "192.0.2.22:5061");
	assert_string_equal(named(l, "192.0.2.22:5061", "ACK "), NAME);
	forget_names(s);
	line_restart(l, line_stored(l));
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_string_equal(named(l, "192.0.2.22:5061", "BYE "), NAME);
	hop_names_close(s->names.known_by);
}

/* A certificate that is not for the name: the next place is asked at once. What is under way to others at that address goes on. */
static void tls_refused_by_its_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct sip_hop hop = { .transport = SIP_TLS, .remote = rig_addr("192.0.2.21:5061") };

	speak_tls(s);
	call_b(l);
	tell(l->r, leads_by_tls("192.0.2.21:5061 192.0.2.22:5061"));
	hop.name = hop_names_put(s->names.known_by, BYTES_LIT("another.test"));
	shard_send_failed(l->r->shard, &hop, EKEYREJECTED, l->r->now);
	rig_run(l->r);
	assert_int_equal(s->names.failures, 0);
	hop.name = hop_names_put(s->names.known_by, BYTES_LIT(NAME));
	shard_send_failed(l->r->shard, &hop, EKEYREJECTED, l->r->now);
	rig_run(l->r);
	assert_int_equal(s->names.failures, 1);
	talk_at(l, "192.0.2.22:5061");
	hop_names_close(s->names.known_by);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEK_TEST(waits),
		SEEK_TEST(saved_before_said),
		SEEK_TEST(known_costs_nothing),
		SEEK_TEST(numeric_is_not_looked_up),
		SEEK_TEST(by_its_path),
		SEEK_TEST(invalid_is_no_name),
		SEEK_TEST(who_is_not_trusted_names_nothing),
		SEEK_TEST(next_on_503),
		SEEK_TEST(next_on_time_out),
		SEEK_TEST(next_on_transport_error),
		SEEK_TEST(busy_is_an_answer),
		SEEK_TEST(all_fail),
		SEEK_TEST(next_after_restart),
		SEEK_TEST(nothing_leads_back),
		SEEK_TEST(lies_lead_back),
		SEEK_TEST(tls_keeps_the_name),
		SEEK_TEST(tls_refused_by_its_name),
		SEEK_TEST(silence_ends),
		SEEK_TEST(cancelled),
		SEEK_TEST(cancelled_at_the_next_place),
		SEEK_TEST(fails_when_cancelled),
		SEEK_TEST(merged),
		SEEK_TEST(copies),
		SEEK_TEST(killed),
		SEEK_TEST(killed_then_cancelled),
		SEEK_TEST(cancelled_then_killed),
		SEEK_TEST(killed_and_silent),
		SEEK_TEST(gone_meanwhile),
		SEEK_TEST(others_ring_meanwhile),
		SEEK_TEST(answered_meanwhile),
		SEEK_TEST(refused_meanwhile),
		SEEK_TEST(killed_while_another_rings),
		SEEK_TEST(sent_on_in_time),
		SEEK_TEST(goes_on),
		SEEK_TEST(sent_on),
		SEEK_TEST(sent_on_in_vain),
		SEEK_TEST(two_at_a_name),
		SEEK_TEST(comes_from_a_phone),
		SEEK_TEST(bounded),
		SEEK_TEST(configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
