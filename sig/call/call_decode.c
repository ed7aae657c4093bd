/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/call.pb-c.h"
#include "sig/call/call_check.h"
#include "sig/call/call_seal.h"
#include "sig/call/leg.h"
#include "sig/call/secret.h"
#include "sig/sip/lex.h"

static_assert((int)TANDEM__CALL__STATE__ENDING == (int)CALL_ENDING, "as in the record");
static_assert((int)TANDEM__CALL__LEG_STATE__CLOSED == (int)LEG_CLOSED, "as in the record");

enum { USER_MAX = 256, MESSAGE_MAX = 65000 };

struct reading {
	const struct call_host *h;
	struct call *c;
	struct call_seed *seed;
	const char *reason; /* NULL: all well so far */
};

static bool wrong(struct reading *r, const char *reason)
{
	if (!r->reason)
		r->reason = reason;
	return false;
}

static struct bytes slice(const ProtobufCBinaryData *b)
{
	return bytes_mem(b->data, b->len);
}

/* Of a header or part of one: nothing that could end its line. */
static bool read_line(struct reading *r, struct text *out, const ProtobufCBinaryData *in,
		      size_t max, const char *reason)
{
	if (in->len > max)
		return wrong(r, reason);
	for (size_t i = 0; i < in->len; i++) {
		if (in->data[i] < ' ' || in->data[i] == 0x7f)
			return wrong(r, reason);
	}
	return !text_set(out, slice(in)) || wrong(r, "out of memory");
}

static bool read_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in,
		      size_t max, const char *reason)
{
	if (in->len > max)
		return wrong(r, reason);
	return !text_set(out, slice(in)) || wrong(r, "out of memory");
}

static bool read_address(struct reading *r, struct addr *out, const char *in, const char *reason)
{
	*out = (struct addr){ 0 };
	return !*in || !addr_parse(out, bytes_str(in)) || wrong(r, reason);
}

static bool read_hop(struct reading *r, struct sip_hop *out, const Tandem__Call__Hop *in)
{
	const struct shard_settings *s = r->h->settings;
	struct addr local;

	if (!in || in->transport > SIP_TLS)
		return wrong(r, "hop: unknown transport");
	if (!read_address(r, &local, in->local, "hop: local address") ||
	    !read_address(r, &out->remote, in->remote, "hop: remote address"))
		return false;
	if (out->remote.family == ADDR_NONE || out->remote.port == 0)
		return wrong(r, "hop: no remote address");
	out->transport = (enum sip_transport)in->transport;
	out->inbound = in->inbound && sip_transport_is_stream(out->transport);
	for (uint32_t i = 0; i < s->local_count; i++) {
		out->local = (uint16_t)i;
		if (s->locals[i].transport == out->transport && addr_eq(&local, &s->locals[i].bind))
			return true;
	}
	return wrong(r, "hop: local address is not ours");
}

static bool read_dialog(struct reading *r, struct dialog *d, const Tandem__Call__Dialog *in)
{
	if (!in)
		return wrong(r, "dialog is missing");
	d->tag.random = in->tag;
	d->local_cseq = in->local_cseq;
	d->remote_cseq = in->remote_cseq;
	if (d->local_cseq > INT32_MAX || d->remote_cseq > INT32_MAX)
		return wrong(r, "dialog: CSeq");
	return read_line(r, &d->call_id, &in->call_id, DIALOG_TEXT_MAX, "dialog: Call-ID") &&
	       read_line(r, &d->remote_tag, &in->remote_tag, DIALOG_TEXT_MAX, "dialog: tag") &&
	       read_line(r, &d->local, &in->local, DIALOG_TEXT_MAX, "dialog: local") &&
	       read_line(r, &d->remote, &in->remote, DIALOG_TEXT_MAX, "dialog: remote") &&
	       read_line(r, &d->target, &in->target, DIALOG_TEXT_MAX, "dialog: target") &&
	       read_line(r, &d->routes, &in->routes, DIALOG_ROUTES_MAX, "dialog: routes") &&
	       read_hop(r, &d->hop, in->hop);
}

