/* SPDX-License-Identifier: Apache-2.0 */
/* Security events and guess limits of a node (security.h): events of misuse are merged per kind and
 * source with bounded rate, so a flood cannot hide another event or fill the log; and guesses of
 * short secrets such as PINs are delayed per caller and source. Entries are replaced by a keyed
 * hash and by how much they have to remember. One thread. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sig/host/effect.h"
#include "sig/host/security.h"
#include "sig/sip/stream_rate.h"

/* A caller at an object. */
struct secret_caller {
	uint64_t id;       /* hash; 0: free */
	uint64_t first_ns; /* first failure of the window */
	uint64_t last_ns;  /* when it failed or passed last */
	uint64_t until_ns; /* it waits till then */
	uint32_t failures; /* in the window */
	uint32_t waits;    /* number of waits so far */
	bool known;        /* it has given the right one */
};

/* A source, at an object or at all. */
struct secret_bucket {
	uint64_t id; /* 0: free */
	uint64_t full_ns;
};

struct secret_limit {
	struct hash_key key;
	struct secret_caller callers[SECRET_SETS][SECRET_WAYS];
	struct secret_bucket buckets[SECRET_SETS][SECRET_WAYS];
};

/* Where a guess counts. */
struct secret_places {
	uint64_t caller, object, source;
};

int secret_limit_open(struct secret_limit **out, const struct hash_key *key)
{
	struct secret_limit *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->key = *key;
	*out = l;
	return 0;
}

void secret_limit_close(struct secret_limit *l)
{
	free(l);
}

static uint64_t secret_hash(const struct secret_limit *l, const uint64_t *parts, size_t count)
{
	uint64_t id = hash_sip(&l->key, bytes_mem(parts, count * sizeof(*parts)));

	return id ? id : 1;
}

static struct secret_places secret_places_of(const struct secret_limit *l,
					     const struct secret_guess *g)
{
	const uint64_t parts[] = { hash_sip(&l->key, g->tenant), hash_sip(&l->key, g->source),
				   hash_sip(&l->key, g->object), hash_sip(&l->key, g->caller) };

	return (struct secret_places){ .source = secret_hash(l, parts, 2),
				       .object = secret_hash(l, parts, 3),
				       .caller = secret_hash(l, parts, 4) };
}

/* ---- callers ---- */

static const struct secret_caller *secret_caller_find(const struct secret_limit *l, uint64_t id)
{
	const struct secret_caller *set = l->callers[id % SECRET_SETS];

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
	}
	return NULL;
}

/* A known caller, and then the one that failed last, is remembered longer. */
static bool caller_is_less(const struct secret_caller *a, const struct secret_caller *b)
{
	return a->known != b->known ? b->known : a->last_ns < b->last_ns;
}

/* Returns NULL for an unknown caller if all entries are in better use. His guesses count for the
 * source. */
static struct secret_caller *secret_caller_ensure(struct secret_limit *l, uint64_t id, bool known,
						  uint64_t now_ns)
{
	struct secret_caller *set = l->callers[id % SECRET_SETS], *least = set;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (caller_is_less(&set[i], least))
			least = &set[i];
	}
	if (least->known && !known)
		return NULL;
	*least = (struct secret_caller){ .id = id, .first_ns = now_ns };
	return least;
}

static uint64_t secret_wait_ns(uint32_t waits)
{
	uint64_t s = SECRET_WAIT_MIN_S;

	while (--waits && s < SECRET_WAIT_MAX_S)
		s *= 2;
	return (s < SECRET_WAIT_MAX_S ? s : SECRET_WAIT_MAX_S) * NS_PER_S;
}

static void secret_caller_failed(struct secret_caller *c, uint64_t now_ns)
{
	if (now_ns - c->last_ns > SECRET_WINDOW_S * NS_PER_S)
		c->waits = 0;
	if (now_ns - c->first_ns > SECRET_WINDOW_S * NS_PER_S) {
		c->first_ns = now_ns;
		c->failures = 0;
	}
	c->last_ns = now_ns;
	if (++c->failures < SECRET_FAILURES && !c->waits)
		return;
	c->waits += c->waits < UINT32_MAX;
	c->until_ns = now_ns + secret_wait_ns(c->waits);
}

/* ---- sources ---- */

static struct secret_bucket *secret_bucket_ensure(struct secret_limit *l, uint64_t id)
{
	struct secret_bucket *set = l->buckets[id % SECRET_SETS], *least = set;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (set[i].full_ns < least->full_ns)
			least = &set[i];
	}
	*least = (struct secret_bucket){ .id = id };
	return least;
}

