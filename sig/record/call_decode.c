/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/plan.h"
#include "sig/call/trunk_route.h"
#include "sig/host/settings.h"
#include "sig/host/trunk_route.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/record/call_codec.h"
#include "sig/record/proto.h"
#include "sig/sip/gruu.h"
#include "sig/sip/hop.h"

/* What parts of a record have in common. */

bool reading_wrong(struct reading *r, const char *reason)
{
	if (!r->reason)
		r->reason = reason;
	return false;
}

struct bytes reading_slice(const ProtobufCBinaryData *b)
{
	return bytes_mem(b->data, b->len);
}

/* Of a header or part of one: nothing that could end its line. */
bool reading_line(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason)
{
	if (in->len > max)
		return reading_wrong(r, reason);
	for (size_t i = 0; i < in->len; i++) {
		if (in->data[i] < ' ' || in->data[i] == 0x7f)
			return reading_wrong(r, reason);
	}
	return !text_set(out, reading_slice(in)) || reading_wrong(r, "out of memory");
}

bool reading_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason)
{
	if (in->len > max)
		return reading_wrong(r, reason);
	return !text_set(out, reading_slice(in)) || reading_wrong(r, "out of memory");
}

uint64_t reading_time(const struct reading *r, uint64_t utc_ms)
{
	return steady_add(utc_ms, r->shift_ms);
}

uint64_t reading_deadline(const struct reading *r, uint64_t utc_ms, uint64_t most_ms)
{
	const struct instant *now = &r->h->now;
	uint64_t at = reading_time(r, utc_ms);
	uint64_t left = at > now->utc_ms ? at - now->utc_ms : 0;

	if (utc_ms == 0)
		return 0;
	if (left > most_ms)
		left = most_ms;
	return now->ns + left * NS_PER_MS + 1;
}

static bool reading_address(struct reading *r, struct addr *out, const char *in, const char *reason)
{
	*out = (struct addr){ 0 };
	return !*in || !addr_parse(out, bytes_str(in)) || reading_wrong(r, reason);
}

/* All but our own address. */
static bool read_place(struct reading *r, struct sip_hop *out, struct addr *local,
		       const Tandem__Call__Hop *in)
{
	if (!in || in->transport > SIP_INTER_SHARD)
		return reading_wrong(r, "hop: unknown transport");
	if (!reading_address(r, local, in->local, "hop: local address") ||
	    !reading_address(r, &out->remote, in->remote, "hop: remote address"))
		return false;
	if (out->remote.family == ADDR_NONE || out->remote.port == 0)
		return reading_wrong(r, "hop: no remote address");
	out->transport = (enum sip_transport)in->transport;
	if (out->transport == SIP_INTER_SHARD && !inter_shard_of(&out->remote))
		return reading_wrong(r, "hop: no shard");
	out->inbound = in->inbound && sip_transport_is_stream(out->transport);
	out->connection = hop_edge_read(r->h->settings->edges, out->transport,
					&(struct hop_edge){ in->process, in->connection });
	if (out->transport == SIP_TLS && in->name[0])
		out->name = hop_names_put(r->h->settings->names, bytes_str(in->name));
	return true;
}

bool reading_hop(struct reading *r, uint8_t leg, struct sip_hop *out, const Tandem__Call__Hop *in)
{
	struct call_loader loader = { .h = r->h, .c = r->c };
	struct addr local;

	if (!read_place(r, out, &local, in))
		return false;
	saved_hop_find(&loader, leg, out, &local);
	return true;
}

bool reading_place(struct reading *r, struct sip_hop *out, const Tandem__Call__Hop *in)
{
	const struct shard_settings *s = r->h->settings;
	struct addr local;

	if (!read_place(r, out, &local, in))
		return false;
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (s->locals[i].transport == out->transport && addr_eq(&local, &s->locals[i].bind))
			out->local = (uint16_t)i;
	}
	return true;
}

