/* SPDX-License-Identifier: Apache-2.0 */
/* What a record has of legs: message Leg of call.proto, and all that is in it. */
#include <stdlib.h>
#include <string.h>

#include "sig/host/settings.h"
#include "sig/identity/pidf.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/record/call_codec.h"
#include "sig/sip/lex.h"

enum { INTERVAL_MAX_S = 86400, LEG_INDEX = 9, EARLY_NUMBER = 1 };

static const struct leg *leg_written(const struct schema_writer *w)
{
	return saver_of(w)->c->legs[saved_leg(w->place)];
}

static struct leg *leg_that_is_read(const struct schema_reader *r)
{
	return loader_of(r)->c->legs[saved_leg(r->place)];
}

/* ---- hops ---- */

static bool leg_hop_check(struct schema_reader *r, void *object)
{
	if (!saved_hop_check(r, object))
		return false;
	saved_hop_find(loader_of(r), saved_leg(r->place), object);
	return true;
}

static bool leg_hop_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct sip_hop *)object)->remote.family != ADDR_NONE;
}

/* ---- data of a leg during coding ---- */

static void *context_leg(void *beside, const struct schema_place *place)
{
	return &((struct call_context *)beside)->legs[saved_leg(place)];
}

static const struct leg_context *context_written(const struct schema_writer *w)
{
	return context_leg(w->beside, w->place);
}

static bool text_ends_with(const struct text *t, const struct text *end)
{
	return end->n && end->n < t->n && !memcmp(t->p + t->n - end->n, end->p, end->n);
}

/* *out is the message without what it ends with; of which that is the return value. */
static uint8_t message_tail_cut(const struct leg *l, const struct text *message, struct text *out)
{
	uint8_t tail = text_ends_with(message, &l->sdp.local)    ? TAIL_SDP
		       : text_ends_with(message, &l->open.local) ? TAIL_OPEN
								 : TAIL_NONE;

	*out = *message;
	out->n -= tail == TAIL_SDP ? l->sdp.local.n : tail == TAIL_OPEN ? l->open.local.n : 0;
	return tail;
}

static bool is_again(const struct text *a, const struct text *b)
{
	return a->n && bytes_eq(text_bytes(a), text_bytes(b));
}

/* InviteState of call.proto. */
static const uint8_t g_uas_states[] = {
	[UAS_PROCEEDING] = 2,
	[UAS_ANSWERED] = 4,
	[UAS_ACCEPTED] = 5,
};

bool uas_state_of(uint64_t number, enum uas_state *out)
{
	for (size_t i = 0; i < COUNT_OF(g_uas_states); i++) {
		if (g_uas_states[i] != number)
			continue;
		*out = (enum uas_state)i;
		return true;
	}
	return false;
}

static void leg_beside_fill(struct leg_context *b, const struct call_seed *seed,
			    const struct leg *l, uint8_t leg)
{
	*b = (struct leg_context){ 0 };
	b->remote_again = is_again(&l->open.remote, &l->sdp.remote);
	b->local_again = is_again(&l->open.local, &l->sdp.local);
	if (l->uac && seed->sent[leg].n) {
		b->sent_tail = message_tail_cut(l, &seed->sent[leg], &b->sent);
		b->sent_to = seed->sent_to[leg];
	}
	if (l->uas) {
		b->uas_state = g_uas_states[l->uas->state];
		b->request = seed->request[leg];
		b->answer_tail = message_tail_cut(l, &l->uas->answer, &b->answer);
		b->unacknowledged_tail =
			message_tail_cut(l, &l->uas->unacknowledged, &b->unacknowledged);
	}
	b->source = seed->source[leg];
}

bool legs_context(struct call_context *beside, const struct call *c, const struct call_seed *seed)
{
	uint8_t place = 0;
	bool once = false;

	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg_context *b = &beside->legs[i];

		if (!c->legs[i])
			continue;
		leg_beside_fill(b, seed, c->legs[i], i);
		b->index = place++ == i ? 0 : i;
		once |= b->remote_again || b->local_again || b->sent_tail || b->answer_tail ||
			b->unacknowledged_tail;
	}
	return once;
}

void legs_beside_clear(struct call_context *beside)
{
	for (size_t i = 0; i < LEGS_MAX; i++) {
		text_clear(&beside->legs[i].sent);
		text_clear(&beside->legs[i].request);
		text_clear(&beside->legs[i].answer);
		text_clear(&beside->legs[i].unacknowledged);
	}
}

/* ---- SDP ---- */

static bool sdp_is(const struct schema_writer *w, const void *object)
{
	const struct leg_sdp *sdp = object;

	(void)w;
	return sdp->remote.n || sdp->local.n;
}

static bool remote_is_new(const struct schema_writer *w, const void *object)
{
	(void)object;
	return !context_written(w)->remote_again;
}

static bool local_is_new(const struct schema_writer *w, const void *object)
{
	(void)object;
	return !context_written(w)->local_again;
}

