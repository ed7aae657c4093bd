/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what is written is read; what is broken is refused with a reason and leaves nothing; records of older builds are read. */
#include <errno.h>

#include "sig/call.pb-c.h"
#include "sig/record/call_record.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/record/golden.h"

/* A record of each kind of call that tests/data/records keeps for later builds. */
static void make_ringing(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "180 Ringing", "");
}

static void make_answered(struct line *l)
{
	make_ringing(l);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
}

static void make_established(struct line *l)
{
	struct media_event ev = { .kind = MEDIA_FLOW_LATCHED };
	struct call_view v;
	uint32_t cursor = 0;

	make_answered(l);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	ev.call = v.call;
	ev.id = v.flows[0].id;
	ev.resume = (struct flow_resume){ .source_rtp = rig_addr("198.51.100.7:4242"),
					  .source_ssrc = 77,
					  .timestamp_offset = 5,
					  .sequence_offset = 6,
					  .started = 1 };
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static void make_held(struct line *l)
{
	make_established(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
}

static void make_ending(struct line *l)
{
	make_established(l);
	phone_request(&l->a, "BYE", "", "");
}

static const struct {
	const char *name;
	void (*make)(struct line *l);
	enum call_state state;
} kinds[] = {
	{ "ringing", make_ringing, CALL_RINGING },
	{ "answered", make_answered, CALL_ANSWERING },
	{ "established", make_established, CALL_ESTABLISHED },
	{ "held", make_held, CALL_ESTABLISHED },
	{ "ending", make_ending, CALL_ENDING },
};

/* A shard that knows nothing yet. */
static void fresh(struct line *l)
{
	shard_close(l->r->shard);
	rig_start_shard(l->r);
}

static int restore(struct line *l, struct bytes record, const char **reason)
{
	int err = shard_restore_call(l->r->shard, record, l->r->now, reason);

	rig_drain(l->r);
	return err;
}

static void read_again(void **state)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *reason = "";
		struct call_view v;
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		kinds[i].make(l);
		fresh(l);
		assert_int_equal(restore(l, text_bytes(&rig_record(l->r)->record), &reason), 0);
		assert_true(shard_call_view(l->r->shard, rig_record(l->r)->call, &v));
		ROW_ASSERT(kinds[i].name, v.state == kinds[i].state);
		ROW_ASSERT(kinds[i].name, v.version == rig_record(l->r)->version);
		ROW_ASSERT(kinds[i].name, v.restored && v.saved);
		assert_string_equal(v.from, "1001");
		assert_string_equal(v.to, "1002");
		assert_int_equal(restore(l, text_bytes(&rig_record(l->r)->record), &reason),
				 -EEXIST);
	}
}

/* The latched address, offsets and SSRCs are those the engine gave up. */
static void media_goes_on(void **state)
{
	struct line *l = *state;
	const struct flow_spec *before, *after;
	const char *reason = "";
	uint32_t first;

	make_established(l);
	before = &l->r->media[0].spec;
	first = l->r->media_count;
	fresh(l);
	assert_int_equal(restore(l, text_bytes(&rig_record(l->r)->record), &reason), 0);
	assert_int_equal(l->r->media_count, first + 2);
	after = &l->r->media[first].spec;
	assert_int_equal(l->r->media[first].kind, MEDIA_FLOW_OPEN);
	assert_true(addr_eq(&after->local_rtp, &before->local_rtp));
	assert_int_equal(after->ssrc_out, before->ssrc_out);
	assert_int_equal(after->resume.source_ssrc, 77);
	assert_int_equal(after->resume.timestamp_offset, 5);
	assert_int_equal(after->resume.sequence_offset, 6);
	assert_int_equal(after->resume.source_rtp.port, 4242);
	assert_int_equal(after->remote_rtp.port, 4000);
	assert_int_equal(after->rule_count, 2);
}

