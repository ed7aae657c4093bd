/* SPDX-License-Identifier: Apache-2.0 */
/* A party is given to whom its transferor has in a call of another shard (docs/adr/0009). */

#include "sig/call.pb-c.h"
#include "sig/model/call.h"
#include "sig/record/call_record.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/far.h"
#include "tests/unit/sig/joins.h"

#define HOLD_A                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HOLD_B                                                                        \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_A                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"
#define HELD_C                                                                        \
	"v=0\r\no=c 1 2 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"

static void b_calls_c(struct far *f)
{
	phone_invite(&f->second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&f->near.c).n);
	phone_answer(&f->near.c, f->near.c.invite, "200 OK", SDP_C);
	assert_true(phone_hears(&f->second, "SIP/2.0 200").n);
	phone_ack(&f->second);
	assert_true(rig_take(f->other, &f->near.c.addr, "ACK ").n);
}

/* B speaks with A here, and with C on the other shard. */
static void two_calls(struct far *f)
{
	phones_talk(&f->near.l.a, &f->near.l.b);
	b_calls_c(f);
}

/* The party of that dialog is given to whom the other one is with. */
static void refer_between(struct far *f, struct phone *from, const struct phone *with)
{
	char to[512];

	(void)snprintf(to, sizeof(to), "sip:1004@%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       phone_domain(from), with->call_id, with->remote_tag, with->tag);
	refer(from, to);
	far_run(f);
}

static void refer_to(struct far *f)
{
	refer_between(f, &f->near.l.b, &f->second);
}

static void answer_all(struct far *f, struct rig *r, struct phone *p, const char *method,
		       const char *sdp)
{
	struct bytes m;

	while ((m = rig_take(r, &p->addr, method)).n) {
		phone_answer(p, m, "200 OK", sdp);
		far_run(f);
	}
}

/* Whoever is asked again says what it has, and B takes what it is told. */
static void settle_for(struct far *f, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += 100) {
		far_wait_ms(f, 100);
		answer_all(f, f->near.l.r, &f->near.l.a, "INVITE ", PHONE_SDP_A);
		answer_all(f, f->other, &f->near.c, "INVITE ", SDP_C);
	}
}

static void settle(struct far *f)
{
	settle_for(f, 800);
}