static const struct schema sdp_rows[] = {
	{ "remote", 1, SCHEMA_TEXT, SCHEMA_AT(struct leg_sdp, remote), .max = HOST_SDP_MAX },
	{ "local", 2, SCHEMA_TEXT, SCHEMA_AT(struct leg_sdp, local), .max = HOST_SDP_MAX },
	{ "theirs", 3, SCHEMA_BOOL, SCHEMA_AT(struct leg_sdp, theirs) },
	{ "by_18x", 4, SCHEMA_BOOL, SCHEMA_AT(struct leg_sdp, by_18x) },
	{ "remote_again", 5, SCHEMA_IGNORED },
	{ "local_again", 6, SCHEMA_IGNORED },
	{ 0 },
};

static const struct schema open_sdp_rows[] = {
	{ "remote", 1, SCHEMA_TEXT, SCHEMA_IF, SCHEMA_AT(struct leg_sdp, remote),
	  .is = remote_is_new, .max = HOST_SDP_MAX },
	{ "local", 2, SCHEMA_TEXT, SCHEMA_IF, SCHEMA_AT(struct leg_sdp, local), .is = local_is_new,
	  .max = HOST_SDP_MAX },
	{ "theirs", 3, SCHEMA_BOOL, SCHEMA_AT(struct leg_sdp, theirs) },
	{ "by_18x", 4, SCHEMA_BOOL, SCHEMA_AT(struct leg_sdp, by_18x) },
	{ "remote_again", 5, SCHEMA_BOOL, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct leg_context, remote_again), .beside = context_leg },
	{ "local_again", 6, SCHEMA_BOOL, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, local_again),
	  .beside = context_leg },
	{ 0 },
};

/* ---- our INVITE ---- */

static bool prack_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct prack *)object)->state != PRACK_NONE;
}

static const struct schema prack_rows[] = {
	{ "state", 1, SCHEMA_UINT, SCHEMA_AT(struct prack, state), .max = PRACK_DONE },
	{ "answers", 2, SCHEMA_BOOL, SCHEMA_AT(struct prack, answers) },
	{ "rseq", 3, SCHEMA_UINT, SCHEMA_AT(struct prack, rseq), .min = 1 },
	{ "cseq", 4, SCHEMA_UINT, SCHEMA_AT(struct prack, cseq), .max = INT32_MAX },
	{ "branch", 5, SCHEMA_FIXED64, SCHEMA_AT(struct prack, branch) },
	{ 0 },
};

/* What is not the same in all early dialogs of an INVITE. */
static const struct schema early_dialog_rows[] = {
	{ "tag", 1, SCHEMA_IGNORED },
	{ "call_id", 2, SCHEMA_IGNORED },
	{ "remote_tag", 3, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct early_party, tag),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: tag" },
	{ "local", 4, SCHEMA_IGNORED },
	{ "remote", 5, SCHEMA_IGNORED },
	{ "target", 6, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct early_party, target),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: target" },
	{ "routes", 7, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct early_party, routes),
	  .max = DIALOG_ROUTES_MAX, .wrong = "dialog: routes" },
	{ "hop", 8, SCHEMA_MESSAGE, SCHEMA_AT(struct early_party, hop), .of = saved_hop_rows,
	  .min = 1, .check = leg_hop_check, .wrong = "hop" },
	{ "local_cseq", 9, SCHEMA_UINT, SCHEMA_AT(struct early_party, local_cseq),
	  .max = INT32_MAX },
	{ "remote_cseq", 10, SCHEMA_UINT, SCHEMA_AT(struct early_party, remote_cseq),
	  .max = INT32_MAX },
	{ "born_call", 11, SCHEMA_IGNORED },
	{ "born_leg", 12, SCHEMA_IGNORED },
	{ "challenges", 13, SCHEMA_IGNORED },
	{ "proof", 14, SCHEMA_IGNORED },
	{ "named", 15, SCHEMA_BOOL, SCHEMA_AT(struct early_party, named) },
	{ "confers", 16, SCHEMA_BOOL, SCHEMA_AT(struct early_party, confers) },
	{ 0 },
};

static bool early_is_used(const struct schema_writer *w, const void *object)
{
	const struct early *e = object;

	(void)w;
	return e->used && e->party.target.n;
}

static bool early_is_relayed(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct early *)object)->asker.told;
}

static const struct schema early_party_rows[] = {
	{ "dialog", 3, SCHEMA_MESSAGE, SCHEMA_AT(struct early, party), .of = early_dialog_rows },
	{ "prack", 4, SCHEMA_MESSAGE, SCHEMA_AT(struct early, party.prack), .of = prack_rows,
	  .is = prack_is, .wrong = "asked: prack" },
	{ "open", 5, SCHEMA_MESSAGE, SCHEMA_AT(struct early, party.open), .of = sdp_rows,
	  .is = sdp_is, .wrong = "SDP: too long" },
	{ 0 },
};

