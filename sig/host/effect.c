/* SPDX-License-Identifier: Apache-2.0 */
/* The list of effects that a step of the signalling core leaves to its owner (effect.h): adding,
 * filtering and clearing them, with the memory that each kind owns. Also the names of call and
 * party states and of kept values. Bounded only by memory: an effect that cannot be added is
 * reported as NULL to its caller. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/effect.h"

const char *call_state_name(enum call_state state)
{
	switch (state) {
	case CALL_SETUP:
		return "setup";
	case CALL_RINGING:
		return "ringing";
	case CALL_ANSWERING:
		return "answering";
	case CALL_ESTABLISHED:
		return "established";
	case CALL_ENDING:
		return "ending";
	}
	assert(false && "a state without a name");
	return "";
}

const char *party_state_name(enum party_state state)
{
	static const char *const names[] = {
#define X(id, name, help) name,
		PARTY_STATES(X)
#undef X
	};

	assert(state < COUNT_OF(names));
	return names[state];
}

/* ---- kinds ---- */

static void clear_cdrs(void *request)
{
	free(((struct request_cdrs *)request)->list);
}

static void clear_call_end(void *request)
{
	clear_cdrs(request);
	text_clear(&((struct request_call_end *)request)->toll);
}

static void clear_media(void *request)
{
	free(((struct request_media *)request)->command);
}

static void clear_event(void *request)
{
	event_clear(request);
}

static void clear_fork(void *request)
{
	struct media_fork *fork = ((struct request_fork *)request)->fork;

	if (fork)
		explicit_bzero(fork, sizeof(*fork));
	free(fork);
}

const struct effect_row effect_rows[EFFECT_KINDS] = {
	[EFFECT_SEND] = { "send", sizeof(struct request_send), 1, NULL },
	[EFFECT_CALL_SAVE] = { "call_save", sizeof(struct request_save), 1, NULL },
	[EFFECT_CALL_END] = { "call_end", sizeof(struct request_call_end), 0, clear_call_end },
	[EFFECT_CALL_OPEN] = { "call_open", sizeof(struct request_cdrs), 0, clear_cdrs },
	[EFFECT_BINDING_SAVE] = { "binding_save", sizeof(struct request_binding_save), 3, NULL },
	[EFFECT_BINDING_GET] = { "binding_get", sizeof(struct request_binding_get), 2, NULL },
	[EFFECT_SUBSCRIPTION_SAVE] = { "subscription_save", sizeof(struct request_save), 1, NULL },
	[EFFECT_MEDIA] = { "media", sizeof(struct request_media), 0, clear_media },
	[EFFECT_EVENT] = { "event", sizeof(struct sig_event), 0, clear_event },
	[EFFECT_TRUST] = { "trust", sizeof(struct request_trust), 0, NULL },
	[EFFECT_SECURITY] = { "security", sizeof(struct security_event), 0, NULL },
	[EFFECT_PLAY] = { "play", sizeof(struct request_play), 3, NULL },
	[EFFECT_SET] = { "set", sizeof(struct request_set), 3, NULL },
	[EFFECT_PARK] = { "park", sizeof(struct request_park), 3, NULL },
	[EFFECT_KV] = { "kept", sizeof(struct request_kv), 3, NULL },
	[EFFECT_PROGRAM] = { "program", sizeof(struct request_program), 2, NULL },
	[EFFECT_HELPER] = { "help", sizeof(struct request_helper), 2, NULL },
	[EFFECT_LOOKUP] = { "lookup", sizeof(struct lookup_want), 0, NULL },
	[EFFECT_LOOKUP_STOP] = { "lookup_stop", 0, 0, NULL },
	[EFFECT_PLAY_STOP] = { "play_stop", 0, 0, NULL },
	[EFFECT_PLAY_DIGIT] = { "play_key", sizeof(struct request_play_digit), 0, NULL },
	[EFFECT_MEDIA_STREAM] = { "listen", sizeof(struct request_media_stream), 2, NULL },
	[EFFECT_MEDIA_STREAM_STOP] = { "listen_stop", sizeof(struct request_media_stream_stop), 1,
				       NULL },
	[EFFECT_ORDERED] = { "ordered", sizeof(struct request_ordered), 0, NULL },
	[EFFECT_FORK] = { "fork", sizeof(struct request_fork), 0, clear_fork },
	[EFFECT_OBJECT_SAVE] = { "room_save", sizeof(struct request_object_save), 1, NULL },
	[EFFECT_ROOM_OPEN] = { "room_open", sizeof(struct media_room), 0, NULL },
	[EFFECT_ROOM_CLOSE] = { "room_close", 0, 0, NULL },
	[EFFECT_ROOM_PLAY] = { "room_play", sizeof(struct request_room_play), 3, NULL },
	[EFFECT_ROOM_TAP] = { "room_tap", sizeof(struct request_room_tap), 0, NULL },
	[EFFECT_CONFERENCE] = { "conference", sizeof(struct request_conference), 2, NULL },
	[EFFECT_RECORD] = { "record", sizeof(struct request_record), 2, NULL },
	[EFFECT_PUBLISH] = { "publish", sizeof(struct request_publish), 3, NULL },
	[EFFECT_BOX] = { "box", sizeof(struct request_box), 3, NULL },
	[EFFECT_USER] = { "user", sizeof(struct request_user), 1, NULL },
	[EFFECT_CONTACT] = { "contact", sizeof(struct request_contact), 3, NULL },
	[EFFECT_WAKE] = { "wake", sizeof(struct request_wake), 2, NULL },
};