/* One more, up to the burst: a flood lengthens no wait. */
static void bucket_failed(struct secret_limit *l, uint64_t id, uint64_t burst, uint64_t each_s,
			  uint64_t now_ns)
{
	struct secret_bucket *b = secret_bucket_ensure(l, id);
	uint64_t most_ns = now_ns + burst * each_s * NS_PER_S;

	if (b->full_ns < now_ns)
		b->full_ns = now_ns;
	b->full_ns += each_s * NS_PER_S;
	if (b->full_ns > most_ns)
		b->full_ns = most_ns;
}

static uint64_t bucket_wait_ns(const struct secret_limit *l, uint64_t id, uint64_t burst,
			       uint64_t each_s, uint64_t now_ns)
{
	const struct secret_bucket *set = l->buckets[id % SECRET_SETS];
	uint64_t free_ns = now_ns + (burst - 1) * each_s * NS_PER_S;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return set[i].full_ns > free_ns ? set[i].full_ns - free_ns : 0;
	}
	return 0;
}

/* ---- a guess ---- */

uint64_t secret_limit_wait_ns(const struct secret_limit *l, const struct secret_guess *g,
			      uint64_t now_ns)
{
	const struct secret_places at = secret_places_of(l, g);
	const struct secret_caller *c = secret_caller_find(l, at.caller);
	uint64_t wait_ns = c && c->until_ns > now_ns ? c->until_ns - now_ns : 0, more_ns;

	if (c && c->known)
		return wait_ns;
	more_ns = bucket_wait_ns(l, at.object, SECRET_OBJECT_BURST, SECRET_OBJECT_EACH_S, now_ns);
	wait_ns = more_ns > wait_ns ? more_ns : wait_ns;
	more_ns = bucket_wait_ns(l, at.source, SECRET_SOURCE_BURST, SECRET_SOURCE_EACH_S, now_ns);
	return more_ns > wait_ns ? more_ns : wait_ns;
}

void secret_limit_failed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns)
{
	const struct secret_places at = secret_places_of(l, g);

	struct secret_caller *c = secret_caller_ensure(l, at.caller, false, now_ns);

	if (c)
		secret_caller_failed(c, now_ns);
	bucket_failed(l, at.object, SECRET_OBJECT_BURST, SECRET_OBJECT_EACH_S, now_ns);
	bucket_failed(l, at.source, SECRET_SOURCE_BURST, SECRET_SOURCE_EACH_S, now_ns);
}

/* Earlier guesses for him count until they expire: else each right one would permit as many
 * more. */
void secret_limit_passed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns)
{
	struct secret_caller *c =
		secret_caller_ensure(l, secret_places_of(l, g).caller, true, now_ns);

	if (c->until_ns <= now_ns && !c->waits)
		c->failures = 0;
	c->last_ns = now_ns;
	c->known = true;
}

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
	struct effect *e = effects_add(s->effects, EFFECT_SECURITY, 0, 0);

	if (e)
		*(struct security_event *)e->request = *event;
	return e != NULL;
}

static bool security_is_due(const struct security_entry *e, uint64_t now_ns)
{
	return e->event.count &&
	       (!e->told_ns || now_ns - e->told_ns >= SECURITY_WINDOW_S * NS_PER_S);
}

static void security_entry_report(struct security *s, struct security_entry *e, uint64_t now_ns)
{
	if (!stream_rate_spend(&s->budget_full_ns, &g_budget, now_ns) ||
	    !security_put(s, &e->event))
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

/* The entry of the id, or the one with the least to report and then the oldest, which is dropped
 * for it. */
static struct security_entry *security_entry_ensure(struct security *s, uint64_t id,
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
	const struct addr subject = addr_source(source);
	struct security_entry *e;

	assert(kind < SECURITY_KIND_COUNT);
	metric_add(s->events[kind], 1);
	e = security_entry_ensure(s, entry_id(s, kind, &subject), kind, source);
	e->last_ns = now_ns;
	e->event.count++;
	e->event.source = *source;
	security_text(e->event.user, sizeof(e->event.user), user);
	security_text(e->event.detail, sizeof(e->event.detail), bytes_str(detail ? detail : ""));
	if (security_is_due(e, now_ns))
		security_entry_report(s, e, now_ns);
	if (!wheel_is_running(&s->timer))
		wheel_start(s->wheel, &s->timer, now_ns + SECURITY_WINDOW_S * NS_PER_S);
}

/* Whether there is still something to tell. */
static bool security_others_report(struct security *s)
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
	bool left = security_others_report(s);

	for (size_t i = 0; i < SECURITY_SETS * SECURITY_WAYS; i++) {
		struct security_entry *e = &s->sets[i / SECURITY_WAYS][i % SECURITY_WAYS];

		if (security_is_due(e, now_ns))
			security_entry_report(s, e, now_ns);
		left = left || e->event.count;
	}
	if (left)
		wheel_start(s->wheel, &s->timer, now_ns + SECURITY_WINDOW_S * NS_PER_S);
}
