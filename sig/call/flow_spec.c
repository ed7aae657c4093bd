/* SPDX-License-Identifier: Apache-2.0 */
/* Call and agreed media to commands for the engine. */
#include <string.h>

#include "base/compiler.h"
#include "media/offer/agree.h"
#include "media/offer/session.h"
#include "sig/call/audio_source.h"
#include "sig/call/call_digits.h"
#include "sig/call/flow_spec.h"
#include "sig/call/module.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/video.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/flow.h"
#include "sig/leg/line_facts.h"
#include "sig/model/conference.h"
#include "sig/model/recording.h"

static uint64_t secret_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t secret_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void extend(struct call_host *h, struct call *c, struct call_flow *f, uint64_t rtp,
		   uint64_t rtcp)
{
	struct flow_secret *s = f->secret;
	struct outbox_item item = { .kind = OUTBOX_RESERVE, .leg = f->leg, .line = f->line };

	item.srtp = s->rtp.limit =
		secret_sooner(secret_later(s->rtp.limit, rtp), SRTP_INDEX_END - 1);
	item.srtcp = s->rtcp.limit =
		secret_sooner(secret_later(s->rtcp.limit, rtcp), SRTCP_INDEX_END - 1);
	outbox_touch(&c->out);
	/* without a save there is no choice: the successor may advance too little */
	if (h->degraded)
		metric_add(h->metrics->saves[SAVE_SKIPPED], 1);
	if (!outbox_push(&c->out, &item))
		secret_granted(h, c, &item);
}

void secret_reserve(struct call_host *h, struct call *c, struct call_flow *f,
		    const struct flow_resume *used)
{
	bool current = f->secret && used->srtp_next <= f->secret->rtp.limit &&
		       used->srtcp_next <= f->secret->rtcp.limit;

	if (current && !f->closing) /* else for earlier SRTP keys, which are no longer used */
		extend(h, c, f, used->srtp_next + SRTP_RESERVE,
		       (uint64_t)used->srtcp_next + SRTCP_RESERVE);
}

/* The index saved for earlier SRTP keys may be beyond that of the present ones. */
static void grant(uint64_t *granted, uint64_t saved, uint64_t limit)
{
	*granted = secret_later(*granted, secret_sooner(saved, limit));
}

void secret_granted(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	struct call_flow *f = call_flow_find(c, item->leg, item->line);

	if (!f || !f->secret)
		return;
	grant(&f->secret->rtp.granted, item->srtp, f->secret->rtp.limit);
	grant(&f->secret->rtcp.granted, item->srtcp, f->secret->rtcp.limit);
	if (c->state != CALL_ENDING)
		session_refresh(h, c);
}

void secrets_resume(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->secret)
			extend(h, c, f, f->secret->rtp.first + SRTP_RESERVE,
			       f->secret->rtcp.first + SRTCP_RESERVE);
	}
}

static struct addr spec_local_of(const struct call_host *h, const struct call_flow *f,
				 uint16_t port)
{
	struct addr a = h->settings->networks[f->network].media_bind;

	a.port = port;
	return a;
}

/* The flow with the packets that its party gets; for an echo its own. */
static const struct call_flow *spec_peer(const struct call *c, const struct call_flow *f)
{
	uint8_t other = bridge_peer(c, f->leg);

	if (f->echoes)
		return f;
	if (leg_is_screened(c->legs[f->leg]))
		return NULL;
	return other == LEG_NONE ? NULL : call_flow_find(c, other, f->line);
}

