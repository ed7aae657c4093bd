/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of a shard. */
#include <assert.h>
#include <string.h>

#include "media/payload.h"
#include "sig/call/cdr.h"
#include "sig/call/party_state.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/leg/flow.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/recording/siprec_body.h"
#include "sig/shard/shard.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/message.h"

/* A party of a call as shown to others. Of session descriptions only names of codecs and suites:
 * the rest may hold SRTP keys. */

static void write_codecs(struct writer *w, const struct sdp *sdp, unsigned section)
{
	struct payload_list list;

	payload_list_read(&list, sdp, section);
	for (uint8_t i = 0; i < list.count; i++) {
		const struct payload *p = &list.at[i];

		if (p->name.n == 0 || payload_is(p, "telephone-event") || payload_is(p, "CN"))
			continue;
		if (w->n)
			writer_u8(w, ',');
		writer_bytes(w, p->name);
	}
}

/* "1 AES_CM_128_HMAC_SHA1_80 inline:..." (RFC 4568 9.1) */
static void write_suite(struct writer *w, const struct sdp *sdp, unsigned section)
{
	struct bytes rest, word;

	if (w->n == 0 && sdp_attribute(sdp, section, "crypto", &rest) &&
	    bytes_cut(&rest, ' ', &word) && bytes_cut(&rest, ' ', &word))
		writer_bytes(w, word);
}

static void view_session(const struct sdp *sdp, struct call_view_leg *out)
{
	struct writer codecs = writer_over(out->codecs, sizeof(out->codecs) - 1);
	struct writer suite = writer_over(out->suite, sizeof(out->suite) - 1);

	for (unsigned i = 1; i <= sdp->media_count; i++) {
		if (sdp->sections[i].port == 0)
			continue;
		write_codecs(&codecs, sdp, i);
		write_suite(&suite, sdp, i);
	}
	out->codecs[codecs.n] = out->suite[suite.n] = '\0';
}

static void shard_view_codecs(const struct leg *l, struct call_view_leg *out)
{
	struct bytes answer = leg_sdp_answer(&l->sdp); /* it names what is used */
	struct sdp_error error;
	struct sdp sdp;

	if (answer.n && !sdp_parse(&sdp, answer, &error))
		view_session(&sdp, out);
}

/* ---- shard_view.c ---- */
static void shard_view_leg(const struct shard *s, uint16_t tenant, const struct leg *l,
			   struct call_view_leg *out)
{
	*out = (struct call_view_leg){
		.transport = l->dialog.hop.transport,
		.held = l->held,
		.muted = l->muted,
	};
	(void)bytes_cstr(bytes_str(shard_profile_of(s, tenant, &l->dialog.hop.remote)->name),
			 out->profile, sizeof(out->profile));
	cdr_put(out->trunk, sizeof(out->trunk), text_bytes(&l->trunk));
}

/* An m-line as shown to others: addresses, directions, codecs; no SRTP keys. */

static struct addr contact_of(const struct leg *l)
{
	struct sip_uri uri;
	struct addr a;

	if (sip_uri_parse(&uri, text_bytes(&l->dialog.target)) || addr_parse(&a, uri.host))
		return (struct addr){ 0 };
	a.port = uri.port;
	return a;
}

bool shard_call_line(const struct shard *s, uint64_t call, uint8_t leg, uint8_t line,
		     struct line_facts *out, struct addr *contact)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l = c ? call_leg(c, leg) : NULL;

	*contact = (struct addr){ 0 };
	if (!l)
		return false;
	*contact = contact_of(l);
	return line_facts_read(c, leg, line, out);
}

/* Where a party is, as others may see it. */

static void party_name_put(struct party_place *out, struct bytes name)
{
	cdr_put(out->name, sizeof(out->name), name);
}