bool reading_uac_state(struct reading *r, enum uac_state *out, Tandem__Call__InviteState state)
{
	if (state < TANDEM__CALL__INVITE_STATE__QUEUED ||
	    state > TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED)
		return reading_wrong(r, "asked: state");
	*out = (enum uac_state)(state - TANDEM__CALL__INVITE_STATE__QUEUED);
	return true;
}

bool reading_sent(struct reading *r, uint8_t leg, const struct reading_tailed *sent,
		  const Tandem__Call__Hop *to)
{
	return reading_message(r, &r->seed->sent[leg], sent, "asked: too long") &&
	       (sent->head.len == 0 || reading_hop(r, leg, &r->seed->sent_to[leg], to));
}

/* Formats 0 and 1: one INVITE of the call, carried from one leg to the others; or, where nobody had asked, our own. */

/* A record of two legs: what the asked one had of the INVITE stood in it. */
static bool read_two_legs(struct reading *r, const Tandem__Call__Invite *in)
{
	uint8_t asked = bridge_peer(r->c, (uint8_t)in->from);
	struct leg *l = call_leg(r->c, asked);

	if (!l || l->uac || (in->sent.len == 0 && (!in->media || in->media->offer_out.len == 0)))
		return true;
	if (leg_invite(l, (uint8_t)in->from))
		return reading_wrong(r, "out of memory");
	l->uac->branch = in->branch;
	l->uac->state = UAC_ANSWERED;
	if (in->state < TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED &&
	    !reading_uac_state(r, &l->uac->state, in->state))
		return false;
	return reading_sent(r, asked, &(struct reading_tailed){ .head = in->sent }, in->sent_to);
}

/* All that are asked are asked for the same leg. */
static void note_from(struct call *c, const Tandem__Call__Invite *in)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uac) {
			c->legs[i]->uac->from = (uint8_t)in->from;
			c->legs[i]->uac->late = in->late;
		}
	}
}

static Tandem__Call__InviteState state_of(const Tandem__Call__Invite *in)
{
	return in->state >= TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED
		       ? in->state
		       : TANDEM__CALL__INVITE_STATE__CALLING;
}

bool reading_invite(struct reading *r, const Tandem__Call__Invite *in)
{
	const Tandem__Call__Uas uas = {
		.state = state_of(in),
		.late = in->late,
		.wakes = in->wakes,
		.early = in->early,
		.provisional = in->provisional,
		.max_forwards = in->max_forwards,
		.cseq = in->server_cseq,
		.answer = in->answer,
		.request = in->request,
		.source = in->source,
	};

	if (in->state <= TANDEM__CALL__INVITE_STATE__NONE ||
	    in->state > TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return reading_wrong(r, "invite: state");
	if (in->from >= LEGS_MAX || !bridge_has(r->c, (uint8_t)in->from))
		return reading_wrong(r, "invite: numbers");
	if (!read_two_legs(r, in) || !reading_best(r, in->best))
		return false;
	note_from(r->c, in);
	return in->own || reading_uas(r, (uint8_t)in->from, &uas, NULL);
}

/* Texts that a leg has more than once, and its record once (call_encode.c). */

static const ProtobufCBinaryData *local_sdp_of(const Tandem__Call__Sdp *sdp)
{
	return sdp && sdp->local.len ? &sdp->local : NULL;
}

/* NULL: there is no such text, or it is one of a text again. */
static const ProtobufCBinaryData *tail_of(const Tandem__Call__Leg *leg, Tandem__Call__Tail tail)
{
	switch (tail) {
	case TANDEM__CALL__TAIL__TAIL_SDP:
		return local_sdp_of(leg->sdp);
	case TANDEM__CALL__TAIL__TAIL_OPEN:
		return local_sdp_of(leg->open);
	case TANDEM__CALL__TAIL__NO_TAIL:
	case _TANDEM__CALL__TAIL_IS_INT_SIZE:
		break;
	}
	return NULL;
}

static bool join(struct reading *r, struct text *out, struct bytes head, struct bytes tail)
{
	size_t n = head.n + tail.n;
	char *p = malloc(n + 1);
	struct writer w = writer_over(p, n);

	if (!p)
		return reading_wrong(r, "out of memory");
	writer_bytes(&w, head);
	writer_bytes(&w, tail);
	p[n] = '\0';
	*out = (struct text){ .p = p, .n = (uint32_t)n };
	return true;
}

bool reading_message(struct reading *r, struct text *out, const struct reading_tailed *in,
		     const char *reason)
{
	const ProtobufCBinaryData *tail;

	if (in->tail == TANDEM__CALL__TAIL__NO_TAIL)
		return reading_text(r, out, &in->head, READING_MESSAGE_MAX, reason);
	tail = tail_of(in->leg, in->tail);
	if (!tail || !in->head.len || in->head.len > READING_MESSAGE_MAX ||
	    tail->len > READING_MESSAGE_MAX - in->head.len)
		return reading_wrong(r, reason);
	return join(r, out, reading_slice(&in->head), reading_slice(tail));
}

/* again: it is that of before; NULL: there is none. */
static bool reading_again(struct reading *r, struct text *out, const ProtobufCBinaryData *in,
			  bool again, const ProtobufCBinaryData *before)
{
	if (!again)
		return reading_sdp_text(r, out, in);
	if (!before || !before->len || in->len)
		return reading_wrong(r, "SDP: again");
	return reading_sdp_text(r, out, before);
}

bool reading_sdp_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in)
{
	return reading_text(r, out, in, HOST_SDP_MAX, "SDP: too long");
}

