/* SPDX-License-Identifier: Apache-2.0 */
/* Where a party is, as others may see it. */
#include <string.h>

#include "sig/call/act.h"
#include "sig/call/cdr.h"
#include "sig/call/conference.h"
#include "sig/call/wait.h"
#include "sig/shard/party_place.h"
#include "sig/shard/shard_room.h"
#include "sig/shard/shard_state.h"

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
	const struct room *r = shard_room_find(s, m->room);

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

/* There is a track of what it is to hear, or soon will be. */
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
	if (leg == c->bridge.caller && call_waits(c))
		out->kind = PARTY_WAITS;
	else if (c->prompts &&
		 (prompts_are_announcing(c) ? leg == c->prompts->leg : leg == c->bridge.caller))
		place_of_act(out, c->prompts);
	else if (leg == c->bridge.caller)
		place_of_lonely(out, s, c);
	out->sounds = place_sounds(s, c, leg);
	return true;
}