static struct flow_spec spec_of(const struct call_host *h, const struct call *c,
				const struct call_flow *f)
{
	const struct call_flow *peer = spec_peer(c, f);
	struct leg_taps taps = { 0 };
	struct flow_spec spec;

	if (f->kind == MEDIA_AUDIO)
		taps = modules_tap(h, c, f->leg);
	spec = (struct flow_spec){
		.id = f->id,
		.peer = peer ? peer->id : (struct flow_id){ 0 },
		.call = c->id,
		.local_rtp = spec_local_of(h, f, flow_port(f)),
		.local_rtcp = spec_local_of(h, f, (uint16_t)(f->port + 1)),
		.ssrc_out = f->ssrc_out,
		.kind = f->kind,
		.latch = h->settings->latch,
		.dscp = f->kind == MEDIA_VIDEO ? h->settings->dscp_video : h->settings->dscp_audio,
		.leg = f->leg,
		.line = f->line,
		.event_pt = PAYLOAD_NONE,
		.resume = f->resume,
		.tap = taps.tap,
		.tap_fork = taps.tap_fork,
		.tap_live = taps.tap_live,
	};

	if (call_is_alone(c) || leg_is_screened(c->legs[f->leg]))
		spec.alone = 1;
	if (flow_port(f) != f->port) { /* a browser has rtcp-mux */
		spec.shared_port = 1;
		spec.local_rtcp = (struct addr){ 0 };
	}
	return spec;
}

/* A party expected to send that is silent for so long is gone. One that only receives must have
 * sent at least once (media/flow.h). */
static uint32_t silence_ms(const struct call_host *h, const struct call *c,
			   const struct flow_spec *s)
{
	bool expected =
		(s->receive || s->send) && c->answer_utc_ms && media_kind_is_steady(s->kind);

	return expected ? (uint32_t)(h->settings->media_timeout_ns / NS_PER_MS) : 0;
}

/* What was agreed for the party the flow faces. */
static void spec_agree(struct flow_spec *s, const struct media_side *own,
		       const struct media_side *other)
{
	s->remote_rtp = own->rtp;
	s->remote_rtcp = own->rtcp;
	s->rtcp_mux = own->mux;
	s->receive = own->sends && other->receives;
	s->send = own->receives && other->sends;
	s->event_pt = own->event_pt;
	s->event_clock_hz = own->event_clock_hz;
	s->nack = own->nack;
	s->fir = own->fir;
	s->strips = own->dtls || other->dtls; /* they end on a leg with DTLS */
	s->key_in = own->key_in;
	s->key_out = own->key_out;
	s->rule_count = own->rule_count;
	memcpy(s->rules, own->rules, own->rule_count * sizeof(own->rules[0]));
	memcpy(s->rule_codecs, own->rule_codecs, sizeof(s->rule_codecs));
	memcpy(s->codings, own->codings, sizeof(s->codings));
	s->accepted_count = own->accepted_count;
	memcpy(s->accepted, own->accepted, sizeof(s->accepted));
	if (s->member.number) {
		s->member.level_extension = own->level_extension;
		s->video.layers = own->layers;
	}
}

/* Limit of video sent to it in several sizes: what its SDP states, and what its profile lets peers
 * be asked for. */
static uint32_t video_view_kbps(const struct leg *l, const struct media_side *own)
{
	uint32_t most = l->terms ? l->terms->video_kbps : 0;

	return own->kbps && (most == 0 || own->kbps < most) ? own->kbps : most;
}

/* Orders (hold, mute) apply on top of what was agreed. */
static void spec_obey(struct flow_spec *s, const struct call *c, uint8_t leg)
{
	const struct leg *own = c->legs[leg], *other = call_leg(c, bridge_peer(c, leg));

	if (own->held || (other && other->held))
		s->receive = s->send = 0;
	/* the announcement to one of them is not disturbed by either */
	if (own->muted || prompts_are_announcing(c))
		s->receive = 0;
}

/* A sound of the node instead of the peer. A held party is not heard, and the holder's packets that
 * waited in sockets over a restart are not sent to it before its music starts. */
static void spec_hear(struct flow_spec *s, const struct call *c, const struct call_flow *f,
		      const struct media_side *own)
{
	if ((!own->receives && f->kind != MEDIA_VIDEO) ||
	    (f->source.job.generation == 0 && !f->waits))
		return;
	s->source = f->source;
	s->send = own->receives && !f->waits;
	if (audio_source_of(c, s->leg) == AUDIO_SOURCE_MUSIC && !call_is_alone(c))
		s->receive = 0;
}

/* NULL: nothing was agreed for it. */
static const struct media_line *spec_line_of(const struct agreed *g, const struct call_flow *f)
{
	if (!g || f->line >= g->plan->line_count || !g->plan->line[f->line].active ||
	    (f->leg != g->offerer && f->leg != g->answerer))
		return NULL;
	return &g->plan->line[f->line];
}