/* before: what the leg had in force, where it may say that again. */
static bool read_sdp(struct reading *r, struct leg_sdp *out, const Tandem__Call__Sdp *in,
		     const Tandem__Call__Sdp *before)
{
	if (!in)
		return true;
	out->theirs = in->theirs;
	out->by_18x = in->by_18x;
	return reading_again(r, &out->remote, &in->remote, in->remote_again,
			     before ? &before->remote : NULL) &&
	       reading_again(r, &out->local, &in->local, in->local_again,
			     before ? &before->local : NULL);
}

static bool read_offerer(struct reading *r, uint32_t offerer)
{
	if (offerer >= LEG_NONE || !bridge_has(r->c, (uint8_t)offerer))
		return reading_wrong(r, "call: offerer");
	r->c->bridge.offerer = (uint8_t)offerer;
	return true;
}

/* The SDP of all legs. */
static bool reading_sdps(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->format <= FORMAT_CARRIED)
		return reading_exchanges(r, in);
	for (size_t i = 0; i < in->n_legs; i++) {
		const Tandem__Call__Leg *leg = in->legs[i];
		struct leg *l = r->c->legs[leg->index ? leg->index : i];

		if (!read_sdp(r, &l->sdp, leg->sdp, NULL) ||
		    !read_sdp(r, &l->open, leg->open, leg->sdp))
			return false;
	}
	return read_offerer(r, in->offerer);
}

static_assert((int)TANDEM__CALL__STATE__ENDING == (int)CALL_ENDING, "as in the record");

static bool call_read_times(struct reading *r, const Tandem__Call__Call *in)
{
	uint64_t ring_ms = r->h->settings->ring_timeout_ns / NS_PER_MS;
	struct call *c = r->c;

	if (in->ring_s > CALL_RING_MAX_S || in->away_s > CALL_AWAY_MAX_S)
		return reading_wrong(r, "call: how long it rings");
	c->ring_s = in->ring_s;
	c->away_s = in->away_s;
	if (ring_ms < in->ring_s * 1000ULL)
		ring_ms = in->ring_s * 1000ULL;
	c->setup_utc_ms = reading_time(r, in->setup_utc_ms);
	c->ringing_utc_ms = reading_time(r, in->ringing_utc_ms);
	c->answer_utc_ms = reading_time(r, in->answer_utc_ms);
	c->end_utc_ms = reading_time(r, in->end_utc_ms);
	c->ring_ns = reading_deadline(r, in->ring_until_utc_ms, ring_ms);
	c->parting_ns = reading_deadline(r, in->parting_until_utc_ms, PARTING_MS);
	if (in->setup_utc_ms == 0)
		return reading_wrong(r, "call: no time of setup");
	return true;
}