static const struct schema early_asker_rows[] = {
	{ "tag", 7, SCHEMA_FIXED64, SCHEMA_AT(struct early, asker.tag) },
	{ "remote_cseq", 8, SCHEMA_UINT, SCHEMA_AT(struct early, asker.remote_cseq),
	  .max = INT32_MAX },
	{ "rseq", 9, SCHEMA_UINT, SCHEMA_AT(struct early, asker.rseq) },
	{ "prack_cseq", 10, SCHEMA_UINT, SCHEMA_AT(struct early, asker.prack_cseq),
	  .max = INT32_MAX },
	{ "version", 11, SCHEMA_UINT, SCHEMA_AT(struct early, asker.version) },
	{ "turned", 12, SCHEMA_BOOL, SCHEMA_AT(struct early, asker.turned) },
	{ "told_otherwise", 13, SCHEMA_BOOL, SCHEMA_AT(struct early, asker.told_otherwise) },
	{ "told_open", 14, SCHEMA_MESSAGE, SCHEMA_AT(struct early, asker.open), .of = sdp_rows,
	  .is = sdp_is, .wrong = "SDP: too long" },
	{ 0 },
};

static const struct schema early_rows[] = {
	{ "number", EARLY_NUMBER, SCHEMA_HAND, .write = saved_position_write,
	  .read = saved_read_before },
	{ "used", 2, SCHEMA_BOOL, SCHEMA_IF, SCHEMA_AT(struct early, used), .is = early_is_used },
	{ "dialog", 3, SCHEMA_GROUP, .of = early_party_rows, .is = early_is_used },
	{ "told", 6, SCHEMA_BOOL, SCHEMA_AT(struct early, asker.told) },
	{ "tag", 7, SCHEMA_GROUP, .of = early_asker_rows, .is = early_is_relayed },
	{ 0 },
};

static void earlies_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct invite_uac *uac = object;

	for (uint8_t i = EARLY_MAX; uac->early && i-- > 0;) {
		const struct early *e = &uac->early[i];
		const struct schema_place place = { w->place, 0, row, e, i };

		if (e->asker.told || (e->used && i != uac->early_at))
			schema_put_message(w, row, e, &place);
	}
}

static bool early_is_whole(const struct early *e)
{
	struct sip_uri target;

	return !e->used || (e->party.hop.remote.port && lex_is_token(text_bytes(&e->party.tag)) &&
			    !sip_uri_parse(&target, text_bytes(&e->party.target)));
}

static bool early_read(struct schema_reader *r, const struct schema *row, void *object,
		       const struct schema_wire *in)
{
	uint64_t number = schema_wire_number(in->octets, EARLY_NUMBER);
	struct invite_uac *uac = object;
	struct schema_place place = { .up = r->place, .row = row, .position = number };
	struct early *e;

	if (number >= EARLY_MAX)
		return false;
	if (!uac->early)
		uac->early = calloc(EARLY_MAX, sizeof(*uac->early));
	if (!uac->early)
		return schema_wrong(r, "out of memory");
	place.element = e = &uac->early[number];
	return !e->used && !e->asker.told && schema_read_message(r, row, e, in, &place) &&
	       early_is_whole(e);
}

/* Most legs go on where they were asked. */
static bool target_differs(const struct schema_writer *w, const void *object)
{
	const struct invite_uac *uac = object;
	const struct dialog *d = &leg_written(w)->dialog;

	return !bytes_eq(text_bytes(&uac->target), text_bytes(&d->target)) ||
	       !bytes_eq(text_bytes(&uac->routes), text_bytes(&d->routes));
}

/* Where else the name leads: what is not reached by an address of ours any more is left out. */
static void rest_fit(const struct shard_settings *settings, struct invite_uac *uac)
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < uac->rest_count; i++) {
		if (hop_local_for(&uac->rest[i], settings))
			uac->rest[n++] = uac->rest[i];
	}
	uac->rest_count = n;
}

static bool uac_check(struct schema_reader *r, void *object)
{
	struct invite_uac *uac = object;
	struct sip_uri target;

	if ((uac->target.n && sip_uri_parse(&target, text_bytes(&uac->target))) ||
	    (uac->early && uac->early[uac->early_at].used))
		return schema_wrong(r, "asked: early dialog");
	rest_fit(loader_of(r)->h->settings, uac);
	return true;
}