static void place_of_act(struct party_place *out, const struct prompts *a)
{
	struct bytes file = bytes_str(a->terms.files[a->file]);
	bool plays = a->source == AUDIO_SOURCE_PLAY || a->source == AUDIO_SOURCE_ITSELF;

	out->kind = a->source == AUDIO_SOURCE_ITSELF ? PARTY_ECHOED : PARTY_PLAYED;
	out->collects = a->list[a->at].kind == PROMPT_COLLECT;
	out->records = a->list[a->at].kind == PROMPT_RECORD;
	out->paused = a->paused;
	if (bytes_starts(file, PROMPT_LIVE)) {
		out->kind = PARTY_STREAMED;
		file = bytes_from(file, strlen(PROMPT_LIVE));
	} else if (plays) {
		out->file = (uint8_t)(a->file + 1);
		out->file_count = a->terms.file_count;
	} else if (a->source == AUDIO_SOURCE_PEER) {
		file = (struct bytes){ 0 }; /* all was played */
	}
	party_name_put(out, file);
}

static void place_of_member(struct party_place *out, const struct shard *s, const struct call *c)
{
	const struct room_member *m = c->member;
	const struct room *r = s->host.services->rooms->find(s->host.owner, m->room);

	out->kind = PARTY_CONFERS;
	out->room = m->room;
	out->muted = m->muted;
	out->deaf = m->deaf;
	out->held = conference_is_held(c) && !m->waits;
	out->waits_host = m->waits;
	out->others = r && r->count ? (uint16_t)(r->count - 1) : 0;
	party_name_put(out, bytes_str(m->number_called));
}

static void place_of_lonely(struct party_place *out, const struct shard *s, const struct call *c)
{
	if (c->parting_ns) {
		out->kind = PARTY_PARTS;
	} else if (c->park && !c->park->asks) {
		out->kind = PARTY_PARKED;
		party_name_put(out, bytes_str(c->park->slot));
	} else if (conference_speaks(c)) {
		place_of_member(out, s, c);
	} else if (call_is_alone(c)) {
		out->kind = PARTY_ALONE;
	}
}

/* Its audio source has a track, or will have soon. */
static bool place_sounds(const struct shard *s, const struct call *c, uint8_t leg)
{
	struct flow_source source;

	if (audio_source_is_late(&s->host, c, leg))
		return true;
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].kind == MEDIA_AUDIO &&
		    audio_source_track(&s->host, c, leg, c->flows[i].line, &source))
			return true;
	}
	return false;
}

bool shard_call_place(const struct shard *s, uint64_t call, uint8_t leg, struct party_place *out)
{
	const struct call *c = shard_call_find(s, call);

	*out = (struct party_place){ 0 };
	if (c && leg == CALL_VIEW_CALLER)
		leg = c->bridge.caller;
	if (!c || !call_leg(c, leg))
		return false;
	cdr_put(out->application, sizeof(out->application), call_application(c));
	if (leg == c->bridge.caller && call_awaits_application(c))
		out->kind = PARTY_WAITS;
	else if (c->prompts &&
		 (prompts_are_announcing(c) ? leg == c->prompts->leg : leg == c->bridge.caller))
		place_of_act(out, c->prompts);
	else if (leg == c->bridge.caller)
		place_of_lonely(out, s, c);
	out->sounds = place_sounds(s, c, leg);
	return true;
}

/* The session between us and a party for authorized tools: the dialog and the SDP in force, SRTP
 * keys included. */

bool shard_call_session(const struct shard *s, uint64_t call, uint8_t leg, struct call_session *out)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l = c && bridge_has(c, leg) ? call_leg(c, leg) : NULL;

	if (!l)
		return false;
	*out = (struct call_session){ .call_id = text_bytes(&l->dialog.call_id),
				      .local = text_bytes(&l->dialog.local),
				      .remote = text_bytes(&l->dialog.remote),
				      .remote_tag = text_bytes(&l->dialog.remote_tag),
				      .target = text_bytes(&l->dialog.target),
				      .remote_sdp = text_bytes(&l->sdp.remote),
				      .local_sdp = text_bytes(&l->sdp.local),
				      .hop = l->dialog.hop,
				      .outbound = l->outbound };
	id_tag_put(out->local_tag, &l->dialog.tag);
	return out->remote_sdp.n && out->local_sdp.n;
}

