/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/payer.h"
#include "sig/record/call_codec.h"
#include "sig/record/proto.h"
#include "sig/sip/hop.h"

ProtobufCBinaryData packing_text(const struct text *t)
{
	return (ProtobufCBinaryData){ .len = t->n, .data = (uint8_t *)t->p };
}

ProtobufCBinaryData packing_octets(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

static char *packing_address(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	text[0] = '\0';
	if (a->family != ADDR_NONE)
		(void)addr_text(a, text);
	return text;
}

void packing_hop(const struct shard_settings *settings, Tandem__Call__Hop *out,
		 const struct sip_hop *hop, char text[2][ADDR_TEXT_MAX])
{
	struct hop_edge edge;

	tandem__call__hop__init(out);
	out->transport = hop->transport;
	out->inbound = hop->inbound;
	if (hop_edge_get(settings->edges, hop->connection, &edge)) {
		out->process = edge.process;
		out->connection = edge.connection;
	}
	if (hop->name) /* what a message does not own is only read */
		out->name = (char *)(uintptr_t)hop_names_text(settings->names, hop->name);
	out->local = packing_address(&settings->locals[hop->local].bind, text[0]);
	out->remote = packing_address(&hop->remote, text[1]);
}

Tandem__Call__Sdp *packing_sdp(Tandem__Call__Sdp *out, const struct leg_sdp *sdp)
{
	if (sdp->remote.n == 0 && sdp->local.n == 0)
		return NULL;
	tandem__call__sdp__init(out);
	out->remote = packing_text(&sdp->remote);
	out->local = packing_text(&sdp->local);
	out->theirs = sdp->theirs;
	out->by_18x = sdp->by_18x;
	return out;
}

uint64_t packing_utc(const struct call_host *h, uint64_t deadline_ns)
{
	if (deadline_ns == 0)
		return 0;
	if (deadline_ns <= h->now.ns)
		return h->now.utc_ms;
	return h->now.utc_ms + (deadline_ns - h->now.ns) / NS_PER_MS;
}

struct packing *packing_open(void)
{
	return malloc(sizeof(struct packing));
}

static bool call_pack_into(const Tandem__Call__Call *call, struct schema_writer *w,
			   const struct proto_part *parts, uint8_t *space, size_t n)
{
	w->start = space;
	w->at = space + n;
	w->overflow = false;
	return proto_write(w, &call->base, parts) && !w->overflow;
}

enum { RECORD_ROOM_MAX = 16 << 20 };

int call_pack(const struct call_host *h, const Tandem__Call__Call *call, struct schema_writer *w,
	      const struct proto_part *parts, struct text *out)
{
	int err = -ENOMEM;

	if (call_pack_into(call, w, parts, h->space, HOST_SPACE))
		return text_set(out, bytes_mem(w->at, (size_t)(h->space + HOST_SPACE - w->at)));
	for (size_t n = 4 * HOST_SPACE; err && n <= RECORD_ROOM_MAX; n *= 4) {
		uint8_t *space = malloc(n);

		if (space && call_pack_into(call, w, parts, space, n))
			err = text_set(out, bytes_mem(w->at, (size_t)(space + n - w->at)));
		free(space);
	}
	return err;
}

/* By their tags. */
static const struct schema *const saved_of_call[] = {
	flows_saved,   plan_saved,  orders_saved, transfer_saved,   segments_saved,
	prompts_saved, tolls_saved, park_saved,   recordings_saved, media_stream_saved,
	member_saved,  payer_saved, NULL,
};
static const struct schema *const saved_of_leg[] = {
	leg_toll_saved,
	code_digits_saved,
	account_saved,
	NULL,
};

static const void *part_call(const struct schema_writer *w, const ProtobufCMessage *m,
			     uint64_t *path)
{
	(void)m;
	*path = CALL_UNKNOWN_WHOLE;
	return saver_of(w)->c;
}

static const void *part_leg(const struct schema_writer *w, const ProtobufCMessage *m,
			    uint64_t *path)
{
	const struct packed_leg *leg = (const struct packed_leg *)(const void *)m;

	(void)w;
	*path = call_leg_path(leg->index);
	return leg->of;
}

const struct proto_part call_parts[] = {
	{ &tandem__call__call__descriptor, saved_of_call, part_call },
	{ &tandem__call__leg__descriptor, saved_of_leg, part_leg },
	{ NULL, NULL, NULL },
};

/* Texts that a leg has more than once are written once: a message of ours ends with what we said, and an INVITE may say again what is in
 * force. Their slices are made shorter; the texts stay as they are. */

static bool is_same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len != 0 && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Takes what was said off the end. */
static bool tail_cut(ProtobufCBinaryData *message, const Tandem__Call__Sdp *sdp)
{
	ProtobufCBinaryData end;

	if (!sdp || sdp->local.len >= message->len)
		return false;
	end = packing_octets(message->data + message->len - sdp->local.len, sdp->local.len);
	if (!is_same(&end, &sdp->local))
		return false;
	message->len -= end.len;
	return true;
}

static Tandem__Call__Tail tail_take(ProtobufCBinaryData *message, const Tandem__Call__Leg *leg)
{
	if (tail_cut(message, leg->sdp))
		return TANDEM__CALL__TAIL__TAIL_SDP;
	if (tail_cut(message, leg->open))
		return TANDEM__CALL__TAIL__TAIL_OPEN;
	return TANDEM__CALL__TAIL__NO_TAIL;
}

static bool tails_take(Tandem__Call__Leg *leg)
{
	Tandem__Call__Asked *asked = leg->asked;
	Tandem__Call__Uas *uas = leg->uas;

	if (asked)
		asked->sent_tail = tail_take(&asked->sent, leg);
	if (uas) {
		uas->answer_tail = tail_take(&uas->answer, leg);
		uas->unacknowledged_tail = tail_take(&uas->unacknowledged, leg);
	}
	return (asked && asked->sent_tail) ||
	       (uas && (uas->answer_tail || uas->unacknowledged_tail));
}

static bool again_take(ProtobufCBinaryData *open, const ProtobufCBinaryData *before)
{
	bool again = is_same(open, before);

	if (again)
		open->len = 0;
	return again;
}

/* After the tails: they are compared with whole texts. */
static bool sdp_take(Tandem__Call__Sdp *open, const Tandem__Call__Sdp *before)
{
	if (!open || !before)
		return false;
	open->remote_again = again_take(&open->remote, &before->remote);
	open->local_again = again_take(&open->local, &before->local);
	return open->remote_again || open->local_again;
}

void packing_once(struct packing *p, Tandem__Call__Leg *leg)
{
	bool any = tails_take(leg);

	any |= sdp_take(leg->open, leg->sdp);
	if (any && p->call.format < CALL_RECORD_ONCE)
		p->call.format = CALL_RECORD_ONCE;
}

static void pack_facts(const struct call_host *h, struct packing *p, const struct call *c)
{
	struct steady_mark mark = steady_mark(&h->steady, h->now.ns);
	Tandem__Call__Call *out = &p->call;

	(void)bytes_cstr(bytes_str(call_tenant(h, c)), p->tenant, sizeof(p->tenant));
	out->id = c->id;
	out->format = call_record_format(c);
	out->version = c->out.version;
	out->incarnation = h->incarnation;
	out->boot = mark.boot;
	out->clock_offset_ms = mark.offset_ms;
	out->saved_utc_ms = mark.utc_ms;
	out->state = (Tandem__Call__State)c->state;
	out->tenant = p->tenant;
	out->from = packing_text(&c->from);
	out->to = packing_text(&c->to);
	out->early_media = c->early_media;
	out->video = c->video;
	out->display = packing_text(&c->display);
	out->data = packing_text(&c->data);
	out->account = packing_text(&c->account);
	out->source = packing_text(&c->source);
	out->setup_utc_ms = c->setup_utc_ms;
	out->ringing_utc_ms = c->ringing_utc_ms;
	out->answer_utc_ms = c->answer_utc_ms;
	out->end_utc_ms = c->end_utc_ms;
	out->ring_until_utc_ms = packing_utc(h, c->ring_ns);
	out->parting_until_utc_ms = packing_utc(h, c->parting_ns);
	out->status = c->status;
	out->cause = c->cause;
	out->ended_by = c->ended_by;
	out->callee = c->bridge.callee == LEG_NONE || c->bridge.callee == 1 ? 0 : c->bridge.callee;
	out->callee_place = c->bridge.callee == 0;
	out->alone = call_is_by_itself(c);
	out->ring_s = c->ring_s;
	out->away_s = c->away_s;
	out->reoffer = c->reoffer;
	out->meets = c->meet_ns != 0;
	out->replaces = c->replaces.call;
	out->replaces_leg = c->replaces.leg;
	out->caller = c->bridge.caller;
	out->offerer = c->bridge.offerer;
}

/* By its 'y', which is rare: memmem() looks at each octet. */
static bool has_crypto(struct bytes in)
{
	const struct bytes wanted = BYTES_LIT("crypto:");
	const size_t y = 2;

	for (size_t i = y; (i += bytes_find(bytes_from(in, i), wanted.p[y])) < in.n; i++) {
		if (bytes_eq(bytes_sub(in, i - y, wanted.n), wanted))
			return true;
	}
	return false;
}

/* Our keys, or those that a party named in its texts; and what a password could be guessed with. */
static bool call_has_keys(const struct call *c, const struct schema_writer *w,
			  const struct text *record)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].secret)
			return true;
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->dialog.challenges)
			return true;
	}
	return w->secret || has_crypto(text_bytes(record));
}