static void note_kind(struct call_flow *f, const struct media_line *line)
{
	f->kind = line->kind;
	f->been |= line->lines | (line->kind == MEDIA_AUDIO ? FLOW_BEEN_AUDIO : 0);
}

/* A party without peer: its session as if it were its own peer. */
static NOINLINE bool side_received(const struct session_texts *texts, uint8_t line,
				   struct media_side *out)
{
	struct offer_error error;
	struct media_plan plan;

	if (bridge_read(texts, texts, false, &plan, &error) || line >= plan.line_count ||
	    !plan.line[line].active)
		return false;
	*out = plan.line[line].a;
	return true;
}

/* The SDP exchanged with the party, if it may already be heard without a peer. */
static NOINLINE bool side_alone(const struct call *c, const struct call_flow *f,
				struct media_side *out)
{
	const struct leg_sdp *sdp = leg_sdp_newest(c->legs[f->leg]);
	const struct session_texts texts = { .remote = text_bytes(&sdp->remote),
					     .local = text_bytes(&sdp->local),
					     .we_offered = !sdp->theirs };
	struct offer_error error;
	struct session s;
	bool active;

	if (leg_is_screened(c->legs[f->leg]))
		return side_received(&texts, f->line, out);
	if (f->source.job.generation == 0 || session_read(&s, &texts, &error))
		return false;
	active = f->line < s.line_count && s.line[f->line].active;
	if (active)
		*out = s.line[f->line].side;
	session_wipe(&s);
	return active;
}

/* Of the SRTP keys that it has, or is about to have. */
static void spec_indexes(struct flow_spec *s, const struct flow_secret *secret)
{
	if (!secret)
		return;
	s->resume.srtp_next = secret->rtp.first;
	s->resume.srtcp_next = (uint32_t)secret->rtcp.first;
	s->srtp_limit = secret->rtp.granted;
	s->srtcp_limit = (uint32_t)secret->rtcp.granted;
}

/* The engine forgets the SRTP index of a stream that is plain for a while: if it becomes secure
 * again, it may not restart at the first index. Keys of a pending DTLS handshake are different
 * ones. */
static void note_use(struct call_flow *f, const struct flow_spec *s)
{
	bool awaited = (s->dtls.role != DTLS_NONE || s->bundle.generation) &&
		       s->key_out.suite == MEDIA_SUITE_NONE;

	if (!f->secret || awaited)
		return;
	if (f->secret->used && s->key_out.suite == MEDIA_SUITE_NONE) {
		f->secret->rtp.first = f->secret->rtp.limit;
		f->secret->rtcp.first = f->secret->rtcp.limit;
	}
	f->secret->used = s->key_out.suite != MEDIA_SUITE_NONE;
}

/* Each of them has the same. */
static uint8_t spec_transcoded_to(const struct flow_spec *s)
{
	for (uint8_t i = 0; i < s->rule_count; i++) {
		if (s->rules[i].coding)
			return (uint8_t)(s->codings[s->rules[i].coding - 1].to + 1);
	}
	return 0;
}

/* Each DTMF digit is reported and not relayed: call_digits.c passes on what is no code. */
static void spec_keep_keys(struct flow_spec *s)
{
	for (uint8_t i = 0; i < s->rule_count; i++) {
		if (s->rules[i].event)
			s->rules[i].out = PAYLOAD_NONE;
	}
}

/* own is the side of the flow's leg. */
static void spec_fill(struct flow_spec *s, struct call_host *h, const struct call *c,
		      struct call_flow *f, const struct media_side *own,
		      const struct media_side *other)
{
	spec_agree(s, own, other);
	if (s->member.number && f->kind == MEDIA_VIDEO)
		s->video.most_kbps = video_view_kbps(c->legs[f->leg], own);
	flow_dtls_agree(h, f, own);
	flow_dtls_spec(s, c, f, own);
	place_spec(h, c->legs[f->leg], own, s);
	spec_obey(s, c, f->leg);
	spec_hear(s, c, f, own);
	if (f->withholds_digits)
		spec_keep_keys(s);
	s->silence_ms = silence_ms(h, c, s);
	f->remote = s->remote_rtp;
	f->event_pt = s->event_pt;
	f->detects_dtmf = call_digits_are_tones(h, c, f);
	s->detects_dtmf = f->detects_dtmf;
	f->transcoded_to = spec_transcoded_to(s);
}