static bool read_facts(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	if (in->id == 0 || id_shard(in->id) != r->h->settings->number)
		return reading_wrong(r, "call: id is of another shard");
	if (in->version == 0 || in->version > INT64_MAX)
		return reading_wrong(r, "call: version");
	if (in->state < 0 || (int)in->state > (int)CALL_ENDING)
		return reading_wrong(r, "call: state");
	if (in->status > 699 || in->cause >= CALL_CAUSE_COUNT || in->ended_by > ENDED_BY_OPERATOR)
		return reading_wrong(r, "call: how it ended");
	c->tenant = in->tenant[0] ? tenants_claim(r->h->settings->tenants, bytes_str(in->tenant))
				  : TENANT_DEFAULT;
	if (c->tenant == TENANT_NONE)
		return reading_wrong(r, "call: tenant");
	c->id = in->id;
	c->out.version = c->out.released = c->out.acked = in->version;
	c->state = (enum call_state)in->state;
	c->early_media = in->early_media;
	c->reoffer = in->reoffer & (REOFFER_CALLER | REOFFER_CALLEE);
	c->meet_ns = in->meets ? r->h->now.ns + MEET_MS * NS_PER_MS : 0;
	c->replaces.call = in->replaces;
	c->replaces.leg = (uint8_t)in->replaces_leg;
	c->video = in->video;
	c->status = (uint16_t)in->status;
	c->cause = (enum call_cause)in->cause;
	c->ended_by = (enum call_ended_by)in->ended_by;
	return reading_line(r, &c->from, &in->from, READING_USER_MAX, "call: from") &&
	       reading_line(r, &c->to, &in->to, READING_USER_MAX, "call: to") &&
	       reading_line(r, &c->display, &in->display, READING_USER_MAX, "call: display") &&
	       reading_line(r, &c->data, &in->data, CALL_DATA_MAX - 1, "call: data") &&
	       (call_data_is_good(text_bytes(&c->data)) || reading_wrong(r, "call: data")) &&
	       reading_line(r, &c->account, &in->account, ACCOUNT_CODE_MAX, "call: account code") &&
	       (account_code_is_good(text_bytes(&c->account)) ||
		reading_wrong(r, "call: account code")) &&
	       reading_line(r, &c->source, &in->source, CALL_SOURCE_MAX, "call: source") &&
	       call_read_times(r, in);
}

static void read_clock(struct reading *r, const Tandem__Call__Call *in)
{
	struct steady_mark mark = { .boot = in->boot,
				    .offset_ms = in->clock_offset_ms,
				    .utc_ms = in->saved_utc_ms };

	r->shift_ms = steady_shift(&r->h->steady, &mark, r->h->now.ns);
}

/* Its path among unknown fields, by the leg's index. */
uint64_t call_leg_path(uint8_t leg)
{
	enum { LEGS_TAG = 17 };

	return schema_path(schema_path(CALL_UNKNOWN_WHOLE, LEGS_TAG), leg);
}

static bool reading_part(struct reading *r, const struct proto_part *part, void *object,
			 uint64_t path, struct bytes octets)
{
	struct call_loader loader = { .h = r->h, .c = r->c, .incarnation = r->incarnation };
	struct schema_place place = { .path = path };
	struct schema_reader s = { .now = r->h->now,
				   .shift_ms = r->shift_ms,
				   .unknown = &r->c->unknown,
				   .place = &place,
				   .arg = &loader };

	for (const struct schema *const *rows = part->rows; *rows; rows++) {
		if (!schema_read(&s, *rows, object, octets, SCHEMA_SOME))
			return reading_wrong(r, s.reason);
	}
	return true;
}

