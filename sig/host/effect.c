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

struct effect *effects_add(struct effects *e, enum effect_kind kind)
{
	if (e->count == e->capacity && !effects_grow(e))
		return NULL;
	e->list[e->count] = (struct effect){ .kind = kind };
	return &e->list[e->count++];
}

struct effect *effects_add_cdrs(struct effects *e, enum effect_kind kind, uint64_t call,
				uint32_t count)
{
	struct effect *effect = effects_add(e, kind);

	if (!effect)
		return NULL;
	effect->cdrs = calloc(count, sizeof(*effect->cdrs));
	if (!effect->cdrs) {
		e->count--;
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		effect->cdrs[i].call = call;
	effect->cdr_count = count;
	effect->call = call;
	return effect;
}

struct media_command *effects_media(struct effects *e, uint64_t call, enum media_command_kind kind,
				    struct flow_id id)
{
	struct effect *effect = effects_add(e, EFFECT_MEDIA);
	struct media_command *command = effect ? calloc(1, sizeof(*command)) : NULL;

	if (!command) {
		if (effect)
			e->count--;
		return NULL;
	}
	command->kind = kind;
	command->rtp_fd = command->rtcp_fd = -1;
	command->id = id;
	effect->call = call;
	effect->media = command;
	return command;
}

struct sig_event *effects_event(struct effects *e, enum sig_event_kind kind, uint64_t call,
				uint64_t version, struct bytes tenant)
{
	struct effect *effect = effects_add(e, EFFECT_EVENT);
	struct sig_event *event = effect ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (effect)
			e->count--;
		return NULL;
	}
	event->kind = kind;
	event->call = call;
	event->version = version;
	(void)bytes_cstr(tenant, event->tenant, sizeof(event->tenant));
	effect->call = call;
	effect->event = event;
	return event;
}

struct effect *effects_lookup(struct effects *e, uint64_t call, const struct lookup_want *want)
{
	struct effect *effect = effects_add(e, EFFECT_LOOKUP);

	if (!effect)
		return NULL;
	effect->call = call;
	effect->want = malloc(sizeof(*effect->want));
	if (!effect->want) {
		e->count--;
		return NULL;
	}
	*effect->want = *want;
	return effect;
}

const char *kept_name(enum kept what)
{
	static const char *const names[KEPT_COUNT] = {
#define X(id, name) name,
		KEPT_VALUES(X)
#undef X
	};

	assert(what < KEPT_COUNT);
	return names[what];
}

static void effect_clear(struct effect *e)
{
	text_clear(&e->data);
	text_clear(&e->tenant);
	text_clear(&e->user);
	free(e->media);
	free(e->cdrs);
	if (e->event)
		event_clear(e->event);
	free(e->event);
	free(e->security);
	free(e->want);
	free(e->box);
	if (e->fork)
		explicit_bzero(e->fork, sizeof(*e->fork));
	free(e->fork);
}

struct effect *effects_ask(struct effects *e, const struct effect_ask *ask)
{
	struct effect *effect = effects_add(e, ask->kind);

	if (!effect)
		return NULL;
	effect->call = ask->call;
	effect->version = ask->serial;
	effect->expected = ask->what;
	effect->ttl_ms = ask->ttl_ms;
	effect->box = ask->box ? malloc(sizeof(*effect->box)) : NULL;
	if (effect->box)
		*effect->box = *ask->box;
	if (!effect->box == !ask->box && !text_set(&effect->tenant, ask->tenant) &&
	    !text_set(&effect->user, ask->user) && !text_set(&effect->data, ask->data))
		return effect;
	effect_clear(effect);
	e->count--;
	return NULL;
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