static uint64_t shard_wall_utc_ms(const struct shard *s, uint64_t utc_ms)
{
	return steady_add(utc_ms, s->host.wall_ms);
}

static void view_flow(const struct shard *s, const struct call_flow *f, struct call_view *out)
{
	struct addr local = s->settings.networks[f->network].media_bind;
	uint32_t i = out->flow_count;

	if (i == CALL_VIEW_FLOWS_MAX)
		return;
	out->flow_count++;
	local.port = flow_port(f);
	out->flows[i].id = f->id;
	out->flows[i].leg = f->leg;
	out->flows[i].line = f->line;
	out->flows[i].kind = f->kind;
	out->flows[i].local = local;
	out->flows[i].remote = f->remote;
	out->flows[i].ssrc_out = f->ssrc_out;
	out->flows[i].transcoded_to = f->transcoded_to;
	out->flows[i].resume = f->resume;
}

static void view_flows(const struct shard *s, const struct call *c, bool talk,
		       struct call_view *out)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (bridge_has(c, f->leg) == talk)
			view_flow(s, f, out);
	}
}

/* The caller and the callee; the caller again without a callee. */
static uint8_t view_leg(const struct call *c, size_t party)
{
	return party == 0 || c->bridge.callee == LEG_NONE ? c->bridge.caller : c->bridge.callee;
}

static void glance_legs(const struct shard *s, const struct call *c, struct call_view *out)
{
	for (size_t i = 0; i < COUNT_OF(out->legs); i++) {
		const struct leg *l = c->legs[view_leg(c, i)];

		out->sip_call_id[i] = &l->dialog.call_id;
		out->remote[i] = l->dialog.hop.remote;
		shard_view_leg(s, c->tenant, l, &out->legs[i]);
	}
	for (uint8_t i = 0; i < c->leg_count; i++)
		out->leg_count += c->legs[i] && c->legs[i]->state != LEG_CLOSED;
}

/* While the recorder is asked anew it is not known what it takes. */
static void view_streams(const struct shard *s, const struct call *c, const struct recording *r,
			 struct call_view_recorder *out)
{
	const struct siprec *x = r->siprec;
	struct siprec_words words;
	struct siprec_talk talk;

	if (!out->taken || !x->has_ports || x->invite)
		return;
	siprec_talk_read(&talk, &words, &s->host, c, r);
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		bool speaks = talk.party[i].there && talk.party[i].speaks;

		if (!speaks)
			continue;
		out->speak++;
		out->takes = (uint8_t)(out->takes + (x->answer.stream[i].on ? 1 : 0));
	}
}

static void view_recorder(const struct shard *s, const struct call *c, const struct recording *r,
			  struct call_view_recorder *out)
{
	const struct siprec *x = r->siprec;

	out->external = r->to == RECORD_TO_SIPREC;
	if (!out->external || !x)
		return;
	out->taken = x->state == SIPREC_UP;
	out->lost = x->lost;
	out->reason = x->why.reason;
	out->status = x->why.status;
	out->refused = x->why.reason &&
		       (x->why.outcome == SIPREC_REFUSED || x->why.outcome == SIPREC_ENDED);
	if (x->state != SIPREC_AWAY)
		out->at = x->dialog.hop.remote;
	view_streams(s, c, r, out);
}

