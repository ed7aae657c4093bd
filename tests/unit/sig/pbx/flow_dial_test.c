/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: whom it rings, in which order, and what a caller that is up already has of it. */
#include "sig/call/resolve.h"
#include "sig/host/groups.h"
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

/* Two phones ring for a caller that is up; where nobody answers "no" is played. */
#define UP(more)                                                                \
	"{\"name\":\"main\",\"start\":\"up\",\"steps\":{"                       \
	"\"up\":{\"answer\":{},\"next\":\"a\"},"                                \
	"\"a\":{\"dial\":{\"to\":[\"1002\",\"1004\"]" more "},\"busy\":\"no\"," \
	"\"no_answer\":\"no\",\"rejected\":\"no\",\"failed\":\"bad\"},"         \
	"\"no\":{\"play\":[\"no\"]},\"bad\":{\"play\":[\"bad\"]}}}"

static void rings_up(struct trio *t, const char *flow)
{
	call_flow(&t->l, flow);
	is_answered(&t->l);
}

static void test_together_up(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	rings_up(t, UP(""));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(t->l.r);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "CANCEL ").n);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	rig_run(t->l.r);
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(t->l.r);
	trio_assert_left(&t->c);
	line_assert_idle(t->l.r);
	assert_string_equal(t->l.r->cdrs[0].facts.missed, "");
	assert_string_equal(t->l.r->cdrs[0].facts.answered_by, ""); /* the node */
	assert_string_equal(t->l.r->cdrs[1].facts.answered_by, "1004");
	assert_string_equal(t->l.r->cdrs[1].to, "1004");
}

static const struct sig_event *told(const struct rig *r, enum sig_event_kind kind)
{
	for (uint32_t i = 0; i < r->event_count; i++) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	fail_msg("no event %d", kind);
	return NULL;
}

/* Who answered is named, over a kill, and nobody before. */
static void test_who_answered(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct call_view view;
	uint32_t cursor = 0;

	call_flow(&t->l, "[{\"dial\":[\"1002\",\"1004\"]}]");
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	assert_true(shard_call_view(r->shard, first_call(r), &view));
	assert_string_equal(view.answered_by, "");
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(r);
	is_answered(&t->l);
	assert_string_equal(event_str(told(r, SIG_CALL_ANSWERED), EV_FACT_answered_by), "1004");
	assert_string_equal(event_str(told(r, SIG_CALL_ANSWERED), EV_TO), "700");
	trio_restart(t);
	assert_true(shard_call_next(r->shard, &cursor, &view));
	assert_string_equal(view.answered_by, "1004");
	phone_request(&t->c, "BYE", "", "");
	rig_run(r);
	trio_assert_left(&t->l.a);
	rig_wait_ms(r, 40000);
	assert_int_equal(r->cdr_count, 1);
	assert_string_equal(event_str(told(r, SIG_CALL_ENDED), EV_FACT_answered_by), "1004");
	assert_string_equal(r->cdrs[0].facts.answered_by, "1004");
	assert_string_equal(r->cdrs[0].to, "700");
}

static void test_nobody_up(void **state)
{
	struct trio *t = *state;

	rings_up(t, UP(",\"how\":\"together\",\"ring_s\":9"));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	rig_wait_ms(t->l.r, 8900);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "CANCEL "), 0);
	rig_wait_ms(t->l.r, 200);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "CANCEL ").n);
	assert_true(plays(&t->l, "prompt:no"));
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(t->l.r);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	rig_wait_ms(t->l.r, 200);
	assert_true(t->l.r->cdr_count > 1);
	for (size_t i = 0; i < t->l.r->cdr_count; i++)
		assert_string_equal(t->l.r->cdrs[i].facts.missed, i ? "" : "1002,1004");
}

/* Each first as often, and the order that was made holds in the next process. */
static void test_random(void **state)
{
	struct trio *t = *state;
	unsigned first = 0;

	for (unsigned i = 0; i < 24; i++) {
		struct phone *p, *other;
		bool b;

		call_flow(&t->l, "[{\"dial\":{\"to\":[\"1002\",\"1004\"],\"how\":\"random\"}}]");
		b = phone_rings(&t->l.b).n != 0;
		first += b;
		p = b ? &t->l.b : &t->c;
		other = b ? &t->c : &t->l.b;
		if (!b)
			assert_true(phone_rings(&t->c).n);
		phone_answer(p, p->invite, "486 Busy Here", "");
		rig_run(t->l.r);
		assert_true(phone_rings(other).n);
		phone_answer(other, other->invite, "486 Busy Here", "");
		rig_run(t->l.r);
		assert_true(phone_hears(&t->l.a, "SIP/2.0 486").n);
		phone_write(&t->l.a, "ACK", "", "");
		rig_run(t->l.r);
	}
	assert_in_range(first, 3, 21);
}