int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out)
{
	ProtobufCMessageUnknownField *unknown;
	struct packing *p = h->packing; /* only what is used of it is written to */
	const struct call_saver saver = { h, c };
	struct schema_writer w = { .now = h->now, .unknown = &c->unknown, .arg = &saver };
	int err;

	tandem__call__call__init(&p->call);
	pack_facts(h, p, c);
	packing_legs(h, p, c, seed);
	p->call.best = packing_best(&p->best, &c->best);
	err = unknown_restore(&c->unknown, &p->call.base, CALL_UNKNOWN_WHOLE, call_unknown_name,
			      &unknown);
	if (!err)
		err = call_pack(h, &p->call, &w, call_parts, out);
	free(unknown);
	return !err && call_has_keys(c, &w, out) ? call_seal(h, c, out) : err;
}

/* Slices of the living transactions. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out)
{
	struct call_seed seed = { 0 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];
		const struct txn_slot *client =
			l && leg_is_open(l) ? txns_get(h->txns, l->uac->client) : NULL;
		const struct txn_slot *server = l && l->uas ? txns_get(h->txns, l->uas->server)
						: l && l->refusal
							? txns_get(h->txns, l->refusal->server)
							: NULL;

		if (client) {
			seed.sent[i] = client->txn.message;
			seed.sent_to[i] = client->txn.hop;
		}
		if (server) {
			seed.request[i] = server->request;
			seed.source[i] = server->source;
		}
	}
	return call_encode_with(h, c, &seed, out);
}

void call_seed_clear(struct call_seed *seed)
{
	for (size_t i = 0; i < LEGS_MAX; i++) {
		text_clear(&seed->request[i]);
		text_clear(&seed->sent[i]);
	}
}
