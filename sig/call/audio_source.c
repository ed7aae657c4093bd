/* SPDX-License-Identifier: Apache-2.0 */
/* What each leg hears (audio_source.h): ringback, busy and other tones, music on hold, prompts, the
 * mix of a room, or its peer. The source is a pure function of the call; the track for it is a
 * media job in a codec that the party accepts, by the party's own order. audio_source_settle
 * compares it with what the engine has, and updates only the flows that changed. */

#include "sig/call/audio_source.h"

#include "sig/call/call_digits.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/video.h"
#include "sig/call/wait.h"
#include "sig/leg/line_facts.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"

/* ---- what ---- */

/* Our first INVITE to it has no final response and is not cancelled; or the call is not sent to it
 * yet. */
static bool leg_is_ringing(const struct leg *l)
{
	if (leg_is_screened(l))
		return true;
	return l->outbound && l->state == LEG_EARLY && l->uac && !l->leave;
}

/* Some phone rings for the leg. */
static bool leg_rings_back(const struct call *c, uint8_t leg)
{
	uint8_t peer = bridge_peer(c, leg);

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (i != leg && l && leg_is_ringing(l) && (i == peer || l->uac->from == leg))
			return true;
	}
	return false;
}

/* An application is asked and gives no order for the answered caller, or the call waits for a
 * user. */
static bool waits_up(const struct call *c, uint8_t leg)
{
	return leg == c->bridge.caller && !c->legs[leg]->uas &&
	       (call_awaits_application(c) || call_waits_for(c).n);
}

/* Its party sends audio: it has answered, or has early media. */
static bool leg_has_audio(const struct leg *l)
{
	if (l->state == LEG_EARLY)
		return leg_is_ringing(l) && l->open.remote.n;
	return l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED;
}

/* A caller that was not told of any early media makes its own ringback (RFC 3960 3.2). */
static bool is_listening(const struct leg *l)
{
	return l->state == LEG_CONFIRMED || (l->state == LEG_EARLY && l->uas && l->uas->early);
}

/* What it offers counts when it is answered. */
static bool is_holding(const struct leg *l)
{
	bool asks = l->uas && !l->open.local.n;

	return l->held || (asks ? l->uas->held_before || l->uas->wakes : l->holds);
}

static bool leg_is_held(const struct leg *l, const struct leg *peer)
{
	return is_holding(peer) && !l->held;
}

/* The tone of a status. */
static enum audio_source audio_source_of_status(uint16_t status)
{
	switch (status) {
	case 486:
	case 600:
	case 603:
		return AUDIO_SOURCE_BUSY;
	case 404:
	case 410:
	case 484:
	case 604:
		return AUDIO_SOURCE_INFORMATION;
	default:
		return AUDIO_SOURCE_CONGESTION;
	}
}

/* Without peer, and without an order of an application. */
static bool is_left_waiting(const struct call *c)
{
	return call_is_alone(c) && !c->prompts &&
	       (c->park || (call_application(c).n == 0 && !flow_has_caller(c)));
}

/* The tone of a parting. */
static enum audio_source audio_source_parting(const struct call *c)
{
	switch (plan_set_state(&c->plan)) {
	case SET_DONE:
		return AUDIO_SOURCE_CONFIRMATION;
	case SET_REFUSED:
		return AUDIO_SOURCE_INFORMATION;
	case SET_FAILED:
		return AUDIO_SOURCE_CONGESTION;
	case SET_NONE:
	case SET_ASKED:
	case SET_STATES:
		break;
	}
	return audio_source_of_status(c->status);
}

enum audio_source audio_source_of(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg), *peer = call_leg(c, bridge_peer(c, leg));
	bool listens = l && is_listening(l);

	if (prompts_audio_source(c, leg) != AUDIO_SOURCE_PEER)
		return prompts_audio_source(c, leg);
	if (c->parting_ns)
		return listens ? audio_source_parting(c) : AUDIO_SOURCE_PEER;
	if (leg == c->bridge.caller && conference_speaks(c))
		return conference_is_held(c) ? AUDIO_SOURCE_MUSIC : AUDIO_SOURCE_ROOM;
	if (listens && leg == c->bridge.caller && flow_queues(c))
		return c->run->queue->confirm_ns ? AUDIO_SOURCE_CONFIRMATION : AUDIO_SOURCE_MUSIC;
	if (listens && is_left_waiting(c))
		return AUDIO_SOURCE_MUSIC;
	if (listens && !(peer && leg_has_audio(peer)) &&
	    (leg_rings_back(c, leg) || waits_up(c, leg)))
		return AUDIO_SOURCE_RINGBACK;
	return l && peer && leg_is_held(l, peer) ? AUDIO_SOURCE_MUSIC : AUDIO_SOURCE_PEER;
}