static bool read_exchange(struct reading *r, struct exchange *x, const Tandem__Call__Exchange *in)
{
	if (!in)
		return wrong(r, "exchange is missing");
	if (!call_leg(r->c, (uint8_t)in->offerer) || in->offerer >= LEGS_MAX)
		return wrong(r, "exchange: offerer");
	x->offerer = (uint8_t)in->offerer;
	return read_text(r, &x->offer_in, &in->offer_in, HOST_SDP_MAX, "exchange: too long") &&
	       read_text(r, &x->offer_out, &in->offer_out, HOST_SDP_MAX, "exchange: too long") &&
	       read_text(r, &x->answer_in, &in->answer_in, HOST_SDP_MAX, "exchange: too long") &&
	       read_text(r, &x->answer_out, &in->answer_out, HOST_SDP_MAX, "exchange: too long");
}

static bool read_asked_state(struct reading *r, enum asked_state *out,
			     Tandem__Call__InviteState state)
{
	if (state < TANDEM__CALL__INVITE_STATE__QUEUED ||
	    state > TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED)
		return wrong(r, "asked: state");
	*out = (enum asked_state)(state - TANDEM__CALL__INVITE_STATE__QUEUED);
	return true;
}

static bool read_sent(struct reading *r, uint8_t leg, const ProtobufCBinaryData *sent,
		      const Tandem__Call__Hop *to)
{
	if (!read_text(r, &r->seed->sent[leg], sent, MESSAGE_MAX, "asked: too long"))
		return false;
	return sent->len == 0 || read_hop(r, &r->seed->sent_to[leg], to);
}

static bool read_asked(struct reading *r, uint8_t leg, const Tandem__Call__Asked *in)
{
	struct leg *l = r->c->legs[leg];

	if (!in)
		return true;
	if (leg_ask(l))
		return wrong(r, "out of memory");
	l->asked->branch = in->branch;
	return read_asked_state(r, &l->asked->state, in->state) &&
	       read_exchange(r, &l->asked->media, in->media) &&
	       read_sent(r, leg, &in->sent, in->sent_to);
}

static bool read_codecs(struct reading *r, struct offer_terms *out, const Tandem__Call__Terms *in)
{
	if (in->n_codecs > OFFER_CODECS_MAX)
		return wrong(r, "terms: codecs");
	for (size_t i = 0; i < in->n_codecs; i++) {
		struct bytes name = bytes_str(in->codecs[i]);

		if (!lex_is_token(name) || bytes_cstr(name, out->codecs[i], OFFER_CODEC_NAME_MAX))
			return wrong(r, "terms: codecs");
	}
	out->codec_count = (uint8_t)in->n_codecs;
	return true;
}

static bool read_terms(struct reading *r, struct leg *l, const Tandem__Call__Terms *in)
{
	struct offer_terms terms = { 0 };

	if (!in)
		return true;
	if (in->ptime_g711 > UINT8_MAX || in->ptime_g729 > UINT8_MAX)
		return wrong(r, "terms: ptime");
	terms.ptime_g711 = (uint8_t)in->ptime_g711;
	terms.ptime_g729 = (uint8_t)in->ptime_g729;
	terms.no_events = in->no_events;
	terms.no_video = in->no_video;
	terms.video_kbps = in->video_kbps;
	terms.sdes_offer = in->sdes_offer;
	terms.sdes_accept = in->sdes_accept;
	terms.sdes_only = in->sdes_only;
	if (!read_codecs(r, &terms, in))
		return false;
	return !leg_set_terms(l, &terms) || wrong(r, "out of memory");
}

static bool read_leg(struct reading *r, uint8_t i, const Tandem__Call__Leg *in)
{
	struct leg *l = r->c->legs[i];

	if (in->state < 0 || (int)in->state > (int)LEG_CLOSED)
		return wrong(r, "leg: state");
	l->state = (enum leg_state)in->state;
	l->leave = in->leave;
	l->behind_nat = in->behind_nat;
	l->held = in->held;
	l->muted = in->muted;
	l->session_id = in->session_id;
	l->session_version = in->session_version;
	l->invite_cseq = in->invite_cseq;
	l->ack_branch = in->ack_branch;
	l->dialog.tag.call = r->c->id;
	l->dialog.tag.leg = i;
	return read_terms(r, l, in->terms) && read_dialog(r, &l->dialog, in->dialog);
}