/* Who has nearly all the weight is nearly always first. */
static void test_weighted(void **state)
{
	struct trio *t = *state;
	struct ring_group g = { .tenant = TENANT_DEFAULT, .name = "sales" };

	assert_null(group_members_parse(&g, BYTES_LIT("1002:1,1004:100")));
	assert_int_equal(groups_put(t->l.r->shard->shared_tables->groups, &g), 0);
	for (unsigned i = 0, first = 0; i < 24; i++) {
		call_flow(&t->l, "[{\"dial\":{\"to\":\"group:sales\",\"how\":\"weighted\"}}]");
		if (phone_rings(&t->c).n) {
			first++;
			phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
			rig_run(t->l.r);
		}
		assert_true(phone_rings(&t->l.b).n);
		phone_answer(&t->l.b, t->l.b.invite, "486 Busy Here", "");
		rig_run(t->l.r);
		if (phone_rings(&t->c).n) {
			phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
			rig_run(t->l.r);
		}
		assert_true(phone_hears(&t->l.a, "SIP/2.0 486").n);
		phone_write(&t->l.a, "ACK", "", "");
		rig_run(t->l.r);
		assert_true(i < 23 || first > 20);
	}
}

/* What the store has of the i-th of what was asked last. "": nothing. */
static void kept_has(struct line *l, uint32_t from, const char *value)
{
	const struct rig_kept *asked = &l->r->kept[from];

	rig_reply(l->r, (struct reply){ .ask = ASK_KV,
					.of = asked->call,
					.kept = { .serial = asked->serial,
						  .result = value[0] ? KV_OK : KV_NONE,
						  .value = bytes_str(value) } });
	rig_run(l->r);
}

#define BOTH(more) \
	"{\"start\":\"a\",\"steps\":{\"a\":{\"dial\":{\"to\":[\"1002\",\"1004\"]" more "}}}}"

static const struct rig_kept *kept_last(const struct line *l)
{
	return &l->r->kept[l->r->kept_count - 1];
}

/* It begins behind who was first, which all nodes know. */
static void test_rotating(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	call_flow(l, BOTH(",\"how\":\"rotating\""));
	assert_int_equal(l->r->kept_count, 1);
	assert_string_equal(l->r->kept[0].user, "main/a");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	kept_has(l, 0, "1002");
	assert_true(phone_rings(&t->c).n);
	assert_int_equal(kept_last(l)->what, KV_TURN);
	assert_string_equal(kept_last(l)->value, "1004");
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	rig_run(l->r);
	assert_true(phone_rings(&l->b).n);
}

/* The store says nothing: it begins with the first. */
static void test_rotating_late(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, BOTH(",\"how\":\"rotating\""));
	rig_wait_ms(t->l.r, 450);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "INVITE "), 0);
	rig_wait_ms(t->l.r, 100);
	assert_true(phone_rings(&t->l.b).n);
	kept_has(&t->l, 0, "1002"); /* too late */
}

/* Who has spoken later is rung later; when is kept at the end of the call. */
static void test_longest_idle(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	call_flow(l, BOTH(",\"how\":\"longest_idle\",\"limit_s\":30"));
	assert_int_equal(l->r->kept_count, 2);
	kept_has(l, 0, "2000");
	assert_int_equal(rig_count(l->r, &t->c.addr, "INVITE "), 0);
	line_restart(l, line_stored(l)); /* another process asks again */
	phone_bind(&t->c);
	put_flow(l->r, BOTH(",\"how\":\"longest_idle\",\"limit_s\":30"));
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	kept_has(l, l->r->kept_count - 2, "2000");
	kept_has(l, l->r->kept_count - 1, "1999");
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	is_answered(l);
	rig_wait_ms(l->r, 29900);
	assert_int_equal(rig_count(l->r, &t->c.addr, "BYE "), 0);
	rig_wait_ms(l->r, 200);
	trio_assert_left(&t->c);
	trio_assert_left(&l->a);
	assert_int_equal(kept_last(l)->what, KV_SPOKE);
	assert_string_equal(kept_last(l)->user, "1004");
	assert_true(strlen(kept_last(l)->value) > 8);
}