/* ---- its track ---- */

const struct host_track *host_track_of(const struct host_track *tracks, uint8_t number)
{
	const struct host_track *own = &tracks[number], *all = &tracks[SHARD_TRACK_MUSIC];

	if (number == SHARD_TRACK_NONE)
		return NULL;
	return host_track_plays(own) || (own->coming && !host_track_plays(all)) ? own : all;
}

/* The holder's choice, or that of the waiting party itself. */
static const struct host_track *leg_music_of(const struct call_host *h, const struct call *c,
					     uint8_t holder)
{
	return h->services->directory->music(h->owner, c->tenant,
					     text_bytes(&c->legs[holder]->user));
}

static const struct job_id *jobs_of(const struct host_track *track)
{
	return track ? track->jobs : NULL;
}

static const struct host_track *music_now(const struct call_host *h, const struct call *c,
					  uint8_t leg)
{
	if (flow_queues(c) && c->run->queue->music != SHARD_TRACK_MUSIC)
		return host_track_of(h->tracks, c->run->queue->music);
	return leg_music_of(h, c, call_is_alone(c) || flow_queues(c) ? leg : bridge_peer(c, leg));
}

/* One job makes all codecs of a room. NULL: nothing mixes yet. */
static const struct job_id *jobs_of_room(const struct call_host *h, const struct call *c,
					 struct job_id each[MEDIA_CODECS])
{
	const struct room *r = conference_room(h, c);

	if (!r || r->job.generation == 0)
		return NULL;
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		each[i] = r->job;
	return each;
}

/* By codec; room: for that of a room. */
static const struct job_id *track_of(const struct call_host *h, const struct call *c, uint8_t leg,
				     struct job_id room[MEDIA_CODECS])
{
	switch (audio_source_of(c, leg)) {
	case AUDIO_SOURCE_PEER:
	case AUDIO_SOURCE_ITSELF:
		return NULL;
	case AUDIO_SOURCE_ROOM:
		return jobs_of_room(h, c, room);
	case AUDIO_SOURCE_PLAY:
		return prompts_track(c);
	case AUDIO_SOURCE_MUSIC:
		return jobs_of(music_now(h, c, leg));
#define TONE(suffix, name)          \
	case AUDIO_SOURCE_##suffix: \
		return h->tracks[SHARD_TRACK_##suffix].jobs;
#include "sig/host/tones.def"
#undef TONE
	}
	return NULL;
}

/* The party's own order counts. */
static bool codec_choose(const struct job_id track[MEDIA_CODECS], const struct leg *l, uint8_t line,
			 struct flow_source *out)
{
	struct media_accepted list[PAYLOAD_RULES_MAX];
	uint8_t count = line_codecs(l, line, list);

	for (uint8_t i = 0; i < count; i++) {
		if (list[i].codec >= MEDIA_CODECS || track[list[i].codec].generation == 0)
			continue;
		*out = (struct flow_source){ .job = track[list[i].codec],
					     .payload_type = list[i].payload_type };
		return true;
	}
	return false;
}

/* What it takes first of those that have a track. */
static bool codec_first(const struct call *c, uint8_t leg, const struct job_id each[MEDIA_CODECS],
			enum media_codec *out)
{
	struct flow_source source;

	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (f->leg != leg || f->kind != MEDIA_AUDIO ||
		    !codec_choose(each, c->legs[leg], f->line, &source))
			continue;
		*out = (enum media_codec)source.job.slot;
		return true;
	}
	return false;
}

bool audio_source_codec(const struct call *c, uint8_t leg, enum media_codec *out)
{
	struct job_id each[MEDIA_CODECS];

	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		each[i] = (struct job_id){ .slot = i, .generation = 1 };
	return codec_first(c, leg, each, out);
}

bool audio_source_takes(const struct call *c, uint8_t leg, enum media_codec codec)
{
	struct job_id one[MEDIA_CODECS] = { 0 };

	one[codec] = (struct job_id){ .slot = codec, .generation = 1 };
	return codec_first(c, leg, one, &codec);
}

bool audio_source_track(const struct call_host *h, const struct call *c, uint8_t leg, uint8_t line,
			struct flow_source *out)
{
	struct job_id room[MEDIA_CODECS];
	const struct job_id *track = h->tracks ? track_of(h, c, leg, room) : NULL;

	*out = (struct flow_source){ 0 };
	return track && codec_choose(track, c->legs[leg], line, out);
}

/* The inputs of a choice of codec, as a hash. The SDP is the party's own: a forged collision
 * affects only itself. */