/* A change to a good record, and why it is refused. */
struct damage {
	const char *name;
	void (*harm)(Tandem__Call__Call *c);
};

#define HARM(name, statement)                          \
	static void harm_##name(Tandem__Call__Call *c) \
	{                                              \
		statement;                             \
	}

static char g_text[64];
static char g_tenant[] = "a:b";
static uint8_t g_key[30];
static Tandem__Call__Secret g_secret;
static char *g_codecs[17];
static Tandem__Call__Terms g_terms;

HARM(shard, c->id ^= UINT64_C(1) << 60)
HARM(no_id, c->id = 0)
HARM(version, c->version = 0)
HARM(state, c->state = 5)
HARM(state_minus, c->state = -1)
HARM(wrong_state, c->state = TANDEM__CALL__STATE__RINGING)
HARM(answering, c->state = TANDEM__CALL__STATE__ANSWERING)
HARM(ending, c->state = TANDEM__CALL__STATE__ENDING)
HARM(tenant, c->tenant = g_tenant)
HARM(setup, c->setup_utc_ms = 0)
HARM(cause, c->cause = 1000)
HARM(ended_by, c->ended_by = 9)
HARM(status, c->status = 1000)
HARM(one_leg, c->n_legs = 1)
HARM(leg_state, c->legs[0]->state = 9)
HARM(leg_early, c->legs[1]->state = TANDEM__CALL__LEG_STATE__EARLY)
HARM(call_id, c->legs[0]->dialog->call_id.len = 0)
HARM(call_id_line, c->legs[0]->dialog->call_id.data[0] = '\n')
HARM(call_id_blank, c->legs[0]->dialog->call_id.data[1] = ' ')
HARM(tag, c->legs[0]->dialog->remote_tag.data[0] = ';')
HARM(target, c->legs[0]->dialog->target.data[0] = '<')
HARM(local, c->legs[0]->dialog->local.data[0] = ',')
HARM(remote, c->legs[1]->dialog->remote.len = 3)
HARM(routes, c->legs[0]->dialog->routes = c->legs[0]->dialog->call_id)
HARM(cseq, c->legs[0]->dialog->local_cseq = UINT32_MAX)
HARM(hop, c->legs[0]->dialog->hop->transport = SIP_TRANSPORTS)
HARM(hop_local, c->legs[0]->dialog->hop->local = c->legs[0]->dialog->hop->remote)
HARM(hop_remote, c->legs[0]->dialog->hop->remote = g_text)
HARM(offerer, c->offerer = 2)
HARM(sdp, c->legs[1]->sdp->remote.data[0] = 'x')
HARM(flow_leg, c->flows[0]->leg = 2)
HARM(flow_line, c->flows[0]->line = 4)
HARM(flow_kind, c->flows[0]->kind = 7)
HARM(flow_port, c->flows[0]->port = 70000)
HARM(flow_odd, c->flows[0]->port++)
HARM(flow_range, c->flows[0]->port = 30000)
HARM(flow_twice, c->flows[1]->leg = 0)
HARM(flow_same_port, c->flows[1]->port = c->flows[0]->port)
HARM(flow_network, c->flows[0]->network = g_text)
HARM(flow_resume, c->flows[0]->resume->rtp = g_text)
HARM(callee, c->callee = 2)
HARM(callee_far, c->callee = 77)
HARM(leg_index, c->legs[1]->index = 16)
HARM(leg_moved, c->legs[1]->index = 2)
HARM(flow_key, (c->flows[0]->secret = &g_secret)->key.len = 29)
HARM(flow_limit, (c->flows[0]->secret = &g_secret)->limit = UINT64_C(1) << 48)
HARM(sealed, c->sealed = c->from)
HARM(codecs, (c->legs[0]->terms = &g_terms)->n_codecs = 17)
HARM(flow_sequence, c->flows[0]->resume->sequence_offset = 70000)

static Tandem__Call__Digits g_keys;