static const struct schema uac_rows[] = {
	{ "state", 1, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct invite_uac, state), .min = 1,
	  .max = UAC_ANSWERED + 1 },
	{ "branch", 2, SCHEMA_FIXED64, SCHEMA_AT(struct invite_uac, branch) },
	{ "media", 3, SCHEMA_IGNORED },
	{ "sent", 4, SCHEMA_TEXT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, sent),
	  .beside = context_leg, .max = MESSAGE_MAX, .wrong = "asked: too long" },
	{ "sent_to", 5, SCHEMA_MESSAGE, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, sent_to),
	  .beside = context_leg, .of = saved_hop_rows, .is = leg_hop_is, .check = leg_hop_check,
	  .wrong = "hop" },
	{ "from", 6, SCHEMA_UINT, SCHEMA_AT(struct invite_uac, from), .max = LEGS_MAX - 1,
	  .wrong = "asked: from" },
	{ "late", 7, SCHEMA_BOOL, SCHEMA_AT(struct invite_uac, late) },
	{ "pracks", 8, SCHEMA_BOOL, SCHEMA_AT(struct invite_uac, pracks) },
	{ "prack", 9, SCHEMA_MESSAGE, SCHEMA_AT(struct invite_uac, prack), .of = prack_rows,
	  .is = prack_is, .wrong = "asked: prack" },
	{ "sent_tail", 10, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, sent_tail),
	  .beside = context_leg, .max = TAIL_OPEN },
	{ "joins", 11, SCHEMA_BOOL, SCHEMA_AT(struct invite_uac, joins) },
	{ "named", 12, SCHEMA_BOOL, SCHEMA_AT(struct invite_uac, named) },
	{ "rest", 13, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER,
	  SCHEMA_OF(struct invite_uac, rest, struct sip_hop), .of = saved_hop_rows,
	  .count = offsetof(struct invite_uac, rest_count), .most = LOOKUP_TARGETS_MAX,
	  .check = saved_hop_check, .wrong = "asked: rest" },
	{ "challenged", 14, SCHEMA_UINT, SCHEMA_AT(struct invite_uac, challenged) },
	{ "target", 15, SCHEMA_TEXT, SCHEMA_LINE | SCHEMA_IF, SCHEMA_AT(struct invite_uac, target),
	  .is = target_differs, .max = DIALOG_TEXT_MAX, .wrong = "dialog: target" },
	{ "routes", 16, SCHEMA_TEXT, SCHEMA_LINE | SCHEMA_IF, SCHEMA_AT(struct invite_uac, routes),
	  .is = target_differs, .max = DIALOG_ROUTES_MAX, .wrong = "dialog: routes" },
	{ "offer", 17, SCHEMA_TEXT, SCHEMA_AT(struct invite_uac, offer), .max = HOST_SDP_MAX,
	  .wrong = "SDP: too long" },
	{ "early_at", 18, SCHEMA_UINT, SCHEMA_AT(struct invite_uac, early_at), .max = EARLY_MAX - 1,
	  .wrong = "asked: early dialog" },
	{ "early", 19, SCHEMA_HAND, .of = early_rows, .write = earlies_write, .read = early_read,
	  .wrong = "asked: early dialog" },
	{ "screen_until_utc_ms", 20, SCHEMA_DEADLINE, SCHEMA_AT(struct invite_uac, screen_ns),
	  .max = UINT32_MAX },
	{ 0 },
};

/* ---- its party's INVITE ---- */

static const struct schema uas_rows[] = {
	{ "state", 1, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, uas_state),
	  .beside = context_leg, .min = 1, .wrong = "invite: state" },
	{ "late", 2, SCHEMA_BOOL, SCHEMA_AT(struct invite_uas, late) },
	{ "wakes", 3, SCHEMA_BOOL, SCHEMA_AT(struct invite_uas, wakes) },
	{ "early", 4, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, early), .max = LEGS_MAX - 1 },
	{ "provisional", 5, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, provisional), .max = 199 },
	{ "max_forwards", 6, SCHEMA_UINT, SCHEMA_PLUS_ONE,
	  SCHEMA_AT(struct invite_uas, max_forwards), .max = 256 },
	{ "cseq", 7, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, cseq), .max = INT32_MAX },
	{ "answer", 8, SCHEMA_TEXT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, answer),
	  .beside = context_leg, .max = MESSAGE_MAX, .wrong = "invite: too long" },
	{ "request", 9, SCHEMA_TEXT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, request),
	  .beside = context_leg, .max = MESSAGE_MAX, .wrong = "invite: too long" },
	{ "source", 10, SCHEMA_MESSAGE, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, source),
	  .beside = context_leg, .of = saved_hop_rows, .is = leg_hop_is, .check = leg_hop_check,
	  .wrong = "hop" },
	{ "held_before", 11, SCHEMA_BOOL, SCHEMA_AT(struct invite_uas, held_before) },
	{ "reliable", 12, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, reliable),
	  .max = RELIABLE_MUST },
	{ "rseq", 13, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, rseq) },
	{ "prack_cseq", 14, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, prack_cseq),
	  .max = INT32_MAX },
	{ "unacknowledged", 15, SCHEMA_TEXT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct leg_context, unacknowledged), .beside = context_leg, .max = MESSAGE_MAX,
	  .wrong = "invite: too long" },
	{ "turned", 16, SCHEMA_BOOL, SCHEMA_AT(struct invite_uas, turned) },
	{ "answer_tail", 17, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct leg_context, answer_tail), .beside = context_leg, .max = TAIL_OPEN },
	{ "unacknowledged_tail", 18, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct leg_context, unacknowledged_tail), .beside = context_leg,
	  .max = TAIL_OPEN },
	{ "told_otherwise", 19, SCHEMA_BOOL, SCHEMA_AT(struct invite_uas, told_otherwise) },
	{ "expires_utc_ms", 20, SCHEMA_DEADLINE, SCHEMA_AT(struct invite_uas, expires_ns),
	  .max = INVITE_EXPIRES_MAX_S * UINT64_C(1000) },
	{ "early_at", 21, SCHEMA_UINT, SCHEMA_AT(struct invite_uas, early_at), .max = EARLY_MAX },
	{ "offer", 22, SCHEMA_TEXT, SCHEMA_AT(struct invite_uas, offer), .max = HOST_SDP_MAX,
	  .wrong = "SDP: too long" },
	{ 0 },
};