static void view_recordings(const struct shard *s, const struct call *c, struct call_view *out)
{
	static_assert((int)CALL_VIEW_RECORDINGS_MAX == (int)RECORDINGS_LIVE_MAX, "all of them");
	const struct recordings *all = c->recordings;

	for (uint8_t i = 0; all && i < all->count; i++) {
		const struct recording *r = &all->list[i];

		out->recordings[out->recording_count++] = (struct call_view_recording){
			.number = r->number,
			.leg = r->leg != c->bridge.caller,
			.paused = r->paused,
			.to = recording_place_name(r->to),
			.cause = recording_cause_name((enum recording_cause)r->cause),
			.begun_utc_ms = shard_wall_utc_ms(s, r->begun_utc_ms),
		};
		view_recorder(s, c, r, &out->recordings[out->recording_count - 1].recorder);
	}
}

/* What lists show; the rest stays as it is. */
static void view_head(const struct shard *s, const struct call *c, struct call_view *out)
{
	out->call = c->id;
	out->state = c->state;
	out->version = c->out.version;
	out->saved = c->out.acked == c->out.version;
	out->restored = c->restored;
	out->setup_utc_ms = shard_wall_utc_ms(s, segments_setup_utc_ms(c));
	out->answer_utc_ms = shard_wall_utc_ms(s, segments_answer_utc_ms(c));
	cdr_put(out->tenant, sizeof(out->tenant),
		bytes_str(tenants_name(s->settings.tenants, c->tenant)));
	cdr_put(out->application, sizeof(out->application), call_application(c));
	out->waits = call_awaits_application(c);
	for (unsigned b = 0; b < 2; b++)
		out->states[b] = party_state_of(c, b);
	cdr_put_number(out->from, sizeof(out->from), &s->host, c, text_bytes(&c->from));
	cdr_put_number(out->to, sizeof(out->to), &s->host, c, text_bytes(&c->to));
	cdr_put(out->from_name, sizeof(out->from_name), call_from_name(c));
	cdr_put_number(out->answered_by, sizeof(out->answered_by), &s->host, c,
		       call_answered_by(c));
}

static void glance(const struct shard *s, const struct call *c, struct call_view *out)
{
	*out = (struct call_view){ 0 };
	view_head(s, c, out);
	glance_legs(s, c, out);
	view_recordings(s, c, out);
	view_flows(s, c, true, out);
	view_flows(s, c, false, out);
}

static void shard_fill_view(const struct shard *s, const struct call *c, struct call_view *out)
{
	glance(s, c, out);
	for (size_t i = 0; i < COUNT_OF(out->legs); i++)
		shard_view_codecs(c->legs[view_leg(c, i)], &out->legs[i]);
}

bool shard_call_glance(const struct shard *s, uint64_t call, struct call_view *out)
{
	const struct call *c = shard_call_find(s, call);

	if (c)
		glance(s, c, out);
	return c != NULL;
}

bool shard_call_facts(const struct shard *s, uint64_t call, struct call_facts *out)
{
	const struct call *c = shard_call_find(s, call);

	if (c)
		call_facts_fill(out, &s->host, c);
	return c != NULL;
}

bool shard_call_tenant(const struct shard *s, uint64_t call, uint16_t *tenant)
{
	const struct call *c = shard_call_find(s, call);

	if (c)
		*tenant = c->tenant;
	return c != NULL;
}

static void call_part_add(const struct call *c, uint8_t leg, struct call_part *out)
{
	bool ends = c->state == CALL_ENDING;
	const struct leg *l = c->legs[leg];

	if (l->state >= LEG_LEAVING && !ends)
		return;
	out->rings = out->rings || ends || (l->state == LEG_EARLY && l->outbound);
	out->gives = out->gives || transfer_is_of_transferor(c, leg);
	if (!out->side && leg == c->bridge.caller)
		out->side = 'a';
	if (!out->side && leg == c->bridge.callee && l->state != LEG_EARLY)
		out->side = 'b';
}

struct call_part shard_call_part(const struct shard *s, uint64_t call, struct bytes user)
{
	const struct call *c = shard_call_find(s, call);
	struct call_part out = { 0 };
	struct bytes waited = c ? call_waits_for(c) : (struct bytes){ 0 };