static void harm_with_keys(Tandem__Call__Call *c, const char *list, size_t n, uint32_t peer)
{
	static uint8_t text[16];

	tandem__call__digits__init(&g_keys);
	memcpy(text, list, n);
	g_keys.list = (ProtobufCBinaryData){ .len = n, .data = text };
	g_keys.peer = peer;
	c->legs[0]->digits = &g_keys;
}
HARM(keys_none, harm_with_keys(c, "", 0, 1))
HARM(keys_many, harm_with_keys(c, "*12345678", 9, 1))
HARM(keys_letter, harm_with_keys(c, "*A", 2, 1))
HARM(keys_nul, harm_with_keys(c, "*\0", 2, 1))
HARM(keys_peer, harm_with_keys(c, "*", 1, LEGS_MAX))

static Tandem__Call__AccountDigits g_account;

static void harm_with_account(Tandem__Call__Call *c, const char *list, size_t n)
{
	static uint8_t text[32];

	tandem__call__account_digits__init(&g_account);
	memcpy(text, list, n);
	g_account.list = (ProtobufCBinaryData){ .len = n, .data = text };
	c->legs[0]->account = &g_account;
}
static void harm_with_code(Tandem__Call__Call *c, const char *code)
{
	static uint8_t text[64];

	memcpy(text, code, strlen(code));
	c->account = (ProtobufCBinaryData){ .len = strlen(code), .data = text };
}
HARM(account_many, harm_with_account(c, "1234567890123456", 16))
HARM(account_key, harm_with_account(c, "12#", 3))
HARM(account_nul, harm_with_account(c, "1\0", 2))
HARM(account_octet, harm_with_code(c, "a\"b"))
HARM(account_line, harm_with_code(c, "a\r\nb"))
HARM(account_long, harm_with_code(c, "123456789012345678901234567890123"))

/* Messages are taken apart in here, so that parts may be exchanged and nothing needs to be freed. */
static struct {
	_Alignas(16) uint8_t p[65536];
	size_t used;
} g_arena;

static void *arena_alloc(void *unused, size_t n)
{
	void *p = g_arena.p + g_arena.used;

	(void)unused;
	n = (n + 15) & ~(size_t)15;
	assert_true(g_arena.used + n <= sizeof(g_arena.p));
	g_arena.used += n;
	return p;
}

static void arena_free(void *unused, void *p)
{
	(void)unused;
	(void)p;
}

static ProtobufCAllocator g_in_arena = { arena_alloc, arena_free, NULL };

#define DAMAGE(name)               \
	{                          \
#name, harm_##name \
	}

static void assert_unreadable(struct line *l, struct bytes good, const struct damage *row)
{
	Tandem__Call__Call *c;
	struct shard_counts counts;
	const char *reason = NULL;
	uint8_t packed[4096];
	size_t n;

	g_arena.used = 0;
	tandem__call__secret__init(&g_secret);
	g_secret.key = (ProtobufCBinaryData){ .len = sizeof(g_key), .data = g_key };
	g_secret.limit = 1;
	c = tandem__call__call__unpack(&g_in_arena, good.n, good.p);
	assert_non_null(c);
	row->harm(c);
	n = tandem__call__call__pack(c, packed);
	assert_true(n <= sizeof(packed));
	ROW_ASSERT(row->name, restore(l, bytes_mem(packed, n), &reason) < 0);
	ROW_ASSERT(row->name, reason && reason[0]);
	counts = rig_counts(l->r);
	ROW_ASSERT(row->name, counts.calls == 0 && counts.txns == 0);
	ROW_ASSERT(row->name, counts.ports_free == 100);
}