static void flow_command(struct call_host *h, const struct call *c, struct call_flow *f,
			 enum media_command_kind kind, const struct agreed *agreed)
{
	static const struct media_side listener = { .receives = 1 };
	struct media_command *command = effects_media(h->effects, c->id, kind, f->id);
	const struct media_line *line = spec_line_of(agreed, f);
	struct media_side alone;

	if (!command || kind == MEDIA_FLOW_CLOSE)
		return;
	if (line)
		note_kind(f, line);
	f->echoes = audio_source_of(c, f->leg) == AUDIO_SOURCE_ITSELF;
	f->hushed = prompts_are_announcing(c);
	f->counted_as_video = line && f->kind == MEDIA_VIDEO;
	command->spec = spec_of(h, c, f);
	f->tap = command->spec.tap;
	f->overlay =
		f->kind == MEDIA_AUDIO ? modules_overlay(h, c, f) : (struct media_overlay){ 0 };
	command->spec.overlay = f->overlay;
	f->tap_fork = command->spec.tap_fork;
	f->tap_live = command->spec.tap_live;
	f->withholds_digits = f->kind == MEDIA_AUDIO && call_digits_are_read(h, c, f->leg);
	command->moves = f->moves;
	f->moves = false;
	flow_dtls_spec(&command->spec, c, f, NULL);
	f->transcoded_to = 0;
	f->detects_dtmf = false;
	f->waits = f->kind == MEDIA_AUDIO && audio_source_is_late(h, c, f->leg);
	if (f->kind == MEDIA_AUDIO)
		audio_source_choose(h, c, f);
	else
		f->source = (struct flow_source){ 0 };
	if (f->kind == MEDIA_VIDEO)
		(void)room_video_source(h, c, f, &f->source);
	if ((f->kind == MEDIA_AUDIO || f->source.job.generation) && f->leg == c->bridge.caller)
		command->spec.member = f->member = conference_flow(c);
	command->spec.home = conference_home(c);
	command->moves |= kind == MEDIA_FLOW_UPDATE && f->home != command->spec.home;
	f->home = command->spec.home;
	if (line && f->leg == agreed->offerer)
		spec_fill(&command->spec, h, c, f, &line->a, &line->b);
	else if (line)
		spec_fill(&command->spec, h, c, f, &line->b, &line->a);
	else if (side_alone(c, f, &alone))
		spec_fill(&command->spec, h, c, f, &alone, &listener);
	spec_indexes(&command->spec, f->secret);
	note_use(f, &command->spec);
	f->silent = false;
}

void flows_open(struct call_host *h, struct call *c, const struct agreed *agreed)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->open || f->closing || !f->id.generation)
			continue;
		f->open = true;
		flow_command(h, c, f, MEDIA_FLOW_OPEN, agreed);
	}
}

void flows_update(struct call_host *h, struct call *c, const struct agreed *agreed)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].open && !c->flows[i].closing)
			flow_command(h, c, &c->flows[i], MEDIA_FLOW_UPDATE, agreed);
	}
}

/* The engine answers with the last counters; what it never had goes at once. */
static void flow_close(struct call_host *h, struct call *c, struct call_flow *f)
{
	if (f->closing)
		return;
	if (!f->open) {
		flow_drop(h, c, f);
		return;
	}
	f->closing = true;
	flow_command(h, c, f, MEDIA_FLOW_CLOSE, NULL);
}

void flows_close_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	for (uint32_t i = c->flow_count; i-- > 0;) {
		if (c->flows[i].leg == leg)
			flow_close(h, c, &c->flows[i]);
	}
}

void flows_close(struct call_host *h, struct call *c)
{
	for (uint32_t i = c->flow_count; i-- > 0;)
		flow_close(h, c, &c->flows[i]);
}