static void test_skip_busy(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.b, &t->c);
	call_flow(&t->l, BOTH(",\"skip_busy\":true"));
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "INVITE "), 0);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 486").n);
}

/* Its caller, who was never answered, hears why, and so does the record. */
static void test_nobody(void **state)
{
	static const struct {
		const char *status, *caller;
		enum call_cause cause;
	} cases[] = {
		{ "486 Busy Here", "SIP/2.0 486", CAUSE_REFUSED },
		{ "603 Decline", "SIP/2.0 480", CAUSE_REFUSED },
		{ "500 Server Internal Error", "SIP/2.0 480", CAUSE_UNREACHABLE },
		{ NULL, "SIP/2.0 480", CAUSE_NO_ANSWER },
	};
	static const char dial[] = "{\"dial\":{\"to\":[\"1002\"],\"ring_s\":2}}",
			  *const behind[] = {
				  "", ",{\"hangup\":{}}",
				  ",{\"set\":{\"a\":\"1\"}},{\"pause\":0.1}",
				  ",{\"pause\":0.1},{\"hangup\":{\"reason\":\"bye\"}}"
			  };
	struct trio *t = *state;
	char flow[160];

	for (size_t i = 0; i < COUNT_OF(cases) * COUNT_OF(behind); i++) {
		(void)snprintf(flow, sizeof(flow), "[%s%s]", dial, behind[i / COUNT_OF(cases)]);
		call_flow(&t->l, flow);
		assert_true(phone_rings(&t->l.b).n);
		phone_answer(&t->l.b, t->l.b.invite,
			     cases[i % COUNT_OF(cases)].status ? cases[i % COUNT_OF(cases)].status
							       : "180 Ringing",
			     "");
		rig_wait_ms(t->l.r, cases[i % COUNT_OF(cases)].status ? 0 : 2500);
		if (!cases[i % COUNT_OF(cases)].status)
			phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
		rig_wait_ms(t->l.r, 200);
		assert_true(phone_hears(&t->l.a, cases[i % COUNT_OF(cases)].caller).n);
		phone_write(&t->l.a, "ACK", "", "");
		rig_run(t->l.r);
		assert_string_equal(t->l.r->cdrs[t->l.r->cdr_count - 1].reason,
				    call_cause_text(cases[i % COUNT_OF(cases)].cause));
		assert_string_equal(t->l.r->cdrs[t->l.r->cdr_count - 1].facts.missed, "1002");
	}
}

/* Whoever is rung for one of several targets hears of that one alone, and not of the flow's number (RFC 7044). */
static void test_forwarded(void **state)
{
	struct trio *t = *state;
	struct shard_forward f = { .busy = "1004" };
	struct bytes m;

	assert_int_equal(shard_forward_set(t->l.r->shard, TENANT_DEFAULT, "1002", &f), 0);
	call_flow(&t->l, "[{\"dial\":\"1002\"}]");
	m = phone_rings(&t->l.b);
	assert_true(m.n);
	phone_answer(&t->l.b, m, "486 Busy Here", "");
	m = phone_rings(&t->c);
	assert_true(m.n);
	assert_true(rig_has(m, "History-Info: <sip:1002@"));
	assert_true(rig_has(m, "Reason=SIP%3Bcause%3D486>;index=1, <sip:1004@"));
	assert_true(rig_has(m, ">;index=1.1;mp=1\r\n"));
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	t->l.a.remote_tag[0] = '\0';
	phone_cancel(&t->l.a);
	phone_write(&t->l.a, "ACK", "", "");
	phone_answer(&t->c, rig_take(t->l.r, &t->c.addr, "CANCEL "), "200 OK", "");
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	rig_wait_ms(t->l.r, 200);
	assert_int_equal(t->l.r->cdr_count, 1);
	assert_string_equal(t->l.r->cdrs[0].facts.missed, "1002,1004"); /* the forward's, too */
}

/* The caller leaves while a flow takes it: the flow goes on. */
static void test_picked_up_and_left(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	put_flow(r, "{\"name\":\"main\",\"start\":\"a\",\"steps\":{\"a\":{\"pickup\":\"1002\","
		    "\"none\":\"none\",\"failed\":\"bad\"},\"none\":{\"play\":[\"none\"]},"
		    "\"bad\":{\"play\":[\"bad\"]}}}");
	phone_invite(&t->c, "700", PHONE_SDP_B);
	rig_run(r);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	phone_ack(&t->c);
	rig_wait_ms(r, 100);
	assert_true(rig_take(r, &t->l.b.addr, "CANCEL ").n);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_request(&t->l.a, "BYE", "", "");
	rig_wait_ms(r, 100);
	assert_int_equal(rig_count(r, &t->c.addr, "BYE "), 0);
	assert_true(plays(&t->l, "prompt:none"));
}