static uint32_t index_of(const Tandem__Call__Call *in, size_t place)
{
	return in->legs[place]->index ? in->legs[place]->index : (uint32_t)place;
}

static bool make_leg(struct reading *r, uint32_t index)
{
	struct call *c = r->c;

	if (index >= LEGS_MAX || index < c->leg_count)
		return wrong(r, "leg: index");
	c->legs[index] = calloc(1, sizeof(struct leg));
	if (!c->legs[index])
		return wrong(r, "out of memory");
	c->leg_count = (uint8_t)(index + 1);
	return true;
}

/* All legs first: what an INVITE says may name any of them. */
static bool read_legs(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->n_legs < (in->originated ? 1 : 2) || in->n_legs > LEGS_MAX)
		return wrong(r, "call: number of legs");
	r->c->legs = calloc(LEGS_MAX, sizeof(struct leg *));
	if (!r->c->legs)
		return wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_legs; i++) {
		if (!make_leg(r, index_of(in, i)) ||
		    !read_leg(r, (uint8_t)index_of(in, i), in->legs[i]))
			return false;
	}
	for (size_t i = 0; i < in->n_legs; i++) {
		if (!read_asked(r, (uint8_t)index_of(in, i), in->legs[i]->asked))
			return false;
	}
	return true;
}

static bool read_partner(struct reading *r, const Tandem__Call__Call *in)
{
	uint32_t partner = in->partner ? in->partner : LEG_B;

	if (in->originated && r->c->leg_count == 1) {
		r->c->partner = LEG_A; /* nobody else is asked yet */
		return true;
	}

	if (partner >= LEGS_MAX || !call_leg(r->c, (uint8_t)partner))
		return wrong(r, "call: partner");
	r->c->partner = (uint8_t)partner;
	return true;
}

static bool read_best(struct reading *r, struct refusal_kept *out, const Tandem__Call__Best *in)
{
	if (!in)
		return true;
	if (in->status < 300 || in->status > 699 || in->cause >= CALL_CAUSE_COUNT ||
	    in->leg >= LEGS_MAX || in->leg == LEG_A || !call_leg(r->c, (uint8_t)in->leg))
		return wrong(r, "invite: best");
	out->status = (uint16_t)in->status;
	out->leg = (uint8_t)in->leg;
	out->cause = (enum call_cause)in->cause;
	return read_text(r, &out->extra, &in->extra, HOST_EXTRA, "invite: best");
}

/* A record of two legs: what the asked one had of the INVITE stood in it. */
static bool read_two_legs(struct reading *r, const Tandem__Call__Invite *in)
{
	struct invite *inv = &r->c->invite;
	struct leg *l = r->c->legs[leg_other(r->c, inv->from)];

	if (l->asked || (in->sent.len == 0 && (!in->media || in->media->offer_out.len == 0)))
		return true;
	if (leg_ask(l))
		return wrong(r, "out of memory");
	l->asked->branch = in->branch;
	l->asked->state = ASKED_ANSWERED;
	if (in->state < TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED &&
	    !read_asked_state(r, &l->asked->state, in->state))
		return false;
	if (!read_exchange(r, &l->asked->media, in->media))
		return false;
	if (!inv->late)
		text_clear(&l->asked->media.offer_in);
	return read_sent(r, leg_other(r->c, inv->from), &in->sent, in->sent_to);
}

static bool read_offer(struct reading *r, const Tandem__Call__Invite *in)
{
	if (!in->media)
		return wrong(r, "exchange is missing");
	return r->c->invite.late || read_text(r, &r->c->invite.offer, &in->media->offer_in,
					      HOST_SDP_MAX, "exchange: too long");
}

static bool read_seed(struct reading *r, const Tandem__Call__Invite *in)
{
	struct call_seed *seed = r->seed;

	if (!read_text(r, &seed->request, &in->request, MESSAGE_MAX, "invite: too long"))
		return false;
	return seed->request.n == 0 || read_hop(r, &seed->source, in->source);
}