/* Without its transaction it cannot be sent. */
static bool refusal_is(const struct schema_writer *w, const void *object)
{
	(void)object;
	return leg_hop_is(w, &context_written(w)->source);
}

static const struct schema refusal_rows[] = {
	{ "response", 1, SCHEMA_TEXT, SCHEMA_AT(struct leg_refusal, response), .max = MESSAGE_MAX,
	  .wrong = "refusal: too long" },
	{ "source", 2, SCHEMA_MESSAGE, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, source),
	  .beside = context_leg, .of = saved_hop_rows, .min = 1, .check = leg_hop_check,
	  .wrong = "hop" },
	{ 0 },
};

/* ---- terms ---- */

static bool codec_check(struct schema_reader *r, void *object)
{
	(void)r;
	return lex_is_token(bytes_str(object));
}

static const struct schema terms_rows[] = {
	{ "codecs", 1, SCHEMA_CSTR, SCHEMA_LIST,
	  SCHEMA_OF(struct offer_terms, codecs, ((struct offer_terms *)0)->codecs[0]),
	  .count = offsetof(struct offer_terms, codec_count), .most = OFFER_CODECS_MAX,
	  .check = codec_check, .wrong = "terms: codecs" },
	{ "ptime_g711", 2, SCHEMA_UINT, SCHEMA_AT(struct offer_terms, ptime_g711),
	  .wrong = "terms: ptime" },
	{ "ptime_g729", 3, SCHEMA_UINT, SCHEMA_AT(struct offer_terms, ptime_g729),
	  .wrong = "terms: ptime" },
	{ "no_events", 4, SCHEMA_UINT, SCHEMA_AT(struct offer_terms, digits),
	  .max = OFFER_DIGITS_TONES, .wrong = "terms: no_events" },
	{ "no_video", 5, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, no_video) },
	{ "video_kbps", 6, SCHEMA_UINT, SCHEMA_AT(struct offer_terms, video_kbps) },
	{ "sdes_offer", 7, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, sdes_offer) },
	{ "sdes_accept", 8, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, sdes_accept) },
	{ "sdes_only", 9, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, sdes_only) },
	{ "dtls_offer", 10, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, dtls_offer) },
	{ "dtls_accept", 11, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, dtls_accept) },
	{ "dtls_only", 12, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, dtls_only) },
	{ "video_codecs", 13, SCHEMA_UINT, SCHEMA_BITS, SCHEMA_AT(struct offer_terms, video_codecs),
	  .max = OFFER_VIDEO_ALL },
	{ "media_by_sdp", 14, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, media_by_sdp) },
	{ "lines", 15, SCHEMA_UINT, SCHEMA_BITS, SCHEMA_AT(struct offer_terms, lines),
	  .max = OFFER_LINES_ALL },
	{ "transcode", 16, SCHEMA_BOOL, SCHEMA_AT(struct offer_terms, transcode) },
	{ 0 },
};

/* ---- the session timer ---- */

static bool timer_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct session_timer *)object)->interval_s != 0;
}

static const struct schema timer_rows[] = {
	{ "interval_s", 1, SCHEMA_UINT, SCHEMA_AT(struct session_timer, interval_s),
	  .min = SESSION_EXPIRES_MIN_S, .max = INTERVAL_MAX_S },
	{ "min_s", 2, SCHEMA_UINT, SCHEMA_AT(struct session_timer, min_s), .max = INTERVAL_MAX_S },
	{ "agreed", 3, SCHEMA_BOOL, SCHEMA_AT(struct session_timer, agreed) },
	{ "ours", 4, SCHEMA_BOOL, SCHEMA_AT(struct session_timer, ours) },
	{ "refresh_utc_ms", 5, SCHEMA_DEADLINE, SCHEMA_AT(struct session_timer, refresh_ns),
	  .max = INTERVAL_MAX_S * 1000 },
	{ "expires_utc_ms", 6, SCHEMA_DEADLINE, SCHEMA_AT(struct session_timer, expires_ns),
	  .max = INTERVAL_MAX_S * 1000 },
	{ 0 },
};

/* ---- acknowledged answers, and further forks ---- */

static bool acked_is(const struct schema_writer *w, const void *object)
{
	return ((const struct leg_acked *)object)->until_ns > w->now.ns;
}

static bool acked_is_in_force(const struct leg *l, const struct leg_acked *a)
{
	return bytes_eq(text_bytes(&a->answer), text_bytes(&l->sdp.local));
}

static bool acked_is_older(const struct schema_writer *w, const void *object)
{
	return !acked_is_in_force(leg_written(w), object);
}

static void in_force_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	schema_put_number(w, row->tag, acked_is_in_force(leg_written(w), object));
}

static bool in_force_read(struct schema_reader *r, const struct schema *row, void *object,
			  const struct schema_wire *in)
{
	struct leg_acked *a = object;

	(void)row;
	return in->kind == SCHEMA_WIRE_VARINT &&
	       (!in->number || !text_set(&a->answer, text_bytes(&leg_that_is_read(r)->sdp.local)));
}

static bool acked_check(struct schema_reader *r, void *object)
{
	(void)r;
	return ((struct leg_acked *)object)->answer.n != 0;
}