/* A and C speak with each other over both shards. */
static void assert_talks(struct far *f)
{
	struct flow_spec here, there;

	assert_int_equal(rig_counts(f->near.l.r).calls, 1);
	assert_int_equal(rig_counts(f->other).calls, 1);
	trio_assert_talks(f->near.l.r, 0, 2);
	trio_assert_talks(f->other, 1, 2);
	here = line_last_spec(f->near.l.r, 2);
	there = line_last_spec(f->other, 2);
	assert_int_equal(here.own + there.own, 2);
	assert_int_equal(here.remote_rtp.port, there.local_rtp.port);
	assert_int_equal(there.remote_rtp.port, here.local_rtp.port);
	assert_int_equal(line_last_spec(f->near.l.r, 0).own, 0);
	assert_int_equal(line_last_spec(f->near.l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(f->other, 1).remote_rtp.port, 6000);
}

static void leaves(struct far *f, struct phone *p)
{
	trio_assert_left(p);
	far_run(f);
}

static void assert_ends(struct far *f, struct phone *p, struct phone *other)
{
	phone_request(p, "BYE", "", "");
	far_run(f);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	leaves(f, other);
	far_wait_ms(f, 40000);
	line_assert_idle(f->near.l.r);
	line_assert_idle(f->other);
}

static void attended(void **state)
{
	struct far *f = *state;

	two_calls(f);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_notified(&f->near.l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	settle(f);
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	leaves(f, &f->second);
	leaves(f, &f->near.l.b);
	settle(f);
	assert_talks(f);
	assert_ends(f, &f->near.c, &f->near.l.a);
}

static struct call *only_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return shard_call_find(r->shard, view.call);
}

/* What was asked of either party is known in both shards; each keeps what it has of a tag (IVR-04). */
static void data_goes_along(void **state)
{
	struct far *f = *state;

	two_calls(f);
	assert_int_equal(call_data_set(only_call(f->near.l.r), BYTES_LIT("Case.Number"),
				       BYTES_LIT("1234")),
			 0);
	assert_int_equal(
		call_data_set(only_call(f->near.l.r), BYTES_LIT("Case.Both"), BYTES_LIT("1")), 0);
	assert_int_equal(
		call_data_set(only_call(f->other), BYTES_LIT("Case.Pin"), BYTES_LIT("*#A0")), 0);
	assert_int_equal(call_data_set(only_call(f->other), BYTES_LIT("Case.Both"), BYTES_LIT("2")),
			 0);
	refer_to(f);
	settle(f);
	settle(f);
	assert_talks(f);
	assert_string_equal(text_str(&only_call(f->near.l.r)->data),
			    "Case.Number=1234;Case.Both=1;Case.Pin=*#A0");
	assert_string_equal(text_str(&only_call(f->other)->data),
			    "Case.Pin=*#A0;Case.Both=2;Case.Number=1234");
}

/* B has heard how it ended, and is out of both calls. */
static void let_b_go(struct far *f)
{
	for (int i = 0; i < 4; i++) {
		answer_all(f, f->near.l.r, &f->near.l.b, "NOTIFY ", "");
		answer_all(f, f->near.l.r, &f->near.l.b, "BYE ", "");
		answer_all(f, f->other, &f->second, "BYE ", "");
		settle(f);
	}
}

static void transferred(struct far *f)
{
	two_calls(f);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	settle_for(f, 5000);
	let_b_go(f);
	assert_talks(f);
	assert_true(rig_count(f->near.l.r, &f->near.l.b.addr, "NOTIFY ") >= 2);
}

/* Any one message between the shards is lost: it is said again. */
static void attended_with_losses(void **state)
{
	struct far *f = *state;
	uint32_t messages;

	transferred(f);
	messages = f->passed;
	assert_in_range(messages, 4, 40);
	for (uint32_t i = 1; i <= messages; i++) {
		assert_int_equal(far_teardown(state), 0);
		assert_int_equal(far_setup(state), 0);
		f = *state;
		f->lost = i;
		transferred(f);
		assert_ends(f, i % 2 ? &f->near.c : &f->near.l.a,
			    i % 2 ? &f->near.l.a : &f->near.c);
	}
}

/* The process is killed in place of any message. */
static void attended_with_kills(void **state)
{
	struct far *f = *state;
	uint32_t messages;

	transferred(f);
	messages = f->passed;
	for (uint32_t i = 1; i <= messages; i++) {
		assert_int_equal(far_teardown(state), 0);
		assert_int_equal(far_setup(state), 0);
		f = *state;
		f->lost = i;
		f->dies = true;
		transferred(f);
		assert_ends(f, i % 2 ? &f->near.c : &f->near.l.a,
			    i % 2 ? &f->near.l.a : &f->near.c);
	}
}

/* It waits for an INVITE that is open, and over a kill. */
static void while_an_invite_is_open(void **state)
{
	struct far *f = *state;
	struct bytes m;

	two_calls(f);
	phone_request(&f->near.l.b, "INVITE", "", HOLD_B);
	assert_true(rig_take(f->near.l.r, &f->near.l.a.addr, "INVITE ").n);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_int_equal(f->passed, 0);
	far_restart(f);
	m = rig_take(f->near.l.r, &f->near.l.a.addr, "INVITE ");
	phone_answer(&f->near.l.a, m, "200 OK", HELD_A);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 200").n);
	f->near.l.b.cseq--; /* it is before that of its REFER */
	phone_ack(&f->near.l.b);
	f->near.l.b.cseq++;
	settle_for(f, 5000);
	let_b_go(f);
	assert_talks(f);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

/* What one party does in the session reaches the other one. */
static void hold_across(void **state)
{
	struct far *f = *state;
	struct bytes m;

	transferred(f);
	phone_request(&f->near.l.a, "INVITE", "", HOLD_A);
	far_run(f);
	m = rig_take(f->other, &f->near.c.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&f->near.c, m, "200 OK", HELD_C);
	far_run(f);
	m = phone_hears(&f->near.l.a, "SIP/2.0 200");
	assert_true(rig_has(m, "a=recvonly\r\n"));
	phone_ack(&f->near.l.a);
	far_run(f);
	assert_int_equal(line_last_spec(f->other, 1).receive, 0); /* of C nothing is expected */
	far_restart(f);
	settle(f);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

/* What is said between the two is of either one's call. */
static void whose_a_message_is(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	uint64_t here, there;
	uint32_t first, n = 0;

	transferred(f);
	here = call_at(r, 0);
	there = call_at(f->other, 0);
	first = r->sent_count;
	phone_request(&f->near.l.a, "INVITE", "", HOLD_A);
	for (uint32_t i = first; i < r->sent_count; i++) {
		struct bytes text = text_bytes(&r->sent[i].data);

		if (r->sent[i].hop.transport != SIP_INTER_SHARD)
			continue;
		n++;
		assert_true(shard_message_call(r->shard, text) == here);
		assert_true(shard_message_call(f->other->shard, text) == there);
	}
	assert_int_equal(n, 1);
}

/* Two records, each with a way to the other shard, which older programs do not know. */
static void formats(void **state)
{
	struct far *f = *state;
	Tandem__Call__Call *in;
	struct bytes record;

	transferred(f);
	record = text_bytes(&rig_record(f->near.l.r)->record);
	in = tandem__call__call__unpack(NULL, record.n, record.p);
	assert_non_null(in);
	assert_int_equal(in->format, CALL_RECORD_INTER_SHARD);
	tandem__call__call__free_unpacked(in, NULL);
}

static void goes_on_as_before(struct far *f, const char *fragment)
{
	settle(f);
	assert_notified(&f->near.l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_notified(&f->near.l.b, fragment, "terminated;reason=noresource");
	settle(f);
	assert_int_equal(rig_counts(f->near.l.r).calls_established, 1);
	trio_assert_talks(f->near.l.r, 0, 1);
	trio_assert_ends(&f->near, &f->near.l.b, &f->near.l.a);
}

/* Nobody takes a stranger's place. */
static void of_a_stranger(void **state)
{
	struct far *f = *state;

	two_calls(f);
	(void)snprintf(f->second.call_id, sizeof(f->second.call_id), "%s", f->near.c.call_id);
	(void)snprintf(f->second.remote_tag, sizeof(f->second.remote_tag), "%s",
		       f->near.c.remote_tag);
	(void)snprintf(f->second.tag, sizeof(f->second.tag), "%s", f->near.c.tag);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	goes_on_as_before(f, "SIP/2.0 403 Forbidden\r\n");
	assert_int_equal(rig_counts(f->other).calls_established, 1);
}

static void which_is_over(void **state)
{
	struct far *f = *state;

	two_calls(f);
	phone_request(&f->second, "BYE", "", "");
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	goes_on_as_before(f, "SIP/2.0 603 Decline\r\n");
}

/* ---- tenants ---- */

static const char *const g_numbers[] = { "1001", "1002", "1004" };

static void tenant_open(struct rig *r, struct tenants *all)
{
	r->settings.tenants = all;
	shard_close(r->shard);
	rig_start_shard(r);
	for (size_t i = 0; i < COUNT_OF(g_numbers); i++) {
		struct shard_extension e = rig_extension(g_numbers[i], false);

		e.tenant = tenants_find(all, BYTES_LIT("acme"));
		assert_int_equal(shard_extension_put(r->shard, &e), 0);
	}
}

/* Both shards know the tenant acme, which has the same numbers. */
static struct tenants *tenants_of_both(struct far *f)
{
	static const struct hash_key key = { 1, 2 };
	struct tenant_settings set = { .name = "acme",
				       .domain_count = 1,
				       .domains = { "acme.example" } };
	struct tenants *all;
	uint16_t number;

	assert_int_equal(tenants_open(&all, &key), 0);
	assert_int_equal(tenants_put(all, &set, &number), 0);
	tenant_open(f->near.l.r, all);
	tenant_open(f->other, all);
	return all;
}

static void becomes_acme(struct phone *p)
{
	p->tenant = "acme";
	p->domain = "acme.example";
	phone_bind(p);
}

static void of_a_tenant(void **state)
{
	struct far *f = *state;
	struct tenants *all = tenants_of_both(f);

	becomes_acme(&f->near.l.a);
	becomes_acme(&f->near.l.b);
	becomes_acme(&f->second);
	becomes_acme(&f->near.c);
	two_calls(f);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_notified(&f->near.l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	settle(f);
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	leaves(f, &f->second);
	assert_talks(f);
	far_teardown(state);
	tenants_close(all);
	assert_int_equal(far_setup(state), 0);
}

/* With its number, its address and the dialog's name. */
static void of_another_tenant(void **state)
{
	struct far *f = *state;
	struct tenants *all = tenants_of_both(f);

	phone_bind(&f->near.l.a);
	phone_bind(&f->near.l.b);
	becomes_acme(&f->second);
	becomes_acme(&f->near.c);
	two_calls(f);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	goes_on_as_before(f, "SIP/2.0 480 Temporarily Unavailable\r\n");
	assert_int_equal(rig_counts(f->other).calls_established, 1);
	far_teardown(state);
	tenants_close(all);
	assert_int_equal(far_setup(state), 0);
}

/* There is no such shard any more. */
static void nobody_there(void **state)
{
	const struct sip_hop hop = { .transport = SIP_INTER_SHARD,
				     .remote = inter_shard_address(8) };
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	char to[512];

	two_calls(f);
	(void)snprintf(to, sizeof(to),
		       "sip:1004@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       f->second.call_id, f->second.remote_tag, f->second.tag);
	refer(&f->near.l.b, to);
	assert_true(rig_take(r, &hop.remote, "INVITE ").n);
	shard_send_failed(r->shard, &hop, 113, r->now);
	rig_run(r);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	goes_on_as_before(f, "SIP/2.0 480 Temporarily Unavailable\r\n");
}

/* A shard of another node. */
static void not_in_the_cell(void **state)
{
	struct far *f = *state;
	struct bytes m;

	f->near.l.r->settings.peer_shard_count = 0;
	far_restart(f);
	two_calls(f);
	refer_to(f);
	m = phone_hears(&f->near.l.b, "SIP/2.0 501");
	assert_true(rig_has(m, "Warning: 399 tandem \"the dialog is of another node\"\r\n"));
	assert_int_equal(f->passed, 0);
}

/* Each decrypts what the other one sends. */
static void assert_keys_are_shared(struct far *f)
{
	struct flow_spec here = line_last_spec(f->near.l.r, 2);
	struct flow_spec there = line_last_spec(f->other, 2);

	assert_true(here.key_in.suite && here.key_out.suite);
	assert_memory_equal(&here.key_out, &there.key_in, sizeof(here.key_out));
	assert_memory_equal(&there.key_out, &here.key_in, sizeof(there.key_out));
	assert_int_equal(line_last_spec(f->near.l.r, 0).key_out.suite, 0);
	assert_int_equal(line_last_spec(f->other, 1).key_out.suite, 0);
}

/* Of shards that may be on two nodes nothing is plain, whatever numbers they have; also in the next processes. */
static void apart(void **state)
{
	struct far *f = *state;

	f->near.l.r->settings.peer_shard_count = f->other->settings.peer_shard_count = 0;
	rand_open_seed(&f->other->rand, 44); /* else both make one key, which is refused */
	f->near.l.r->settings.shards_are_apart = f->other->settings.shards_are_apart = true;
	far_restart(f);
	transferred(f);
	assert_keys_are_shared(f);
	far_restart(f);
	settle(f);
	assert_talks(f);
	assert_keys_are_shared(f);
	assert_ends(f, &f->near.c, &f->near.l.a);
}

/* A line break that came escaped in the URI is no line of ours. */
static void escaped_lines(void **state)
{
	struct far *f = *state;
	char to[512];

	two_calls(f);
	(void)snprintf(to, sizeof(to),
		       "sip:1004@test.local?Replaces=x%%0d%%0aTandem-Tenant:y%%3Bto-tag%%3D%s"
		       "%%3Bfrom-tag%%3D%s",
		       f->second.remote_tag, f->second.tag);
	refer(&f->near.l.b, to);
	far_run(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 400").n);
	assert_int_equal(f->passed, 0);
}

/* Whom the transferor rings yet is rung for its party. */
static void who_rings_yet(void **state)
{
	struct far *f = *state;

	phones_talk(&f->near.l.a, &f->near.l.b);
	phone_invite(&f->second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&f->near.c).n);
	phone_answer(&f->near.c, f->near.c.invite, "180 Ringing", "");
	assert_true(phone_hears(&f->second, "SIP/2.0 180").n);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_true(rig_take(f->other, &f->near.c.addr, "CANCEL ").n);
	phone_answer(&f->near.c, f->near.c.invite, "487 Request Terminated", "");
	assert_true(rig_take(f->other, &f->second.addr, "SIP/2.0 480").n);
	phone_write(&f->second, "ACK", "", "");
	far_run(f);
	assert_true(phone_rings(&f->near.c).n);
	assert_true(rig_has(rig_header(f->near.c.invite, "From"), "sip:1001@"));
	phone_answer(&f->near.c, f->near.c.invite, "200 OK", SDP_C);
	far_run(f);
	assert_true(rig_take(f->other, &f->near.c.addr, "ACK ").n);
	settle(f);
	assert_notified(&f->near.l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	leaves(f, &f->near.l.b);
	settle(f);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

/* Its refusal gives B its party back. */
static void who_rings_refuses(void **state)
{
	struct far *f = *state;

	phones_talk(&f->near.l.a, &f->near.l.b);
	phone_invite(&f->second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&f->near.c).n);
	phone_answer(&f->near.c, f->near.c.invite, "180 Ringing", "");
	assert_true(phone_hears(&f->second, "SIP/2.0 180").n);
	refer_to(f);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	phone_answer(&f->near.c, f->near.c.invite, "487 Request Terminated", "");
	assert_true(rig_take(f->other, &f->near.c.addr, "CANCEL ").n);
	assert_true(phone_rings(&f->near.c).n);
	phone_answer(&f->near.c, f->near.c.invite, "486 Busy Here", "");
	far_run(f);
	goes_on_as_before(f, "SIP/2.0 486 Busy Here\r\n");
}

/* ---- by command ---- */

static int join_far(struct far *f, uint64_t id, bool turned)
{
	struct rig *r = turned ? f->other : f->near.l.r, *other = turned ? f->near.l.r : f->other;
	struct shard_order by = order_of(id);
	struct shard_join join = { .call = call_at(r, 0),
				   .with = call_at(other, 0),
				   .leg = turned ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER,
				   .with_leg = turned ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE,
				   .by = &by };
	int err = shard_call_join_local(r->shard, other->shard, &join, r->now);

	rig_run(r);
	far_run(f);
	return join.of_with ? err - 1000 : err;
}

/* Of each call one party stays, whichever of the two is told, and whoever dies. */
static void joined_by_command(void **state)
{
	struct far *f = *state;

	for (int i = 0; i < 4; i++) {
		bool turned = i % 2 != 0;

		if (i) {
			assert_int_equal(far_teardown(state), 0);
			assert_int_equal(far_setup(state), 0);
			f = *state;
		}
		two_calls(f);
		f->lost = i < 2 ? 0 : 1;
		f->dies = true;
		assert_int_equal(join_far(f, 5, turned), 0);
		settle_for(f, 5000);
		let_b_go(f);
		assert_talks(f);
		assert_int_equal(join_far(f, 5, turned), 0); /* the same again */
		settle(f);
		assert_talks(f);
		assert_int_equal(
			last_event(turned ? f->other : f->near.l.r, SIG_CALL_TRANSFERRED)->kind,
			SIG_CALL_TRANSFERRED);
		assert_ends(f, &f->near.l.a, &f->near.c);
	}
}

/* Who has no other party: A here, or C there; and the legs that hear each other then. */
static const struct alone_row {
	bool here, there;
	uint8_t way, party, other_way;
} g_alone[] = { { true, true, 1, 0, 1 }, { false, true, 2, 0, 1 }, { true, false, 1, 1, 2 } };

static struct shard_join begin_alone(struct far *f, const struct alone_row *row)
{
	struct trio other = { .l.r = f->other };
	struct shard_join join = { .leg = row->here ? SHARD_LEG_NONE : SHARD_LEG_CALLER,
				   .with_leg = row->there ? SHARD_LEG_NONE : SHARD_LEG_CALLEE };

	application_set(f->near.l.r);
	application_set(f->other);
	if (row->here)
		alone(&f->near, &f->near.l.a, PHONE_SDP_A);
	else
		phones_talk(&f->near.l.a, &f->near.l.b);
	if (row->there)
		alone(&other, &f->near.c, SDP_C);
	else
		b_calls_c(f);
	join.call = call_at(f->near.l.r, 0);
	join.with = call_at(f->other, 0);
	return join;
}

static void join_alone(struct far *f, const struct alone_row *row)
{
	struct shard_order by = order_of(5);
	struct shard_join join = begin_alone(f, row);

	join.by = &by;
	assert_int_equal(shard_call_join_local(f->near.l.r->shard, f->other->shard, &join,
					       f->near.l.r->now),
			 0);
	rig_run(f->near.l.r);
	far_run(f);
	settle_for(f, 5000);
	let_b_go(f);
	assert_int_equal(rig_counts(f->near.l.r).calls, 1);
	assert_int_equal(rig_counts(f->other).calls, 1);
	trio_assert_talks(f->near.l.r, 0, row->way);
	trio_assert_talks(f->other, row->party, row->other_way);
	assert_int_equal(last_event(f->near.l.r, SIG_CALL_TRANSFERRED)->call, join.call);
	assert_int_equal(last_event(f->other, SIG_CALL_TRANSFERRED)->call, join.with);
	assert_ends(f, row->here ? &f->near.l.a : &f->near.c,
		    row->here ? &f->near.c : &f->near.l.a);
}

/* Nobody's place is taken there; and over a kill. */
static void joined_alone(void **state)
{
	for (size_t i = 0; i < 2 * COUNT_OF(g_alone); i++) {
		struct far *f;

		assert_int_equal(far_teardown(state), 0);
		assert_int_equal(far_setup(state), 0);
		f = *state;
		f->lost = i < COUNT_OF(g_alone) ? 0 : 1;
		f->dies = true;
		join_alone(f, &g_alone[i % COUNT_OF(g_alone)]);
	}
}

/* A phone may not: that dialog is another's (RFC 3911 4). */
static void join_of_a_phone(void **state)
{
	struct far *f = *state;
	struct phone *p = &f->near.l.b;
	char line[512];

	application_set(f->near.l.r);
	alone(&f->near, &f->near.l.a, PHONE_SDP_A);
	phone_begin(p, "1001");
	(void)snprintf(line, sizeof(line), "Join: %s;to-tag=%s;from-tag=%s\r\n",
		       f->near.l.a.call_id, f->near.l.a.remote_tag, f->near.l.a.tag);
	phone_request(p, "INVITE", line, PHONE_SDP_B);
	assert_true(phone_hears(p, "SIP/2.0 403").n);
	assert_int_equal(phone_rings(&f->near.l.a).n, 0);
}

static void not_joined_by_command(void **state)
{
	struct far *f = *state;
	struct shard_join join = { .call = 1, .with = 2 };

	assert_int_equal(shard_call_join_local(f->near.l.r->shard, f->other->shard, &join,
					       f->near.l.r->now),
			 REFUSED_NO_CALL);
	phones_talk(&f->near.l.a, &f->near.l.b);
	join.call = call_at(f->near.l.r, 0);
	assert_int_equal(shard_call_join_local(f->near.l.r->shard, f->other->shard, &join,
					       f->near.l.r->now),
			 REFUSED_NO_CALL);
	assert_true(join.of_with);
	phone_invite(&f->second, "1004", PHONE_SDP_B);
	assert_int_equal(join_far(f, 0, false), REFUSED_NOT_ESTABLISHED - 1000);
}

/* Neither by whoever may see both. */
static void not_joined_with_another_tenant(void **state)
{
	struct far *f = *state;
	struct shard_join join = { .leg = SHARD_LEG_CALLEE, .with_leg = SHARD_LEG_CALLER };
	struct shard *here = f->near.l.r->shard, *there = f->other->shard;
	struct call *with;

	two_calls(f);
	join.call = call_at(f->near.l.r, 0);
	join.with = call_at(f->other, 0);
	with = shard_call_find(there, join.with);
	with->tenant++;
	assert_int_equal(shard_call_join_local(here, there, &join, f->near.l.r->now),
			 REFUSED_NO_CALL);
	assert_true(join.of_with);
	with->tenant--;
	assert_int_equal(shard_call_join_local(here, there, &join, f->near.l.r->now), 0);
}

/* Its other party has been told that it has the place: until it has, the call is joined with nobody, and transferred to nobody. */
static void while_it_is_replaced(void **state)
{
	struct far *f = *state;

	two_calls(f);
	assert_int_equal(join_far(f, 5, false), 0);
	assert_int_equal(join_far(f, 6, true), REFUSED_TRANSFER_OPEN);
	refer(&f->second, "sip:1001@192.0.2.1");
	assert_true(phone_hears(&f->second, "SIP/2.0 491").n);
	settle_for(f, 5000);
	let_b_go(f);
	assert_talks(f);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

/* Two calls of a shard are joined with the same party at once: one has it, and the other one goes on as it was. */
static void join_both(struct far *f, struct rig *r)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct shard_order by = order_of(5 + i);
		struct shard_join join = { .call = call_at(r, i),
					   .with = call_at(f->other, 0),
					   .leg = SHARD_LEG_CALLER,
					   .with_leg = SHARD_LEG_CALLEE,
					   .by = &by };

		assert_int_equal(shard_call_join_local(r->shard, f->other->shard, &join, r->now),
				 0);
		rig_run(r);
	}
}

static void joined_twice(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	struct phone d, e;

	two_calls(f);
	phone_open(&d, r, "1003", "192.0.2.13:5060");
	phone_open(&e, r, "1004", "192.0.2.15:5060");
	phone_bind(&e);
	phones_talk(&d, &e);
	join_both(f, r);
	far_run(f);
	for (uint32_t ms = 0; ms < 5000; ms += 100) {
		settle_for(f, 100);
		answer_all(f, r, &d, "INVITE ", PHONE_SDP_A);
		answer_all(f, r, &e, "INVITE ", PHONE_SDP_B);
	}
	let_b_go(f);
	assert_int_equal(rig_counts(r).calls_established, 2);
	assert_int_equal(rig_counts(f->other).calls_established, 1);
	assert_int_equal(event_number(last_event(r, SIG_CALL_TRANSFER_FAILED), EV_SIP_STATUS), 480);
	assert_int_equal(last_event(r, SIG_CALL_TRANSFER_FAILED)->call, call_at(r, 1));
	assert_int_equal(last_event(r, SIG_CALL_TRANSFERRED)->call, call_at(r, 0));
	phone_request(&d, "BYE", "", "");
	assert_true(phone_hears(&d, "SIP/2.0 200").n);
	trio_assert_left(&e);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

/* A late order names the legs as they were: the two speak with each other, and A would with itself. */
static void joined_already(void **state)
{
	struct far *f = *state;

	for (int turned = 0; turned < 2; turned++) {
		for (int leg = 0; leg < 2; leg++) {
			struct rig *rigs[] = { f->near.l.r, f->other };
			struct rig *r = rigs[turned];
			struct shard_join join = {
				.leg = turned ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER,
				.with_leg = leg ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER
			};

			two_calls(f);
			assert_int_equal(join_far(f, 5, !turned), 0);
			settle_for(f, 5000);
			let_b_go(f);
			join.call = call_at(r, 0);
			join.with = call_at(rigs[!turned], 0);
			assert_int_equal(shard_call_join_local(r->shard, rigs[!turned]->shard,
							       &join, r->now),
					 0);
			rig_run(r);
			far_run(f);
			settle_for(f, 5000);
			assert_int_equal(event_number(last_event(r, SIG_CALL_TRANSFER_FAILED),
						      EV_SIP_STATUS),
					 482);
			assert_int_equal(rig_counts(f->near.l.r).calls_established, 1);
			assert_int_equal(rig_counts(f->other).calls_established, 1);
			assert_ends(f, &f->near.l.a, &f->near.c);
			assert_int_equal(far_teardown(state), 0);
			assert_int_equal(far_setup(state), 0);
			f = *state;
		}
	}
}

/* Each call is told to join with the other one before either has asked: none is lost. */
static void crossing(void **state)
{
	struct far *f = *state;
	struct rig *rigs[] = { f->near.l.r, f->other };
	struct call_remote far[2];
	struct shard_join join[2];

	two_calls(f);
	for (size_t i = 0; i < 2; i++) {
		join[i] =
			(struct shard_join){ .call = call_at(rigs[i], 0),
					     .with = call_at(rigs[!i], 0),
					     .leg = i ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER,
					     .with_leg = i ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE };
		assert_int_equal(shard_call_remote(rigs[!i]->shard, TENANT_DEFAULT, join[i].with,
						   join[i].with_leg, &far[i]),
				 0);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			shard_call_join_remote(rigs[i]->shard, &join[i], &far[i], rigs[i]->now), 0);
		rig_run(rigs[i]);
	}
	far_run(f);
	for (uint32_t ms = 0; ms < 5000; ms += 100) {
		settle_for(f, 100);
		answer_all(f, rigs[0], &f->near.l.b, "INVITE ", PHONE_SDP_B);
		answer_all(f, rigs[1], &f->second, "INVITE ", PHONE_SDP_B);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rig_counts(rigs[i]).calls_established, 1);
		assert_true(event_number(last_event(rigs[i], SIG_CALL_TRANSFER_FAILED),
					 EV_SIP_STATUS) >= 480);
	}
	phone_request(&f->second, "BYE", "", "");
	assert_true(phone_hears(&f->second, "SIP/2.0 200").n);
	leaves(f, &f->near.c);
	assert_ends(f, &f->near.l.a, &f->near.l.b);
}

/* ---- one phone at both ends ---- */

static void answer_b(struct far *f)
{
	for (int i = 0; i < 8; i++) {
		far_wait_ms(f, 100);
		answer_all(f, f->near.l.r, &f->near.l.b, "INVITE ", PHONE_SDP_B);
		answer_all(f, f->near.l.r, &f->near.l.a, "BYE ", "");
		answer_all(f, f->other, &f->second, "INVITE ", PHONE_SDP_B);
		answer_all(f, f->other, &f->near.c, "BYE ", "");
	}
}

static void b_speaks_with_itself(struct far *f)
{
	struct shard_join join = { .leg = SHARD_LEG_CALLEE, .with_leg = SHARD_LEG_CALLER };
	struct rig *r = f->near.l.r;

	two_calls(f);
	join.call = call_at(r, 0);
	join.with = call_at(f->other, 0);
	assert_int_equal(shard_call_join_local(r->shard, f->other->shard, &join, r->now), 0);
	rig_run(r);
	far_run(f);
	answer_b(f);
	assert_int_equal(rig_counts(r).calls_established, 1);
}

static void assert_refused_as_circle(struct far *f, struct phone *p)
{
	answer_b(f);
	assert_notified(p, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	answer_b(f);
	assert_notified(p, "SIP/2.0 482 Loop Detected\r\n", "terminated;reason=noresource");
	assert_ends(f, &f->near.l.b, &f->second);
}

/* B speaks with itself over both shards, and gives the one end to the other: nobody would be left, and the two shards had a conversation for
 * ever. */
static void nobody_would_be_left(void **state)
{
	struct far *f = *state;

	b_speaks_with_itself(f);
	refer_to(f);
	assert_refused_as_circle(f, &f->near.l.b);
}

/* The same from the other end: its way to the first shard has come from another call to the one that asks, so its tags name that one. */
static void nobody_would_be_left_there(void **state)
{
	struct far *f = *state;

	b_speaks_with_itself(f);
	refer_between(f, &f->second, &f->near.l.b);
	assert_refused_as_circle(f, &f->second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAR_TEST(nobody_would_be_left),
		FAR_TEST(nobody_would_be_left_there),
		FAR_TEST(data_goes_along),
		FAR_TEST(attended),
		FAR_TEST(attended_with_losses),
		FAR_TEST(attended_with_kills),
		FAR_TEST(hold_across),
		FAR_TEST(while_an_invite_is_open),
		FAR_TEST(formats),
		FAR_TEST(whose_a_message_is),
		FAR_TEST(of_a_stranger),
		FAR_TEST(which_is_over),
		FAR_TEST(of_a_tenant),
		FAR_TEST(of_another_tenant),
		FAR_TEST(nobody_there),
		FAR_TEST(not_in_the_cell),
		FAR_TEST(apart),
		FAR_TEST(escaped_lines),
		FAR_TEST(who_rings_yet),
		FAR_TEST(who_rings_refuses),
		FAR_TEST(joined_by_command),
		FAR_TEST(joined_alone),
		FAR_TEST(joined_twice),
		FAR_TEST(joined_already),
		FAR_TEST(crossing),
		FAR_TEST(while_it_is_replaced),
		FAR_TEST(join_of_a_phone),
		FAR_TEST(not_joined_by_command),
		FAR_TEST(not_joined_with_another_tenant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