/* ---- members ---- */

/* 86 leads to a flow that answers at once, as a mailbox does; calls of the extension go there. */
static void has_a_box(struct rig *r, const char *number, const struct shard_forward *f)
{
	put_program(r, "box", "[{\"play\":[\"box\"]}]");
	assert_int_equal(programs_number_put(r->shard->shared_tables->programs,
					     BYTES_LIT("default"), BYTES_LIT("86"),
					     BYTES_LIT("box")),
			 0);
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, number, f), 0);
}

/* Who is called alone is called as by a phone; of several a mailbox takes the call where the flow says so alone. */
static void test_box_of_a_member(void **state)
{
	static const struct shard_forward ways[] = {
		{ .always = "86" },
		{ .busy = "86", .do_not_disturb = true },
		{ .unreachable = "86" },
	};
	static const struct {
		const char *flow;
		bool takes;
	} cases[] = {
		{ "[{\"dial\":[\"1003\",\"1004\"]}]", false },
		{ "[{\"dial\":{\"to\":[\"1003\",\"1004\"],\"how\":\"in_turn\"}}]", false },
		{ "[{\"dial\":{\"to\":[\"1003\",\"1004\"],\"forwards\":true}}]", true },
		{ "[{\"dial\":\"1003\"}]", true },
	};
	struct trio *t = *state;
	struct rig *r = t->l.r;

	for (size_t i = 0; i < COUNT_OF(ways) * COUNT_OF(cases); i++) {
		has_a_box(r, "1003", &ways[i / COUNT_OF(cases)]);
		call_flow(&t->l, cases[i % COUNT_OF(cases)].flow);
		if (!cases[i % COUNT_OF(cases)].takes) {
			assert_true(phone_rings(&t->c).n);
			phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
			rig_run(r);
			assert_true(phone_hears(&t->l.a, "SIP/2.0 4").n);
			phone_write(&t->l.a, "ACK", "", "");
			rig_wait_ms(r, 40000);
			continue;
		}
		is_answered(&t->l);
		assert_true(plays(&t->l, "prompt:box"));
		phone_request(&t->l.a, "BYE", "", "");
		rig_wait_ms(r, 40000);
		(void)rig_take(r, &t->c.addr, "INVITE ");
	}
}

/* Neither his mailbox nor his colleague has the call of all when he does not answer. */
static void rings_on(struct trio *t, const struct shard_forward *f)
{
	struct rig *r = t->l.r;

	has_a_box(r, "1004", f);
	call_flow(&t->l, BOTH(""));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	rig_wait_ms(r, 20000);
	assert_int_equal(rig_count(r, &t->l.b.addr, "CANCEL "), 0);
	assert_int_equal(rig_count(r, &t->c.addr, "CANCEL "), 0);
}

static void test_rings_and_box(void **state)
{
	const struct shard_forward f = { .no_answer = "86", .rings = 1 };

	rings_on(*state, &f);
}

static void test_rings_and_colleague(void **state)
{
	const struct shard_forward f = { .no_answer = "1003", .rings = 1 };

	rings_on(*state, &f);
}

static void test_declined(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	call_flow(&t->l, BOTH(""));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	phone_answer(&t->l.b, t->l.b.invite, "603 Decline", "");
	rig_run(r);
	assert_int_equal(rig_count(r, &t->c.addr, "CANCEL "), 0);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(r);
	is_answered(&t->l);
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(r);
	trio_assert_left(&t->c);
	rig_wait_ms(r, 2000);
	call_flow(&t->l, BOTH(",\"decline_ends\":true"));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	phone_answer(&t->l.b, t->l.b.invite, "603 Decline", "");
	rig_run(r);
	assert_true(rig_take(r, &t->c.addr, "CANCEL ").n);
}

/* ---- where other nodes may know of more phones ---- */

/* Nothing was heard of anybody for long enough. */
static void others_are_there(struct trio *t)
{
	struct rig *r = t->l.r;

	(void)snprintf(r->node, sizeof(r->node), "n1");
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&t->l.a);
	phone_bind(&t->l.b);
	phone_bind(&t->c);
	rig_wait_ms(r, 2000);
}