static const struct schema acked_rows[] = {
	{ "cseq", 1, SCHEMA_UINT, SCHEMA_AT(struct leg_acked, cseq), .min = 1, .max = INT32_MAX },
	{ "answer", 2, SCHEMA_TEXT, SCHEMA_IF, SCHEMA_AT(struct leg_acked, answer),
	  .is = acked_is_older, .max = HOST_SDP_MAX },
	{ "in_force", 3, SCHEMA_HAND, .write = in_force_write, .read = in_force_read },
	{ "until_utc_ms", 4, SCHEMA_DEADLINE, SCHEMA_AT(struct leg_acked, until_ns),
	  .max = TXN_TIMEOUT_MS },
	{ 0 },
};

static const struct schema acks_list[] = {
	{ "acked", 37, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct leg_acks, list, struct leg_acked), .of = acked_rows,
	  .count = offsetof(struct leg_acks, count), .most = LEG_ACKS_MAX, .is = acked_is,
	  .check = acked_check, .wrong = "leg: acknowledged" },
	{ 0 },
};

static bool fork_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct leg_fork *)object)->bye.n != 0;
}

static bool fork_check(struct schema_reader *r, void *object)
{
	return forks_read(leg_that_is_read(r), object);
}

static const struct schema fork_rows[] = {
	{ "bye", 1, SCHEMA_TEXT, SCHEMA_AT(struct leg_fork, bye), .max = MESSAGE_MAX },
	{ "hop", 2, SCHEMA_MESSAGE, SCHEMA_AT(struct leg_fork, hop), .of = saved_hop_rows, .min = 1,
	  .check = leg_hop_check, .wrong = "hop" },
	{ 0 },
};

static const struct schema forks_list[] = {
	{ "forks", 38, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct leg_forks, list, struct leg_fork), .of = fork_rows,
	  .count = offsetof(struct leg_forks, count), .most = LEG_FORKS_MAX, .is = fork_is,
	  .check = fork_check, .wrong = "leg: fork" },
	{ 0 },
};

/* ---- the leg ---- */

/* A leg keeps the tags that it was born with. */
static bool leg_dialog_check(struct schema_reader *r, void *object)
{
	struct call_loader *l = loader_of(r);
	uint8_t leg = saved_leg(r->place);
	struct dialog *d = object;

	if (d->hop.remote.family == ADDR_NONE)
		return schema_wrong(r, "dialog: hop");
	saved_hop_find(l, leg, &d->hop);
	if (!d->tag.call) {
		d->tag.call = l->c->id;
		d->tag.leg = leg;
		return true;
	}
	if (id_shard(d->tag.call) != l->h->settings->number ||
	    (d->tag.call == l->c->id && d->tag.leg == leg))
		return schema_wrong(r, "dialog: where it was born");
	return !forward_set(NULL, d, l->c->id, leg) || schema_wrong(r, "out of memory");
}

static uint64_t legs_there(const struct call *c)
{
	uint64_t n = 0;

	for (uint8_t i = 0; i < c->leg_count; i++)
		n += c->legs[i] != NULL;
	return n;
}

static bool user_differs(const struct schema_writer *w, const void *object)
{
	const struct leg *l = object;

	return l->trunk.n ||
	       !bytes_eq(text_bytes(&l->user), call_leg_user(saver_of(w)->c, saved_leg(w->place)));
}

static bool carried_check(struct schema_reader *r, void *member)
{
	(void)r;
	return carried_is_valid(text_bytes(member));
}

static bool pidf_check(struct schema_reader *r, void *member)
{
	(void)r;
	return pidf_is_valid(text_bytes(member));
}