bool reading_saved(struct reading *r, const Tandem__Call__Call *in)
{
	enum { CALL_PART, LEG_PART, LEGS_TAG = 17 };
	struct bytes rest = r->octets;
	struct schema_wire field;

	r->incarnation = in->incarnation;
	for (size_t i = 0; i < in->n_legs && schema_wire_next(&rest, &field);) {
		uint8_t leg = (uint8_t)(in->legs[i]->index ? in->legs[i]->index : i);

		if (field.tag != LEGS_TAG)
			continue;
		if (!reading_part(r, &call_parts[LEG_PART], r->c->legs[leg], call_leg_path(leg),
				  field.octets))
			return false;
		i++;
	}
	return reading_part(r, &call_parts[CALL_PART], r->c, CALL_UNKNOWN_WHOLE, r->octets);
}

/* The policy of the pair that talks was asked by who wrote this. */
static void policy_was_asked(struct call *c)
{
	if (!c->answer_utc_ms || !call_callee(c))
		return;
	c->record_asked[0] = c->bridge.caller;
	c->record_asked[1] = c->bridge.callee;
}

/* Of a program that forgot the ACK to a late offer when it went on with a call: it is said when the 2xx comes again, as to any. */
static void confirm_answered(struct call *c)
{
	struct leg *l = c->state == CALL_ESTABLISHED ? call_callee(c) : NULL;

	if (l && l->outbound && l->state == LEG_ANSWERED && !l->uac)
		l->state = LEG_CONFIRMED;
}

/* Of a program that let callers alone wait for a room, and did not say so of the step. */
static void wait_for_room(struct call *c)
{
	if (c->member && c->member->asks && c->state <= CALL_RINGING && c->plan.count &&
	    c->bridge.callee == LEG_NONE && !call_caller(c)->outbound && !c->transfer)
		c->plan.steps[c->plan.count - 1].confers = true;
}

static bool read_call(struct reading *r, const Tandem__Call__Call *in)
{
	if (!in)
		return reading_wrong(r, "not a call record");
	read_clock(r, in);
	if (!read_facts(r, in) || !reading_legs(r, in) || !reading_bridge(r, in) ||
	    !reading_invites(r, in) || !reading_sdps(r, in) || !reading_saved(r, in))
		return false;
	policy_was_asked(r->c);
	confirm_answered(r->c);
	wait_for_room(r->c);
	r->reason = call_check(r->c, r->seed);
	return !r->reason;
}

static bool record_read_format(struct reading *r, const Tandem__Call__Call *in)
{
	if (!in || in->format <= CALL_RECORD_FORMAT)
		return true;
	r->later = true;
	return reading_wrong(r, "call: of a later program");
}

static bool keep_unknown(struct reading *r, const Tandem__Call__Call *in,
			 enum call_unknown_root root)
{
	return !in ||
	       !unknown_keep(&r->c->unknown, &in->base, root, call_unknown_name, call_parts) ||
	       reading_wrong(r, "out of memory");
}

static void unseal(struct reading *r, Tandem__Call__Call **in)
{
	if (keep_unknown(r, *in, CALL_UNKNOWN_OUTER))
		r->reason = call_unseal(r->h, in, &r->plain, &r->later);
	r->octets = text_bytes(&r->plain);
}

int call_decode(const struct call_host *h, struct call *c, struct call_seed *seed,
		struct bytes record, const char **reason)
{
	struct reading r = { .h = h, .c = c, .seed = seed, .octets = record };
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);

	*seed = (struct call_seed){ 0 };
	if (in && record_read_format(&r, in) && in->sealed.len)
		unseal(&r, &in);
	if (!r.reason)
		(void)(record_read_format(&r, in) && keep_unknown(&r, in, CALL_UNKNOWN_WHOLE) &&
		       read_call(&r, in));
	if (in)
		tandem__call__call__free_unpacked(in, NULL);
	text_wipe(&r.plain);
	if (!r.reason)
		return 0;
	*reason = r.reason;
	call_free(c);
	call_seed_clear(seed);
	return r.later ? -EPROTONOSUPPORT : -EBADMSG;
}