static uint64_t codec_choice(const struct job_id track[MEDIA_CODECS], const struct leg *l,
			     uint8_t line)
{
	const struct leg_sdp *sdp = leg_sdp_newest(l);
	uint32_t remote = hash_crc32c(line, text_bytes(&sdp->remote));
	uint32_t local = hash_crc32c(sdp->local.n, text_bytes(&sdp->local));

	local = hash_crc32c(local, bytes_mem(track, MEDIA_CODECS * sizeof(track[0])));
	return (uint64_t)remote << 32 | local;
}

void audio_source_choose(const struct call_host *h, const struct call *c, struct call_flow *f)
{
	struct job_id room[MEDIA_CODECS];
	const struct job_id *track = h->tracks ? track_of(h, c, f->leg, room) : NULL;
	uint64_t choice = track ? codec_choice(track, c->legs[f->leg], f->line) : 0;

	if (choice && choice == f->source_choice)
		return;
	f->source = (struct flow_source){ 0 };
	f->source_choice = choice;
	if (track)
		(void)codec_choose(track, c->legs[f->leg], f->line, &f->source);
}

bool audio_source_music_by(const struct call_host *h, const struct call *c, uint8_t holder)
{
	const struct leg *l = c->legs[holder];
	const struct host_track *track = h->tracks ? leg_music_of(h, c, holder) : NULL;

	return track && (track->coming || host_track_plays(track)) && (l->holds || l->held);
}

bool audio_source_is_late(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct host_track *track;
	struct job_id room[MEDIA_CODECS];
	enum audio_source source = audio_source_of(c, leg);

	if (source == AUDIO_SOURCE_ROOM)
		return jobs_of_room(h, c, room) == NULL;
	if (!h->tracks || source != AUDIO_SOURCE_MUSIC)
		return false;
	track = music_now(h, c, leg);
	return track && track->coming;
}

/* ---- what changes ---- */

/* Returns true if its echo begins or ends, or its audio is not sent anywhere any more. */
static bool echo_is_changed(const struct call *c, struct call_flow *f)
{
	bool before = f->echoes, hushed = f->hushed;

	f->echoes = audio_source_of(c, f->leg) == AUDIO_SOURCE_ITSELF;
	f->hushed = prompts_are_announcing(c);
	return f->echoes != before || f->hushed != hushed;
}

/* What the room is to know of it. */
static bool member_is_changed(const struct call *c, struct call_flow *f)
{
	struct flow_member now = conference_flow(c), before = f->member;

	f->member = now;
	return f->home != conference_home(c) || now.number != before.number ||
	       now.coaches != before.coaches || now.gain_db != before.gain_db ||
	       now.muted != before.muted || now.deaf != before.deaf;
}

/* That it is recorded, or that another call waits. */
static bool tone_is_changed(const struct call_host *h, const struct call *c,
			    const struct call_flow *f)
{
	struct media_overlay now = modules_overlay(h, c, f);

	return now.begun_ns != f->overlay.begun_ns || now.every_ms != f->overlay.every_ms;
}

static bool taps_are_changed(const struct call_host *h, const struct call *c,
			     const struct call_flow *f)
{
	struct leg_taps now = modules_tap(h, c, f->leg);

	return f->tap != now.tap || f->tap_fork != now.tap_fork || f->tap_live != now.tap_live;
}

/* The video that it is shown. */
static bool video_is_changed(const struct call_host *h, const struct call *c, struct call_flow *f)
{
	struct flow_source before = f->source;
	bool changed = member_is_changed(c, f);

	(void)room_video_source(h, c, f, &f->source);
	return changed || !job_id_eq(f->source.job, before.job);
}

static bool is_changed(const struct call_host *h, const struct call *c, struct call_flow *f)
{
	struct flow_source before = f->source;
	bool changed;

	if (!f->open || f->closing)
		return false;
	changed = echo_is_changed(c, f);
	if (f->kind == MEDIA_VIDEO)
		return video_is_changed(h, c, f) || changed;
	if (f->kind != MEDIA_AUDIO)
		return changed;
	changed |= member_is_changed(c, f);
	changed |= f->waits != audio_source_is_late(h, c, f->leg);
	changed |= tone_is_changed(h, c, f);
	changed |= taps_are_changed(h, c, f);
	changed |= f->withholds_digits != call_digits_are_read(h, c, f->leg);
	changed |= f->detects_dtmf != call_digits_are_tones(h, c, f);
	audio_source_choose(h, c, f);
	return changed || !job_id_eq(f->source.job, before.job) ||
	       f->source.payload_type != before.payload_type;
}

void audio_source_settle(struct call_host *h, struct call *c)
{
	bool changed = false;

	for (uint32_t i = 0; i < c->flow_count && c->state != CALL_ENDING; i++)
		changed |= is_changed(h, c, &c->flows[i]);
	if (changed)
		session_refresh(h, c);
}