static void broken(void **state)
{
	static const struct damage rows[] = {
		DAMAGE(shard),         DAMAGE(no_id),         DAMAGE(version),
		DAMAGE(state),         DAMAGE(state_minus),   DAMAGE(wrong_state),
		DAMAGE(answering),     DAMAGE(ending),        DAMAGE(tenant),
		DAMAGE(setup),         DAMAGE(cause),         DAMAGE(ended_by),
		DAMAGE(status),        DAMAGE(one_leg),       DAMAGE(leg_state),
		DAMAGE(leg_early),     DAMAGE(call_id),       DAMAGE(call_id_line),
		DAMAGE(call_id_blank), DAMAGE(tag),           DAMAGE(target),
		DAMAGE(local),         DAMAGE(remote),        DAMAGE(routes),
		DAMAGE(cseq),          DAMAGE(hop),           DAMAGE(hop_remote),
		DAMAGE(offerer),       DAMAGE(flow_leg),      DAMAGE(flow_line),
		DAMAGE(flow_kind),     DAMAGE(flow_port),     DAMAGE(flow_odd),
		DAMAGE(flow_twice),    DAMAGE(flow_resume),   DAMAGE(flow_sequence),
		DAMAGE(callee),        DAMAGE(callee_far),    DAMAGE(leg_index),
		DAMAGE(leg_moved),     DAMAGE(flow_key),      DAMAGE(flow_limit),
		DAMAGE(sealed),        DAMAGE(codecs),        DAMAGE(keys_none),
		DAMAGE(keys_many),     DAMAGE(keys_letter),   DAMAGE(keys_nul),
		DAMAGE(keys_peer),     DAMAGE(account_many),  DAMAGE(account_key),
		DAMAGE(account_nul),   DAMAGE(account_octet), DAMAGE(account_line),
		DAMAGE(account_long),
	};
	struct line *l = *state;
	const struct damage *row;
	struct bytes good;

	(void)snprintf(g_text, sizeof(g_text), "elsewhere");
	tandem__call__terms__init(&g_terms);
	for (size_t i = 0; i < COUNT_OF(g_codecs); i++)
		g_codecs[i] = g_text;
	g_terms.codecs = g_codecs;
	make_established(l);
	good = text_bytes(&rig_record(l->r)->record);
	fresh(l);
	EACH_ROW(row, rows)
	assert_unreadable(l, good, row);
}

/* A line of somebody else's behind the message. */
static uint8_t *with_more(ProtobufCBinaryData *in)
{
	static const char more[] = "more\r\n";
	static uint8_t text[2048];

	assert_true(in->len + sizeof(more) <= sizeof(text));
	memcpy(text, in->data, in->len);
	memcpy(text + in->len, more, sizeof(more) - 1);
	in->len += sizeof(more) - 1;
	return text;
}

#define REFUSAL_HARM(name, statement) \
	HARM(name, Tandem__Call__Refusal *refusal = c->legs[0]->refusal; statement)

REFUSAL_HARM(refusal_of_whom, c->legs[1]->refusal = refusal)
REFUSAL_HARM(refusal_twice, c->legs[0]->state = TANDEM__CALL__LEG_STATE__LEAVING; (void)refusal)
REFUSAL_HARM(refusal_empty, refusal->response.len = 0)
REFUSAL_HARM(refusal_cut, refusal->response.len -= 40)
REFUSAL_HARM(refusal_too_long,
	     *(char *)memmem(refusal->response.data, refusal->response.len, "\r\n\r\n", 4) = '\n')
REFUSAL_HARM(refusal_without_length,
	     memcpy(memmem(refusal->response.data, refusal->response.len, "Content-Length", 14),
		    "Content-Fength", 14))
REFUSAL_HARM(refusal_with_more, refusal->response.data = with_more(&refusal->response))
REFUSAL_HARM(refusal_is_none, memcpy(refusal->response.data, "SIP/2.0 200", 11))
REFUSAL_HARM(refusal_of_another, c->legs[0]->dialog->call_id.len--; (void)refusal)
REFUSAL_HARM(refusal_from_nowhere, refusal->source = NULL)