	out.rings = waited.n && bytes_eq(waited, user);
	for (uint8_t i = 0; c && i < c->leg_count; i++) {
		if (c->legs[i] && !leg_is_trunk(c->legs[i]) &&
		    bytes_eq(text_bytes(&c->legs[i]->user), user))
			call_part_add(c, i, &out);
	}
	return out;
}

bool shard_call_flow(const struct shard *s, uint64_t call, struct writer *w)
{
	const struct call *c = shard_call_find(s, call);

	if (c)
		flow_describe(&s->host, c, w);
	return w->n != 0;
}

bool shard_call_view(const struct shard *s, uint64_t call, struct call_view *out)
{
	const struct call *c = shard_call_find(s, call);

	if (c)
		shard_fill_view(s, c, out);
	return c != NULL;
}

static const char *leg_state_name(enum leg_state state)
{
	switch (state) {
	case LEG_EARLY:
		return "early";
	case LEG_ANSWERED:
		return "answered";
	case LEG_CONFIRMED:
		return "confirmed";
	case LEG_LEAVING:
	case LEG_CLOSED:
		break;
	}
	return "leaving";
}

bool shard_call_leg(const struct shard *s, uint64_t call, uint64_t *number,
		    struct call_leg_view *out)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l;

	while (c && *number < c->leg_count &&
	       (!c->legs[*number] || c->legs[*number]->state == LEG_CLOSED))
		++*number;
	if (!c || *number >= c->leg_count)
		return false;
	l = c->legs[*number];
	*out = (struct call_leg_view){
		.party = *number == c->bridge.caller   ? 'a'
			 : *number == c->bridge.callee ? 'b'
						       : 0,
		.state = leg_state_name(l->state),
		.outbound = l->outbound,
		.user = text_bytes(&l->user),
		.trunk = text_bytes(&l->trunk),
		.sip_call_id = text_bytes(&l->dialog.call_id),
		.remote = l->dialog.hop.remote,
	};
	shard_view_leg(s, c->tenant, l, &out->facts);
	shard_view_codecs(l, &out->facts);
	return true;
}

bool shard_call_play(const struct shard *s, uint64_t call, struct instant now,
		     struct call_play *out)
{
	const struct call *c = shard_call_find(s, call);
	uint64_t utc_ms = steady_utc_ms(&s->host.steady, now.ns);

	if (!c || !c->prompts || prompts_are_announcing(c) ||
	    c->prompts->list[c->prompts->at].kind != PROMPT_PLAY)
		return false;
	*out = (struct call_play){
		.file = c->prompts->terms.files[c->prompts->file],
		.place_ms = prompts_place_ms(c->prompts, utc_ms),
		.played_ms = prompts_played_ms(c->prompts, utc_ms),
		.paused = c->prompts->paused,
	};
	return true;
}

bool shard_call_next(const struct shard *s, uint32_t *cursor, struct call_view *out)
{
	pool_handle h;
	const struct call *c = pool_next(&s->calls, cursor, &h);

	if (c)
		shard_fill_view(s, c, out);
	return c != NULL;
}

bool shard_call_head_next(const struct shard *s, uint32_t *cursor, struct call_view *out)
{
	pool_handle h;
	const struct call *c = pool_next(&s->calls, cursor, &h);

	if (c)
		view_head(s, c, out);
	return c != NULL;
}

static uint64_t saves_pending(const struct shard *s)
{
	uint64_t n = 0;
	uint32_t cursor = 0;
	const struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL)
		n += c->out.in_flight != 0 || c->later_ns != 0 || (c->end_tries && !c->end_done);
	return n;
}

enum { PAIRS_OF_A_CALL = 2 };

uint32_t shard_networks_full(const struct shard *s, struct instant now)
{
	uint32_t full = 0;

	for (uint32_t i = 0; i < s->settings.network_count; i++)
		full += !ports_have(&s->shared_tables->ports[i], PAIRS_OF_A_CALL, now.ns);
	return full;
}