static void effect_clear(struct effect *e)
{
	const struct effect_row *row = &effect_rows[e->kind];
	struct text *texts = e->request;

	for (size_t i = 0; i < row->texts; i++)
		text_clear(&texts[i]);
	if (row->clear)
		row->clear(e->request);
	free(e->request);
}

/* ---- the list ---- */

enum { EFFECTS_FIRST = 32 };

static bool effects_grow(struct effects *e)
{
	uint32_t capacity = e->capacity ? e->capacity * 2 : EFFECTS_FIRST;
	struct effect *list = reallocarray(e->list, capacity, sizeof(*list));

	if (!list)
		return false;
	e->list = list;
	e->capacity = capacity;
	return true;
}

struct effect *effects_add(struct effects *e, enum effect_kind kind, uint64_t call, uint64_t serial)
{
	size_t size = effect_rows[kind].size;
	void *request = NULL;

	if (e->count == e->capacity && !effects_grow(e))
		return NULL;
	if (size && !(request = calloc(1, size)))
		return NULL;
	e->list[e->count] = (struct effect){ kind, call, serial, request };
	return &e->list[e->count++];
}

void effects_drop_last(struct effects *e)
{
	effect_clear(&e->list[--e->count]);
}

void *effects_request(struct effects *e, enum effect_kind kind, uint64_t call, uint64_t serial,
		      const struct bytes *texts)
{
	struct effect *effect = effects_add(e, kind, call, serial);
	struct text *to = effect ? effect->request : NULL;

	for (size_t i = 0; to && i < effect_rows[kind].texts; i++) {
		if (text_set(&to[i], texts[i])) {
			effects_drop_last(e);
			return NULL;
		}
	}
	return to;
}

void *effects_cdrs(struct effects *e, enum effect_kind kind, uint64_t call, uint32_t count)
{
	struct effect *effect = effects_add(e, kind, call, 0);
	struct request_cdrs *cdrs = effect ? effect->request : NULL;

	if (!cdrs)
		return NULL;
	cdrs->list = calloc(count, sizeof(*cdrs->list));
	if (!cdrs->list) {
		effects_drop_last(e);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		cdrs->list[i].call = call;
	cdrs->count = count;
	return cdrs;
}

struct media_command *effects_media(struct effects *e, uint64_t call, enum media_command_kind kind,
				    struct flow_id id)
{
	struct effect *effect = effects_add(e, EFFECT_MEDIA, call, 0);
	struct media_command *command = effect ? calloc(1, sizeof(*command)) : NULL;

	if (!command) {
		if (effect)
			effects_drop_last(e);
		return NULL;
	}
	command->kind = kind;
	command->rtp_fd = command->rtcp_fd = -1;
	command->id = id;
	((struct request_media *)effect->request)->command = command;
	return command;
}

struct sig_event *effects_event(struct effects *e, enum sig_event_kind kind, uint64_t call,
				uint64_t version, struct bytes tenant)
{
	struct effect *effect = effects_add(e, EFFECT_EVENT, call, 0);
	struct sig_event *event = effect ? effect->request : NULL;

	if (!event)
		return NULL;
	event->kind = kind;
	event->call = call;
	event->version = version;
	(void)bytes_cstr(tenant, event->tenant, sizeof(event->tenant));
	return event;
}

bool effects_lookup(struct effects *e, uint64_t call, uint64_t serial,
		    const struct lookup_want *want)
{
	struct effect *effect = effects_add(e, EFFECT_LOOKUP, call, serial);

	if (effect)
		*(struct lookup_want *)effect->request = *want;
	return effect != NULL;
}

const char *kv_name(enum kept what)
{
	static const char *const names[KV_COUNT] = {
#define X(id, name) name,
		KV_VALUES(X)
#undef X
	};

	assert(what < KV_COUNT);
	return names[what];
}

void effects_clear(struct effects *e)
{
	for (uint32_t i = 0; i < e->count; i++)
		effect_clear(&e->list[i]);
	e->count = e->settled = 0;
}

void effects_sift(struct effects *e, effects_take_fn *take, void *arg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < e->count; i++) {
		if (take(&e->list[i], arg))
			effect_clear(&e->list[i]);
		else
			e->list[kept++] = e->list[i];
	}
	e->count = kept;
	e->settled = kept;
}

void effects_close(struct effects *e)
{
	effects_clear(e);
	free(e->list);
	*e = (struct effects){ 0 };
}