/* The store's answer about that user: what is known here is all that there is. */
static void looked_up(struct rig *r, const char *user)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (r->saves[i].kind == EFFECT_BINDING_GET && !r->saves[i].answered &&
		    bytes_is(text_bytes(&r->saves[i].user), user)) {
			rig_answer(r, i, true);
			rig_run(r);
			return;
		}
	}
	fail_msg("%s is not looked up", user);
}

/* Calls are saved at once, and look-ups are answered by looked_up alone. */
static void late_store(struct rig *r)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (r->saves[i].kind != EFFECT_BINDING_GET)
			rig_answer(r, i, true);
	}
	rig_run(r);
}

static void begin_late(struct trio *t, const char *flow)
{
	others_are_there(t);
	t->l.r->hold_saves = true;
	call_flow(&t->l, flow);
	for (unsigned i = 0; i < 4; i++)
		late_store(t->l.r);
}

static void test_looked_up_together(void **state)
{
	struct trio *t = *state;

	others_are_there(t);
	call_flow(&t->l, BOTH(""));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	rig_run(t->l.r);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	is_answered(&t->l);
}

/* Whoever is known rings, in whatever order the answers come. */
static void test_answers_late(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	begin_late(t, BOTH(""));
	assert_int_equal(rig_count(r, &t->l.b.addr, "INVITE "), 0);
	looked_up(r, "1004");
	late_store(r);
	assert_true(phone_rings(&t->c).n);
	assert_int_equal(rig_count(r, &t->l.b.addr, "INVITE "), 0);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	late_store(r);
	assert_int_equal(phone_hears(&t->l.a, "SIP/2.0 4").n, 0);
	looked_up(r, "1002");
	late_store(r);
	assert_true(phone_rings(&t->l.b).n);
}

/* No answer at all: both ring where they are known to be, and none of them before its time is over. */
static void test_no_answers(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	begin_late(t, BOTH(""));
	rig_wait_ms(r, RESOLVE_MS - 200);
	assert_int_equal(rig_count(r, &t->l.b.addr, "INVITE "), 0);
	rig_wait_ms(r, 300);
	late_store(r);
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
}

/* The next process asks again for all that the one before waited for. */
static void test_looked_up_after_a_kill(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	begin_late(t, BOTH(""));
	for (uint32_t i = 0; i < r->save_count; i++)
		r->saves[i].answered = true; /* it is told to nobody any more */
	r->hold_saves = false;
	trio_restart(t);
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
}

/* One has no phone: his calls go on beside who rings. Who has nobody at all is as one who is known to have none. */
static void test_no_phone(void **state)
{
	struct shard_forward f = { .unreachable = "1004" };
	struct trio *t = *state;
	struct rig *r = t->l.r;

	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1003", &f), 0);
	others_are_there(t);
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1003", &f), 0);
	call_flow(&t->l, "[{\"dial\":[\"1003\",\"1002\"]}]");
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->l.b, t->l.b.invite, "486 Busy Here", "");
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	rig_run(r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 486").n);
	phone_write(&t->l.a, "ACK", "", "");
	rig_wait_ms(r, 2000);
	f.unreachable[0] = '\0';
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1003", &f), 0);
	call_flow(&t->l,
		  "{\"start\":\"a\",\"steps\":{\"a\":{\"dial\":\"1003\",\"busy\":\"no\","
		  "\"no_answer\":\"no\",\"failed\":\"bad\"},\"no\":{\"reject\":{\"status\":486}},"
		  "\"bad\":{\"reject\":{\"status\":404}}}}");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 404").n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIO_TEST(test_together_up),
		TRIO_TEST(test_nobody_up),
		TRIO_TEST(test_random),
		TRIO_TEST(test_weighted),
		TRIO_TEST(test_rotating),
		TRIO_TEST(test_rotating_late),
		TRIO_TEST(test_longest_idle),
		TRIO_TEST(test_skip_busy),
		TRIO_TEST(test_nobody),
		TRIO_TEST(test_forwarded),
		TRIO_TEST(test_picked_up_and_left),
		TRIO_TEST(test_who_answered),
		TRIO_TEST(test_box_of_a_member),
		TRIO_TEST(test_rings_and_box),
		TRIO_TEST(test_rings_and_colleague),
		TRIO_TEST(test_declined),
		TRIO_TEST(test_looked_up_together),
		TRIO_TEST(test_answers_late),
		TRIO_TEST(test_no_answers),
		TRIO_TEST(test_looked_up_after_a_kill),
		TRIO_TEST(test_no_phone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
