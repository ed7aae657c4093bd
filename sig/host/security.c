/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/security.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sig/host/effect.h"
#include "sig/sip/stream_rate.h"

static const char *const g_security_names[SECURITY_KIND_COUNT] = {
#define X(id, name, sentence) name,
	SECURITY_KINDS(X)
#undef X
};

static const char *const g_sentences[SECURITY_KIND_COUNT] = {
#define X(id, name, sentence) sentence,
	SECURITY_KINDS(X)
#undef X
};

static const char *const g_labels[SECURITY_KIND_COUNT] = {
#define X(id, name, sentence) "kind=\"" name "\"",
	SECURITY_KINDS(X)
#undef X
};

static const struct stream_rate g_budget = { .per_s = SECURITY_TELLS_PER_S,
					     .burst = SECURITY_TELLS_BURST };

const char *security_kind_name(enum security_kind kind)
{
	assert(kind < SECURITY_KIND_COUNT);
	return g_security_names[kind];
}

const char *security_kind_sentence(enum security_kind kind)
{
	assert(kind < SECURITY_KIND_COUNT);
	return g_sentences[kind];
}

void security_open(struct security *s, struct effects *effects, struct wheel *wheel,
		   uint32_t timer_kind, const struct hash_key *key)
{
	s->effects = effects;
	s->wheel = wheel;
	s->timer.kind = timer_kind;
	s->key = *key;
	for (int i = 0; i < SECURITY_KIND_COUNT; i++) {
		s->events[i] =
			metric_register(METRIC_COUNTER, "tandem_security_events_total", g_labels[i],
					"What somebody tried and may not, by kind.");
	}
}

/* Cuts what is too long. */
static void security_text(char *out, size_t cap, struct bytes in)
{
	(void)bytes_cstr(bytes_sub(in, 0, cap - 1), out, cap);
}

/* False: no memory, it is told later. */
static bool security_put(struct security *s, const struct security_event *event)
{
	struct security_event *copy = malloc(sizeof(*copy));
	struct effect *e = copy ? effects_add(s->effects, EFFECT_SECURITY) : NULL;

	if (!e) {
		free(copy);
		return false;
	}
	*copy = *event;
	e->security = copy;
	return true;
}

static bool security_is_due(const struct security_entry *e, uint64_t now_ns)
{
	return e->event.count &&
	       (!e->told_ns || now_ns - e->told_ns >= SECURITY_WINDOW_S * NS_PER_S);
}

static void entry_tell(struct security *s, struct security_entry *e, uint64_t now_ns)
{
	if (!stream_rate_take(&s->budget_full_ns, &g_budget, now_ns) || !security_put(s, &e->event))
		return;
	e->event.count = 0;
	e->told_ns = now_ns;
}

static uint64_t entry_id(const struct security *s, enum security_kind kind,
			 const struct addr *source)
{
	uint8_t buf[1 + sizeof(source->ip)];
	struct writer w = writer_over(buf, sizeof(buf));
	uint64_t id;

	writer_u8(&w, (uint8_t)kind);
	writer_bytes(&w, bytes_mem(source->ip, source->family == ADDR_V6 ? sizeof(source->ip) : 4));
	id = hash_sip(&s->key, writer_done(&w));
	return id ? id : 1;
}

/* That of the id, or the one with the least to say and then the oldest, which is forgotten for it. */
static struct security_entry *security_entry_take(struct security *s, uint64_t id,
						  enum security_kind kind,
						  const struct addr *source)
{
	struct security_entry *set = s->sets[id % SECURITY_SETS], *out = set;

	for (size_t i = 0; i < SECURITY_WAYS; i++) {
		struct security_entry *e = &set[i];

		if (e->id == id)
			return e;
		if (!e->id != !out->id ? !e->id : e->last_ns < out->last_ns)
			out = e;
	}
	s->others[out->event.kind] += out->event.count;
	*out = (struct security_entry){ .id = id, .event = { .kind = kind, .source = *source } };
	return out;
}

void security_event(struct security *s, enum security_kind kind, const struct addr *source,
		    struct bytes user, const char *detail, uint64_t now_ns)
{
	const struct addr whose = addr_source(source);
	struct security_entry *e;

	assert(kind < SECURITY_KIND_COUNT);
	metric_add(s->events[kind], 1);
	e = security_entry_take(s, entry_id(s, kind, &whose), kind, source);
	e->last_ns = now_ns;
	e->event.count++;
	e->event.source = *source;
	security_text(e->event.user, sizeof(e->event.user), user);
	security_text(e->event.detail, sizeof(e->event.detail), bytes_str(detail ? detail : ""));
	if (security_is_due(e, now_ns))
		entry_tell(s, e, now_ns);
	if (!wheel_is_running(&s->timer))
		wheel_start(s->wheel, &s->timer, now_ns + SECURITY_WINDOW_S * NS_PER_S);
}

/* Whether there is still something to tell. */
static bool others_tell(struct security *s)
{
	bool left = false;

	for (int i = 0; i < SECURITY_KIND_COUNT; i++) {
		const struct security_event event = { .kind = (enum security_kind)i,
						      .count = s->others[i] };

		if (event.count && security_put(s, &event))
			s->others[i] = 0;
		left = left || s->others[i];
	}
	return left;
}

void security_publish(struct security *s, uint64_t now_ns)
{
	bool left = others_tell(s);

	for (size_t i = 0; i < SECURITY_SETS * SECURITY_WAYS; i++) {
		struct security_entry *e = &s->sets[i / SECURITY_WAYS][i % SECURITY_WAYS];

		if (security_is_due(e, now_ns))
			entry_tell(s, e, now_ns);
		left = left || e->event.count;
	}
	if (left)
		wheel_start(s->wheel, &s->timer, now_ns + SECURITY_WINDOW_S * NS_PER_S);
}