/* Of a caller that has not acknowledged it yet. */
static void broken_refusal(void **state)
{
	static const struct damage rows[] = {
		DAMAGE(refusal_of_whom),        DAMAGE(refusal_twice),
		DAMAGE(refusal_empty),          DAMAGE(refusal_cut),
		DAMAGE(refusal_is_none),        DAMAGE(refusal_of_another),
		DAMAGE(refusal_from_nowhere),   DAMAGE(refusal_too_long),
		DAMAGE(refusal_without_length), DAMAGE(refusal_with_more),
	};
	struct line *l = *state;
	const struct damage *row;
	struct bytes good;

	make_ringing(l);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	good = text_bytes(&rig_record(l->r)->record);
	fresh(l);
	EACH_ROW(row, rows)
	assert_unreadable(l, good, row);
}

/* The call of a record that was restored is ended, with a record of its own. */
static void assert_is_ended(struct line *l, const char *name)
{
	uint32_t before = l->r->cdr_count;

	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	rig_wait_ms(l->r, 70000);
	ROW_ASSERT(name, l->r->cdr_count == before + 1);
	ROW_ASSERT(name, strcmp(l->r->cdrs[before].reason, "could not go on after a restart") == 0);
	ROW_ASSERT(name, rig_counts(l->r).calls == 0 && rig_counts(l->r).ports_free == 100);
}

static void assert_none_continue(struct line *l, const struct damage *rows, size_t n)
{
	struct text good = { 0 };

	(void)snprintf(g_text, sizeof(g_text), "elsewhere");
	assert_int_equal(text_set(&good, text_bytes(&rig_record(l->r)->record)), 0);
	for (const struct damage *row = rows; row < rows + n; row++) {
		Tandem__Call__Call *c;
		const char *reason = NULL;
		uint8_t packed[4096];

		fresh(l);
		g_arena.used = 0;
		c = tandem__call__call__unpack(&g_in_arena, good.n, (const uint8_t *)good.p);
		assert_non_null(c);
		row->harm(c);
		ROW_ASSERT(row->name,
			   restore(l, bytes_mem(packed, tandem__call__call__pack(c, packed)),
				   &reason) == 0);
		assert_is_ended(l, row->name);
	}
	text_clear(&good);
}

/* It is a call, but none of this node as it is now. */
static void not_to_continue(void **state)
{
	static const struct damage rows[] = { DAMAGE(sdp) };

	make_established(*state);
	assert_none_continue(*state, rows, COUNT_OF(rows));
}

/* ... and not established: nobody can be asked to come elsewhere. */
static void not_to_continue_elsewhere(void **state)
{
	static const struct damage rows[] = { DAMAGE(hop_local), DAMAGE(flow_range),
					      DAMAGE(flow_same_port), DAMAGE(flow_network) };

	make_answered(*state);
	assert_none_continue(*state, rows, COUNT_OF(rows));
}

static void end_all(struct line *l)
{
	struct call_view v;
	uint32_t cursor = 0;

	while (shard_call_next(l->r->shard, &cursor, &v))
		assert_int_equal(shard_hangup(l->r->shard, v.call, NULL, l->r->now), 0);
	rig_run(l->r);
}

/* ---- records of a later program ---- */

static ProtobufCMessageUnknownField g_later[6];

/* A field that nobody knows yet. */
static void later_add(ProtobufCMessage *m, size_t i)
{
	static uint8_t texts[COUNT_OF(g_later)][3];

	texts[i][0] = 2;
	texts[i][1] = 'x';
	texts[i][2] = (uint8_t)('0' + i);
	g_later[i] = (ProtobufCMessageUnknownField){
		.tag = 900 + (uint32_t)i,
		.wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
		.len = 3,
		.data = texts[i],
	};
	m->n_unknown_fields = 1;
	m->unknown_fields = &g_later[i];
}