static enum invite_state read_invite_state(Tandem__Call__InviteState state)
{
	if (state == TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return INVITE_ACCEPTED;
	return state == TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED ? INVITE_ANSWERED : INVITE_OPEN;
}

static bool read_invite(struct reading *r, const Tandem__Call__Invite *in)
{
	struct invite *inv = &r->c->invite;

	if (!in)
		return true;
	if (in->state <= TANDEM__CALL__INVITE_STATE__NONE ||
	    in->state > TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return wrong(r, "invite: state");
	if ((in->from != LEG_A && in->from != r->c->partner) || in->provisional >= 200 ||
	    in->server_cseq > INT32_MAX || in->early >= LEGS_MAX || in->max_forwards < 0 ||
	    in->max_forwards > 256)
		return wrong(r, "invite: numbers");
	inv->state = read_invite_state(in->state);
	inv->from = (uint8_t)in->from;
	inv->early = (uint8_t)in->early;
	inv->again = in->again;
	inv->own = in->own;
	inv->wakes = in->wakes;
	inv->late = in->late;
	inv->provisional = (uint16_t)in->provisional;
	inv->max_forwards = in->max_forwards - 1;
	inv->server_cseq = in->server_cseq;
	return read_offer(r, in) && read_two_legs(r, in) && read_best(r, &inv->best, in->best) &&
	       read_text(r, &inv->answer, &in->answer, MESSAGE_MAX, "invite: too long") &&
	       read_seed(r, in);
}

static bool read_network(struct reading *r, struct call_flow *f, const char *name)
{
	const struct shard_settings *s = r->h->settings;

	for (uint32_t i = 0; i < s->network_count; i++) {
		f->network = (uint8_t)i;
		if (bytes_is(bytes_str(name), s->networks[i].name))
			return true;
	}
	return wrong(r, "flow: network is not ours");
}

static bool read_resume(struct reading *r, struct flow_resume *out, const Tandem__Call__Resume *in)
{
	if (!in)
		return true;
	if (in->sequence_offset > UINT16_MAX)
		return wrong(r, "flow: sequence offset");
	out->source_ssrc = in->ssrc;
	out->timestamp_offset = in->timestamp_offset;
	out->sequence_offset = (uint16_t)in->sequence_offset;
	out->started = in->started ? 1 : 0;
	out->srtp_in = in->srtp;
	if (in->srtp >= SRTP_INDEX_END)
		return wrong(r, "flow: SRTP index");
	return read_address(r, &out->source_rtp, in->rtp, "flow: latched address") &&
	       read_address(r, &out->source_rtcp, in->rtcp, "flow: latched address");
}

static bool read_secret(struct reading *r, struct call_flow *f, const Tandem__Call__Secret *in)
{
	if (!in)
		return true;
	if (in->key.len != SECRET_LEN || in->limit == 0 ||
	    in->limit >= SRTP_INDEX_END - SRTP_RESERVE ||
	    in->limit_rtcp >= SRTCP_INDEX_END - SRTCP_RESERVE)
		return wrong(r, "flow: SRTP key");
	return !secret_restore(f, slice(&in->key), in->limit, in->limit_rtcp) ||
	       wrong(r, "out of memory");
}

static bool read_flow(struct reading *r, const Tandem__Call__Flow *in)
{
	struct call_flow *f = &r->c->flows[r->c->flow_count];

	if (in->leg >= LEGS_MAX || !call_leg(r->c, (uint8_t)in->leg) ||
	    in->line >= MEDIA_LINES_MAX || in->kind > MEDIA_VIDEO)
		return wrong(r, "flow: place");
	if (in->port == 0 || in->port > UINT16_MAX || in->port % 2)
		return wrong(r, "flow: port");
	for (uint32_t i = 0; i < r->c->flow_count; i++) {
		if (r->c->flows[i].leg == in->leg && r->c->flows[i].line == in->line)
			return wrong(r, "flow: twice");
	}
	f->leg = (uint8_t)in->leg;
	f->line = (uint8_t)in->line;
	f->kind = (enum media_kind)in->kind;
	f->port = (uint16_t)in->port;
	f->ssrc_out = in->ssrc;
	f->event_pt = PAYLOAD_NONE;
	r->c->flow_count++;
	return read_secret(r, f, in->secret) && read_network(r, f, in->network) &&
	       read_resume(r, &f->resume, in->resume);
}

static bool read_flows(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->n_flows > CALL_FLOWS_MAX)
		return wrong(r, "flow: too many");
	r->c->flows = in->n_flows ? calloc(in->n_flows, sizeof(*r->c->flows)) : NULL;
	if (in->n_flows && !r->c->flows)
		return wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_flows; i++) {
		if (!read_flow(r, in->flows[i]))
			return false;
	}
	return true;
}