static const struct schema leg_rows[] = {
	{ "state", 1, SCHEMA_UINT, SCHEMA_AT(struct leg, state), .max = LEG_CLOSED,
	  .wrong = "leg: state" },
	{ "leave", 2, SCHEMA_BOOL, SCHEMA_AT(struct leg, leave) },
	{ "behind_nat", 3, SCHEMA_BOOL, SCHEMA_AT(struct leg, behind_nat) },
	{ "dialog", 4, SCHEMA_MESSAGE, SCHEMA_AT(struct leg, dialog), .of = saved_leg_dialog_rows,
	  .min = 1, .check = leg_dialog_check, .wrong = "dialog is missing" },
	{ "session_id", 5, SCHEMA_UINT, SCHEMA_AT(struct leg, session_id) },
	{ "session_version", 6, SCHEMA_UINT, SCHEMA_AT(struct leg, session_version) },
	{ "invite_cseq", 7, SCHEMA_UINT, SCHEMA_AT(struct leg, invite_cseq) },
	{ "ack_branch", 8, SCHEMA_FIXED64, SCHEMA_AT(struct leg, ack_branch) },
	{ "index", LEG_INDEX, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct leg_context, index),
	  .beside = context_leg, .wrong = "leg: index" },
	{ "asked", 10, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, uac, struct invite_uac), .of = uac_rows, .check = uac_check,
	  .wrong = "asked: state" },
	{ "held", 11, SCHEMA_BOOL, SCHEMA_AT(struct leg, held) },
	{ "muted", 12, SCHEMA_BOOL, SCHEMA_AT(struct leg, muted) },
	{ "terms", 13, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, terms, struct offer_terms), .of = terms_rows },
	{ "user", 14, SCHEMA_TEXT, SCHEMA_LINE | SCHEMA_IF, SCHEMA_AT(struct leg, user),
	  .is = user_differs, .max = SAVED_USER_MAX, .wrong = "leg: user" },
	{ "takes_talk", 15, SCHEMA_BOOL, SCHEMA_AT(struct leg, takes_talk) },
	{ "takes_update", 16, SCHEMA_BOOL, SCHEMA_AT(struct leg, takes_update) },
	{ "timer", 17, SCHEMA_MESSAGE, SCHEMA_AT(struct leg, timer), .of = timer_rows,
	  .is = timer_is, .wrong = "leg: session timer" },
	{ "local", 18, SCHEMA_IGNORED },
	{ "sdp", 19, SCHEMA_MESSAGE, SCHEMA_AT(struct leg, sdp), .of = sdp_rows, .is = sdp_is,
	  .wrong = "SDP: too long" },
	{ "open", 20, SCHEMA_MESSAGE, SCHEMA_AT(struct leg, open), .of = open_sdp_rows,
	  .is = sdp_is, .wrong = "SDP: too long" },
	{ "uas", 21, SCHEMA_MESSAGE, SCHEMA_POINTER, SCHEMA_OF(struct leg, uas, struct invite_uas),
	  .of = uas_rows, .wrong = "invite: numbers" },
	{ "outbound", 22, SCHEMA_BOOL, SCHEMA_AT(struct leg, outbound) },
	{ "holds", 23, SCHEMA_BOOL, SCHEMA_AT(struct leg, holds) },
	{ "invite_late", 24, SCHEMA_BOOL, SCHEMA_AT(struct leg, invite_late) },
	{ "refusal", 25, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, refusal, struct leg_refusal), .of = refusal_rows,
	  .is = refusal_is },
	{ "trunk", 26, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct leg, trunk),
	  .max = TRUNK_NAME_MAX - 1, .wrong = "leg: trunk" },
	{ "carried", 27, SCHEMA_TEXT, SCHEMA_AT(struct leg, carried), .max = CARRIED_MAX,
	  .check = carried_check, .wrong = "leg: who calls" },
	{ "pidf", 28, SCHEMA_TEXT, SCHEMA_AT(struct leg, pidf), .max = PIDF_MAX,
	  .check = pidf_check, .wrong = "leg: where it is" },
	{ "toll", 29, SCHEMA_GROUP, .of = leg_toll_saved },
	{ "callback", 30, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct leg, callback),
	  .max = FORWARD_TARGET_MAX - 1, .wrong = "leg: callback" },
	{ "digits", 31, SCHEMA_GROUP, .of = code_digits_saved },
	{ "no_info", 32, SCHEMA_BOOL, SCHEMA_AT(struct leg, no_info) },
	{ "info_digits", 33, SCHEMA_BOOL, SCHEMA_AT(struct leg, info_digits) },
	{ "record_aware", 34, SCHEMA_BOOL, SCHEMA_AT(struct leg, record_aware) },
	{ "record_preference", 35, SCHEMA_UINT, SCHEMA_AT(struct leg, record_preference) },
	{ "account", 36, SCHEMA_GROUP, .of = entry_saved },
	{ "acked", 37, SCHEMA_GROUP, SCHEMA_POINTER, SCHEMA_OF(struct leg, acks, struct leg_acks),
	  .of = acks_list },
	{ "forks", 38, SCHEMA_GROUP, SCHEMA_POINTER, SCHEMA_OF(struct leg, forks, struct leg_forks),
	  .of = forks_list },
	{ "device", 39, SCHEMA_UINT, SCHEMA_AT(struct leg, device) },
	{ "bare", 40, SCHEMA_UINT, SCHEMA_AT(struct leg, bare) },
	{ 0 },
};

static void legs_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct call *c = object;

	for (uint8_t i = c->leg_count; i-- > 0;) {
		const struct schema_place place = { w->place, 0, row, c->legs[i], i };

		if (c->legs[i])
			schema_put_message(w, row, c->legs[i], &place);
	}
}

/* NULL: the index cannot be, or no memory. */
static struct leg *leg_make(struct call *c, uint64_t index)
{
	if (!c->legs)
		c->legs = calloc(LEGS_MAX, sizeof(struct leg *));
	if (!c->legs || index >= LEGS_MAX || index < c->leg_count)
		return NULL;
	c->legs[index] = calloc(1, sizeof(struct leg));
	if (c->legs[index])
		c->leg_count = (uint8_t)(index + 1);
	return c->legs[index];
}

static bool leg_read(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in)
{
	uint64_t index = schema_wire_number(in->octets, LEG_INDEX);
	struct call *c = object;
	struct leg *l = leg_make(c, index ? index : legs_there(c));
	const struct schema_place place = { r->place, 0, row, l, c->leg_count - 1U };

	return l && schema_read_message(r, row, l, in, &place);
}