static void later_assert(const ProtobufCMessage *m, size_t i)
{
	assert_int_equal(m->n_unknown_fields, 1);
	assert_int_equal(m->unknown_fields[0].tag, 900 + i);
	assert_int_equal(m->unknown_fields[0].len, 3);
	assert_int_equal(m->unknown_fields[0].data[2], '0' + i);
}

/* What a later program wrote is in the record that this one writes next, with the leg or flow it is of. */
static void unknown_fields_stay(void **state)
{
	struct line *l = *state;
	const char *reason = NULL;
	uint8_t packed[4096];
	struct bytes good;
	Tandem__Call__Call *c;
	uint64_t version;
	size_t n;

	make_established(l);
	good = text_bytes(&rig_record(l->r)->record);
	fresh(l);
	g_arena.used = 0;
	c = tandem__call__call__unpack(&g_in_arena, good.n, good.p);
	assert_non_null(c);
	later_add(&c->base, 0);
	later_add(&c->legs[1]->base, 1);
	later_add(&c->legs[1]->dialog->hop->base, 2);
	later_add(&c->flows[1]->base, 3);
	later_add(&c->legs[0]->sdp->base, 4);
	version = c->version;
	n = tandem__call__call__pack(c, packed);
	assert_int_equal(restore(l, bytes_mem(packed, n), &reason), 0);
	shard_degraded(l->r->shard, true, l->r->now);
	shard_degraded(l->r->shard, false, l->r->now);
	rig_wait_ms(l->r, 100);
	good = text_bytes(&rig_record(l->r)->record);
	g_arena.used = 0;
	c = tandem__call__call__unpack(&g_in_arena, good.n, good.p);
	assert_non_null(c);
	assert_true(c->version > version);
	later_assert(&c->base, 0);
	later_assert(&c->legs[1]->base, 1);
	later_assert(&c->legs[1]->dialog->hop->base, 2);
	later_assert(&c->flows[1]->base, 3);
	later_assert(&c->legs[0]->sdp->base, 4);
	assert_int_equal(c->legs[0]->base.n_unknown_fields, 0);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	rig_wait_ms(l->r, 1000);
	assert_int_equal(rig_counts(l->r).calls, 0);
}

/* It is no broken one. */
static void of_a_later_program(void **state)
{
	struct line *l = *state;
	const char *reason = NULL;
	uint8_t packed[4096];
	struct bytes good;
	Tandem__Call__Call *c;

	make_established(l);
	good = text_bytes(&rig_record(l->r)->record);
	fresh(l);
	g_arena.used = 0;
	c = tandem__call__call__unpack(&g_in_arena, good.n, good.p);
	assert_non_null(c);
	assert_int_equal(c->format, CALL_RECORD_LEGS);
	c->format = CALL_RECORD_FORMAT + 1;
	c->state = (Tandem__Call__State)77; /* whatever it means */
	assert_int_equal(restore(l, bytes_mem(packed, tandem__call__call__pack(c, packed)),
				 &reason),
			 -EPROTONOSUPPORT);
	assert_string_equal(reason, "call: of a later program");
	assert_int_equal(rig_counts(l->r).calls, 0);
}

static void cut_short(void **state)
{
	struct line *l = *state;
	struct bytes good;

	make_ringing(l);
	good = text_bytes(&rig_record(l->r)->record);
	fresh(l);
	for (size_t n = 0; n < good.n; n++) {
		const char *reason = NULL;
		uint8_t *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact, good.p, n);
		if (restore(l, bytes_mem(exact, n), &reason) == 0) {
			shard_resume(l->r->shard, l->r->now);
			end_all(l); /* what is missing at the end may be dispensable */
			rig_wait_ms(l->r, 70000);
		} else {
			assert_non_null(reason);
		}
		free(exact);
	}
	assert_int_equal(rig_counts(l->r).calls, 0);
	assert_int_equal(rig_counts(l->r).txns, 0);
}