bool shard_subscription_next(const struct shard *s, uint32_t *cursor, struct subscription_row *out)
{
	pool_handle h;
	const struct subscription *sub = pool_next(&s->subscriptions.pool, cursor, &h);
	uint64_t now_ns = s->host.now.ns, left;

	if (!sub)
		return false;
	left = sub->expires_ns > now_ns ? (sub->expires_ns - now_ns) / NS_PER_MS : 0;
	*out = (struct subscription_row){
		.id = sub->id,
		.tenant = tenants_name(s->settings.tenants, sub->tenant),
		.package = sub->package->name,
		.watcher = text_bytes(&sub->watcher),
		.resource = text_bytes(&sub->resource),
		.trunk = text_bytes(&sub->trunk),
		.begun_utc_ms = shard_wall_utc_ms(s, id_utc_ms(sub->id, s->host.now.utc_ms)),
		.expires_utc_ms = steady_add(s->host.now.utc_ms + left, s->host.wall_ms),
		.notified = sub->dialog.local_cseq,
		.resources = sub->list ? sub->list->count : 0,
		.remote = &sub->dialog.hop.remote,
	};
	return true;
}

void shard_counts(const struct shard *s, struct shard_counts *out)
{
	struct locations_counts locations;

	locations_count(s->locations, &locations);
	*out = (struct shard_counts){
		.calls = s->calls.in_use,
		.calls_established = s->established,
		.calls_transcoded = s->transcoded,
		.aors = locations.aors,
		.bindings = locations.bindings,
		.extensions = s->extensions.in_use,
		.txns = s->txns.pool.in_use,
		.subscriptions = s->subscriptions.pool.in_use,
		.txns_max = s->txns.pool.capacity,
		.saves_pending =
			saves_pending(s) + s->subscriptions.saving + locations.saves_pending,
		.unsaved = shard_unsaved(s),
		.given_up = s->host.given_up,
		.degraded = s->host.degraded,
		.draining = s->draining,
	};
	for (uint32_t i = 0; i < s->settings.network_count; i++)
		out->ports_free += s->shared_tables->ports[i].free_count;
}

void shard_counts_show(const struct shard *s, const struct shard_counts *total)
{
	metric_set(s->metrics.calls_other, total->calls - total->calls_established);
	metric_set(s->metrics.calls_established, total->calls_established);
	metric_set(s->metrics.calls_transcoded_now, total->calls_transcoded);
	metric_set(s->metrics.txns, total->txns);
	metric_set(s->metrics.subscriptions, total->subscriptions);
	metric_set(s->metrics.saves_pending, total->saves_pending);
}

/* A user's own call. */

static bool user_call_is(const struct call *c, const struct leg *l, enum user_call_want want)
{
	bool rings = l->outbound && l->state == LEG_EARLY && l->user.n;
	bool up = l->state == LEG_CONFIRMED || l->state == LEG_ANSWERED;

	if (c->state == CALL_ENDING)
		return false;
	switch (want) {
	case USER_MAY_PICK:
		break;
	case USER_RINGS:
		return rings;
	case USER_TALKS:
		return c->state == CALL_ESTABLISHED && up;
	case USER_HAS:
		return l->state == LEG_EARLY || up;
	}
	return false;
}

void shard_user_call(const struct shard *s, uint16_t tenant, struct bytes user,
		     enum user_call_want want, uint64_t call, struct user_call *out)
{
	*out = (struct user_call){ 0 };
	for (s = s->shared_tables->shards; s; s = s->next) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
			const struct call *c = shard_call_find(s, dialog_call(&l->dialog));

			if (!c || (call && c->id != call) || !user_call_is(c, l, want) ||
			    c->setup_utc_ms < out->setup_utc_ms)
				continue;
			*out = (struct user_call){ .call = c->id,
						   .setup_utc_ms = c->setup_utc_ms,
						   .b = l != call_caller(c),
						   .holds = l->held || l->holds,
						   .muted = l->muted };
		}
	}
}