const struct schema legs_saved[] = {
	{ "legs", 17, SCHEMA_HAND, .of = leg_rows, .write = legs_write, .read = leg_read,
	  .wrong = "leg: index" },
	{ 0 },
};

/* ---- what is of several fields ---- */

/* It is over, or was released before it sent anything. */
static bool leg_has_channel(const struct leg *l)
{
	return l->state != LEG_CLOSED && !(l->outbound && l->leave && l->state == LEG_LEAVING);
}

/* Its calls of before a deletion are of that name, too. */
static bool leg_trunk_fit(struct schema_reader *r, struct leg *l)
{
	const struct call_loader *loader = loader_of(r);
	struct trunks *all = loader->h->settings->trunks;
	uint16_t trunk = TRUNK_NONE;

	if (!l->trunk.n)
		return true;
	l->dialog.trunk = true;
	if (all && leg_has_channel(l))
		trunk = trunks_claim(all, loader->c->tenant, text_bytes(&l->trunk));
	return !leg_set_trunk(all, l, trunk) || schema_wrong(r, "out of memory");
}

/* Without places for codecs that are not there. */
static bool leg_terms_fit(struct schema_reader *r, struct leg *l)
{
	struct offer_terms *terms = l->terms;
	int err;

	if (!terms)
		return true;
	l->terms = NULL;
	err = leg_set_terms(l, terms);
	free(terms);
	return !err || schema_wrong(r, "out of memory");
}

/* Texts that a record has once. */
static bool tail_join(struct schema_reader *r, const struct leg *l, struct text *to, uint8_t tail)
{
	const struct text *end = tail == TAIL_SDP ? &l->sdp.local : &l->open.local;
	size_t n = (size_t)to->n + end->n;
	char *all;

	if (!tail)
		return true;
	if (!to->n || !end->n || n > MESSAGE_MAX)
		return schema_wrong(r, "invite: too long");
	all = realloc(to->p, n + 1);
	if (!all)
		return schema_wrong(r, "out of memory");
	memcpy(all + to->n, end->p, end->n);
	all[n] = '\0';
	*to = (struct text){ .p = all, .n = (uint32_t)n };
	return true;
}

static bool again_join(struct schema_reader *r, struct text *to, const struct text *before,
		       bool again)
{
	if (!again)
		return true;
	if (to->n || !before->n)
		return schema_wrong(r, "SDP: again");
	return !text_set(to, text_bytes(before)) || schema_wrong(r, "out of memory");
}

static bool leg_texts_fit(struct schema_reader *r, struct leg *l, struct leg_context *b)
{
	return tail_join(r, l, &b->sent, b->sent_tail) &&
	       tail_join(r, l, &b->answer, b->answer_tail) &&
	       tail_join(r, l, &b->unacknowledged, b->unacknowledged_tail) &&
	       again_join(r, &l->open.remote, &l->sdp.remote, b->remote_again) &&
	       again_join(r, &l->open.local, &l->sdp.local, b->local_again);
}

static void text_move(struct text *to, struct text *from)
{
	*to = *from;
	*from = (struct text){ 0 };
}

/* Moves data of the leg to their places. */
static bool leg_invites_fit(struct schema_reader *r, struct leg *l, struct leg_context *b,
			    struct call_seed *seed, uint8_t leg)
{
	if (l->uac && !call_leg(loader_of(r)->c, l->uac->from))
		return schema_wrong(r, "asked: from");
	if (l->uas && !uas_state_of(b->uas_state, &l->uas->state))
		return schema_wrong(r, "invite: state");
	if ((b->sent.n && !leg_hop_is(NULL, &b->sent_to)) ||
	    (b->request.n && !leg_hop_is(NULL, &b->source)))
		return schema_wrong(r, "hop: unknown transport");
	seed->source[leg] = b->source;
	if (b->sent.n)
		seed->sent_to[leg] = b->sent_to;
	text_move(&seed->sent[leg], &b->sent);
	text_move(&seed->request[leg], &b->request);
	if (l->uas) {
		text_move(&l->uas->answer, &b->answer);
		text_move(&l->uas->unacknowledged, &b->unacknowledged);
	}
	return true;
}

/* The phone's user, unless stated otherwise; a trunk's leg has none but one that is stated. */
static bool leg_user_fit(struct schema_reader *r, struct leg *l, uint8_t leg)
{
	return l->user.n || l->trunk.n ||
	       !text_set(&l->user, call_leg_user(loader_of(r)->c, leg)) ||
	       schema_wrong(r, "out of memory");
}

bool legs_fit(struct schema_reader *r, struct call_seed *seed)
{
	struct call_context *beside = r->beside;
	const struct call *c = loader_of(r)->c;
	bool ok = true;

	for (uint8_t i = 0; ok && i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (!l)
			continue;
		if (l->record_preference >= OFFER_PREFERENCES)
			l->record_preference = OFFER_PREFERS_NOTHING;
		ok = leg_texts_fit(r, l, &beside->legs[i]) &&
		     leg_invites_fit(r, l, &beside->legs[i], seed, i) && leg_user_fit(r, l, i) &&
		     leg_terms_fit(r, l) && leg_trunk_fit(r, l);
	}
	return ok;
}