/* Our 2xx was said for 64*T1, its transaction has ended, and the record is of that moment: it is said again all the same. */
static void accepted_without_its_transaction(void **state)
{
	struct line *l = *state;
	const char *reason = "";
	Tandem__Call__Call *c;
	struct bytes record;
	uint8_t packed[4096];

	make_answered(l);
	record = text_bytes(&rig_record(l->r)->record);
	g_arena.used = 0;
	c = tandem__call__call__unpack(&g_in_arena, record.n, record.p);
	assert_non_null(c);
	c->legs[0]->state = TANDEM__CALL__LEG_STATE__ANSWERED;
	c->legs[1]->state = TANDEM__CALL__LEG_STATE__CONFIRMED;
	c->legs[0]->uas->state = TANDEM__CALL__INVITE_STATE__ACCEPTED;
	c->legs[0]->uas->request.len = 0;
	c->legs[0]->uas->source = NULL;
	record = bytes_mem(packed, tandem__call__call__pack(c, packed));
	fresh(l);
	if (restore(l, record, &reason))
		fail_msg("%s", reason);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	rig_wait_ms(l->r, 600);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	end_all(l);
	line_assert_idle(l->r);
}

/* A newer build's field. */
static void unknown_field(void **state)
{
	struct line *l = *state;
	const char *reason = "";
	uint8_t more[4096];
	size_t n;

	make_established(l);
	n = rig_record(l->r)->record.n;
	assert_true(n + 3 < sizeof(more));
	memcpy(more, rig_record(l->r)->record.p, n);
	memcpy(more + n, "\xf8\x3f\x01", 3); /* field 1023 */
	fresh(l);
	assert_int_equal(restore(l, bytes_mem(more, n + 3), &reason), 0);
}

static void ports_are_taken(void **state)
{
	struct line *l = *state;
	const char *reason = "";
	const struct rig_save *first;

	l->r->settings.networks[0].last_port = 20003; /* room for one call */
	fresh(l);
	phone_bind(&l->a);
	phone_bind(&l->b);
	make_established(l);
	first = rig_record(l->r);
	l->r->now.utc_ms += 5;
	fresh(l);
	phone_bind(&l->a);
	phone_bind(&l->b);
	make_established(l);
	assert_int_equal(restore(l, text_bytes(&first->record), &reason), 0);
	assert_int_equal(rig_counts(l->r).calls, 2);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	rig_wait_ms(l->r, 70000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_string_equal(l->r->cdrs[0].reason, "could not go on after a restart");
}

static void golden(void **state)
{
	const char *folder = getenv("TANDEM_GOLDEN");
	uint8_t record[4096];

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *reason = "";
		struct line *l;
		size_t n;

		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(line_setup(state), 0);
		l = *state;
		if (folder) {
			kinds[i].make(l);
			golden_write(folder, golden_name(1, kinds[i].name),
				     text_bytes(&rig_record(l->r)->record));
			continue;
		}
		n = golden_read(golden_name(1, kinds[i].name), record, sizeof(record));
		ROW_ASSERT(kinds[i].name, n > 0);
		if (restore(l, bytes_mem(record, n), &reason))
			fail_msg("%s: %s", kinds[i].name, reason);
		shard_resume(l->r->shard, l->r->now);
		rig_run(l->r);
		end_all(l);
		line_assert_idle(l->r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(read_again),
		LINE_TEST(media_goes_on),
		LINE_TEST(broken),
		LINE_TEST(broken_refusal),
		LINE_TEST(not_to_continue),
		LINE_TEST(not_to_continue_elsewhere),
		LINE_TEST(cut_short),
		LINE_TEST(unknown_fields_stay),
		LINE_TEST(of_a_later_program),
		LINE_TEST(unknown_field),
		LINE_TEST(ports_are_taken),
		LINE_TEST(golden),
		LINE_TEST(accepted_without_its_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