static uint64_t ns_of(const struct call_host *h, uint64_t utc_ms)
{
	uint64_t left;

	if (utc_ms == 0)
		return 0;
	left = utc_ms > h->now.utc_ms ? utc_ms - h->now.utc_ms : 0;
	if (left > h->settings->ring_timeout_ns / NS_PER_MS)
		left = h->settings->ring_timeout_ns / NS_PER_MS;
	return h->now.ns + left * NS_PER_MS + 1;
}

static bool read_times(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	c->setup_utc_ms = in->setup_utc_ms;
	c->ringing_utc_ms = in->ringing_utc_ms;
	c->answer_utc_ms = in->answer_utc_ms;
	c->end_utc_ms = in->end_utc_ms;
	c->ring_ns = ns_of(r->h, in->ring_until_utc_ms);
	if (in->setup_utc_ms == 0)
		return wrong(r, "call: no time of setup");
	return true;
}

static bool read_facts(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	if (in->id == 0 || id_shard(in->id) != r->h->settings->number)
		return wrong(r, "call: id is of another shard");
	if (in->version == 0 || in->version > INT64_MAX)
		return wrong(r, "call: version");
	if (in->state < 0 || (int)in->state > (int)CALL_ENDING)
		return wrong(r, "call: state");
	if (!bytes_is(bytes_str(in->tenant), r->h->settings->tenant))
		return wrong(r, "call: tenant");
	if (in->status > 699 || in->cause >= CALL_CAUSE_COUNT || in->ended_by > ENDED_BY_OPERATOR)
		return wrong(r, "call: how it ended");
	c->id = in->id;
	c->out.version = c->out.released = c->out.acked = in->version;
	c->state = (enum call_state)in->state;
	c->early_media = in->early_media;
	c->video = in->video;
	c->originated = in->originated;
	c->status = (uint16_t)in->status;
	c->cause = (enum call_cause)in->cause;
	c->ended_by = (enum call_ended_by)in->ended_by;
	return read_line(r, &c->from, &in->from, USER_MAX, "call: from") &&
	       read_line(r, &c->to, &in->to, USER_MAX, "call: to") &&
	       read_line(r, &c->display, &in->display, USER_MAX, "call: display") &&
	       read_times(r, in);
}

static bool read_call(struct reading *r, const Tandem__Call__Call *in)
{
	if (!in)
		return wrong(r, "not a call record");
	if (!read_facts(r, in) || !read_legs(r, in) || !read_partner(r, in) ||
	    !read_invite(r, in->invite) || !read_exchange(r, &r->c->media, in->media) ||
	    !read_flows(r, in))
		return false;
	r->reason = call_check(r->c, r->seed);
	return !r->reason;
}

int call_decode(const struct call_host *h, struct call *c, struct call_seed *seed,
		struct bytes record, const char **reason)
{
	struct reading r = { .h = h, .c = c, .seed = seed };
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);

	*seed = (struct call_seed){ 0 };
	if (in && in->sealed.len)
		r.reason = call_unseal(h, &in);
	if (!r.reason)
		(void)read_call(&r, in);
	if (in)
		tandem__call__call__free_unpacked(in, NULL);
	if (!r.reason)
		return 0;
	*reason = r.reason;
	call_free(c);
	call_seed_clear(seed);
	return -EBADMSG;
}
