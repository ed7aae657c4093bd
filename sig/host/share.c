/* SPDX-License-Identifier: Apache-2.0 */
/* Limits over all nodes of a cluster (share.h): each node's part of a limit, and the accounting
 * between pairs of nodes, in which each sends the total that it has given the other. Messages may
 * be lost, late or repeated without creating more than the limit. Parts given to lost nodes are
 * remembered for GONE_NS, in case they are alive. The owner sends the words from shares_next and
 * delivers received ones. */

#include "sig/host/share.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/table.h"

enum {
	WORDS_MAX = 256,
	REFILL_PARTS = 4, /* others are asked when less than so much of the limit is left */
	ASK_AGAIN_MS = 100,
	KEEPS_BELOW = 60000, /* a limit of that and more is one of ms */
	EXPIRE_STEP = 16,
	PAIRS_MAX = 4 * SHARE_NODES_MAX, /* of a limit: nodes, and processes that are gone */
};

/* A node thought lost may still use what it was given: that is remembered for so long. */
#define GONE_NS (3600 * NS_PER_S)

/* A day, and another one: clocks and the hours that days begin at differ. */
#define DAY_OVER_NS (48 * 3600 * NS_PER_S)

/* With one other node: what each has given the other, in all. */
struct share_pair {
	uint64_t process, gave, got;
	uint64_t wants;   /* a request of it failed since nothing was left; 0: no */
	uint64_t gone_ns; /* since then it is no node, as far as known; 0: it is one */
};

struct share {
	uint64_t id, limit, used;
	uint64_t seen_ns; /* it was spoken of last */
	uint64_t ask_ns;  /* others are not asked again before, */
	bool refused;     /* except for requests refused since */
	struct share_pair *pairs;
	uint32_t pair_count;
};

struct shares {
	const struct tenants *tenants;
	uint64_t nodes[SHARE_NODES_MAX], self;
	uint32_t node_count, rank;
	struct table by_id;
	struct share **all;         /* from 1 on */
	uint32_t count, most, turn; /* turn: looked at down from there */
	uint64_t now_ns;            /* of shares_expire */
	struct share_word words[WORDS_MAX];
	uint32_t first, waiting;
	struct share_counts counts;
};

/* Names are not secret: the key has to be the same on all nodes. */
static const struct hash_key g_key = { 0x74616e64656d2073, 0x6861726573203120 };

int shares_open(struct shares **out, const struct tenants *tenants, uint32_t limits)
{
	struct shares *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->tenants = tenants;
	s->node_count = 1;
	s->most = limits;
	s->all = calloc(limits + 1U, sizeof(struct share *));
	if (!s->all || table_open(&s->by_id, limits)) {
		free(s->all);
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void shares_close(struct shares *s)
{
	if (!s)
		return;
	for (uint32_t i = 1; i <= s->count; i++) {
		free(s->all[i]->pairs);
		free(s->all[i]);
	}
	table_close(&s->by_id);
	free(s->all);
	free(s);
}

void shares_nodes(struct shares *s, uint64_t self, const uint64_t *processes, uint32_t count)
{
	s->self = self;
	s->rank = s->node_count = 0;
	for (uint32_t i = 0; i < count && i < SHARE_NODES_MAX; i++) {
		s->rank += processes[i] < self;
		s->nodes[s->node_count++] = processes[i];
	}
	if (!s->node_count)
		s->node_count = 1;
}

uint64_t share_id(const struct shares *s, enum share_item item, uint16_t tenant, struct bytes user,
		  uint64_t day)
{
	uint64_t in[4] = { (uint64_t)item, day, hash_sip(&g_key, user) };
	uint64_t id;

	in[3] = hash_sip(&g_key, bytes_str(tenants_name(s->tenants, tenant)));
	id = hash_sip(&g_key, bytes_mem(in, sizeof(in))) & ~(uint64_t)1;
	/* all nodes see at the id whether it is of a day, and will be over */
	return day ? id | 1 : id ? id : 2;
}

/* ---- one limit ---- */

static uint32_t share_place(const struct shares *s, uint64_t id)
{
	uint32_t cursor = 0;

	return (uint32_t)table_next(&s->by_id, id, &cursor);
}

/* Returns NULL if not found. */
static struct share *share_find(const struct shares *s, uint64_t id)
{
	uint32_t at = share_place(s, id);

	return at ? s->all[at] : NULL;
}

/* NULL: full, or no memory. */
static struct share *share_open(struct shares *s, uint64_t id)
{
	struct share *new = share_find(s, id);

	if (new)
		new->seen_ns = s->now_ns;
	if (new || s->count == s->most)
		return new;
	new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	new->id = id;
	new->seen_ns = s->now_ns;
	if (table_put(&s->by_id, id, s->count + 1U)) {
		free(new);
		return NULL;
	}
	s->all[++s->count] = new;
	return new;
}

/* The last one takes its place. */
static void share_give(struct shares *s, struct share *of)
{
	uint32_t at = share_place(s, of->id);
	struct share *last = s->all[s->count];

	(void)table_del(&s->by_id, of->id, at);
	if (last != of) {
		(void)table_del(&s->by_id, last->id, s->count);
		if (!table_put(&s->by_id, last->id, at))
			s->all[at] = last;
	}
	s->count--;
	s->counts.neighbours -= of->pair_count;
	free(of->pairs);
	free(of);
}

static bool is_node(const struct shares *s, uint64_t process)
{
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (s->nodes[i] == process)
			return true;
	}
	return false;
}

/* A place for another process: a new one, or that of the process lost longest ago. NULL: no
 * memory. */
static struct share_pair *share_pair_make(struct shares *s, struct share *of)
{
	struct share_pair *list, *oldest = NULL;

	for (uint32_t i = 0; of->pair_count == PAIRS_MAX && i < PAIRS_MAX; i++) {
		struct share_pair *p = &of->pairs[i];

		/* gone_ns 0: since a moment ago */
		if (!is_node(s, p->process) && (!oldest || p->gone_ns - 1 < oldest->gone_ns - 1))
			oldest = p;
	}
	if (of->pair_count == PAIRS_MAX)
		return oldest;
	list = reallocarray(of->pairs, of->pair_count + 1U, sizeof(*list));
	if (!list)
		return NULL;
	of->pairs = list;
	s->counts.neighbours++;
	return &list[of->pair_count++];
}

static struct share_pair *share_pair_of(struct shares *s, struct share *of, uint64_t process)
{
	struct share_pair *new;

	for (uint32_t i = 0; i < of->pair_count; i++) {
		if (of->pairs[i].process == process)
			return &of->pairs[i];
	}
	new = share_pair_make(s, of);
	if (new)
		*new = (struct share_pair){ .process = process };
	return new;
}

/* The part before any transfer. At least one, or no call could begin: a limit below the number of
 * nodes becomes that number. */
static uint64_t share_own(const struct shares *s, uint64_t limit)
{
	uint64_t own = limit / s->node_count + (s->rank < limit % s->node_count);

	return own ? own : 1;
}

/* What was given to a lost process belongs to no node: the new owner of its calls counts them.
 * *debt: what was given beyond its own part, from when there were fewer nodes. */
static uint64_t share_sum(const struct shares *s, const struct share *of, uint64_t limit,
			  uint64_t *debt)
{
	uint64_t got = share_own(s, limit), gave = 0;

	for (uint32_t i = 0; of && i < of->pair_count; i++) {
		if (!is_node(s, of->pairs[i].process))
			continue;
		got += of->pairs[i].got;
		gave += of->pairs[i].gave;
	}
	*debt = gave > got ? gave - got : 0;
	return got > gave ? got - gave : 0;
}

static uint64_t share_now(const struct shares *s, const struct share *of, uint64_t limit)
{
	uint64_t debt;

	return share_sum(s, of, limit, &debt);
}

/* ---- sent ---- */

static void word_put(struct shares *s, const struct share_word *word)
{
	if (s->waiting == WORDS_MAX) /* repeated when it is needed again */
		return;
	s->words[(s->first + s->waiting++) % WORDS_MAX] = *word;
}

bool shares_next(struct shares *s, struct share_word *out)
{
	if (!s->waiting)
		return false;
	*out = s->words[s->first];
	s->first = (s->first + 1) % WORDS_MAX;
	s->waiting--;
	return true;
}

static uint64_t share_refill(uint64_t limit)
{
	return limit < REFILL_PARTS ? 1 : limit / REFILL_PARTS;
}

static void share_say(struct shares *s, const struct share *of, const struct share_pair *p)
{
	word_put(s, &(struct share_word){ .process = p->process,
					  .id = of->id,
					  .limit = of->limit,
					  .given = p->gave });
}

/* A node that missed what it was given does not have it: it is told again when a node is in
 * need. */
static void share_say_again(struct shares *s, const struct share *of, const struct share_pair *but)
{
	for (uint32_t i = 0; i < of->pair_count; i++) {
		if (&of->pairs[i] != but && of->pairs[i].gave && is_node(s, of->pairs[i].process))
			share_say(s, of, &of->pairs[i]);
	}
}

static void share_request(struct shares *s, struct share *of, bool refused, uint64_t now_ns)
{
	uint64_t again_ns = now_ns + ASK_AGAIN_MS * NS_PER_MS;

	/* of minutes it is the time of day, which may be set back */
	if (of->ask_ns > now_ns && of->ask_ns <= again_ns && (of->refused || !refused))
		return;
	of->ask_ns = again_ns;
	of->refused = refused;
	s->counts.asked++;
	share_say_again(s, of, NULL);
	word_put(s, &(struct share_word){ .id = of->id,
					  .limit = of->limit,
					  .want = share_refill(of->limit),
					  .refused = refused });
}

uint64_t share_of(struct shares *s, uint64_t id, uint64_t limit, uint64_t used, uint64_t now_ns)
{
	struct share *of;
	uint64_t now;

	if (!s || !limit || !id || s->node_count == 1)
		return limit;
	now = share_now(s, share_find(s, id), limit);
	if (now >= limit || used + share_refill(limit) < now)
		return now;
	of = share_open(s, id);
	if (!of)
		return now;
	of->limit = limit;
	of->used = used;
	share_request(s, of, used >= now, now_ns);
	return now;
}

void share_drop(struct shares *s, uint64_t id)
{
	struct share *of = s && id ? share_find(s, id) : NULL;

	if (of)
		share_give(s, of);
}

/* ---- received ---- */

/* One call is reserved for the next caller here, until one is refused elsewhere. */
static uint64_t share_spare(const struct shares *s, const struct share *of, bool refused)
{
	bool keeps = !refused && of->limit < KEEPS_BELOW;
	uint64_t now = share_now(s, of, of->limit), kept = of->used + keeps;

	return now > kept ? now - kept : 0;
}

static bool pair_give(struct shares *s, struct share *of, struct share_pair *p, uint64_t part,
		      bool refused)
{
	uint64_t spare = share_spare(s, of, refused);

	p->gave += spare < part ? spare : part;
	p->wants = refused && !spare ? part : 0;
	s->counts.gave += spare != 0;
	return spare;
}

/* Each of the others is asked for the same: it gives its part of that. */
static void asked(struct shares *s, struct share *of, const struct share_word *word)
{
	uint64_t others = s->node_count - 1U;
	struct share_pair *p = share_pair_of(s, of, word->process);

	if (!p)
		return;
	of->limit = word->limit;
	if (!pair_give(s, of, p, word->want / others + (word->want % others != 0), word->refused))
		share_say_again(s, of, p);
	share_say(s, of, p);
}

/* Quota is available again: requests refused elsewhere may succeed now. */
static void share_return(struct shares *s, struct share *of)
{
	for (uint32_t i = 0; i < of->pair_count; i++) {
		struct share_pair *p = &of->pairs[i];

		if (p->wants && is_node(s, p->process) && pair_give(s, of, p, p->wants, true))
			share_say(s, of, p);
	}
}

void share_note(struct shares *s, uint64_t id, uint64_t used)
{
	struct share *of;

	if (!s || !id)
		return;
	of = used ? share_open(s, id) : share_find(s, id);
	if (!of)
		return;
	if (used < of->used) {
		of->used = used;
		share_return(s, of);
	}
	of->used = used;
	if (!used && !of->pair_count)
		share_give(s, of);
}

void shares_hear(struct shares *s, const struct share_word *word)
{
	bool known = is_node(s, word->process) && word->process != s->self;
	struct share *of = known && word->id && word->limit ? share_open(s, word->id) : NULL;
	struct share_pair *p;

	if (!of)
		return;
	if (word->want) {
		asked(s, of, word);
		return;
	}
	p = word->given ? share_pair_of(s, of, word->process) : NULL;
	if (p && word->given > p->got) {
		p->got = word->given;
		of->ask_ns = 0;
		s->counts.got++;
	}
}

static bool share_is_over(const struct share *of, uint64_t now_ns)
{
	return of->id & 1 && now_ns > of->seen_ns && now_ns - of->seen_ns > DAY_OVER_NS;
}

/* Others have what this node gave when its part was larger, or what a previous process, or one that
 * it took over from, has used: it requests that back, or all together would exceed the limit. */
static void share_want_back(struct shares *s, const struct share *of)
{
	uint64_t debt, now = share_sum(s, of, of->limit, &debt);

	debt += of->used > now ? of->used - now : 0;
	if (debt && of->limit)
		word_put(s, &(struct share_word){ .id = of->id, .limit = of->limit, .want = debt });
}

uint64_t shares_now_ns(const struct shares *s)
{
	return s ? s->now_ns : 0;
}

/* A node unreachable when quota became available may be reachable now. */
static void share_settle(struct shares *s, struct share *of)
{
	share_want_back(s, of);
	share_return(s, of);
}

static bool pair_is_over(const struct shares *s, struct share_pair *p, uint64_t now_ns)
{
	if (is_node(s, p->process))
		p->gone_ns = 0;
	else if (!p->gone_ns)
		p->gone_ns = now_ns;
	return p->gone_ns && now_ns - p->gone_ns > GONE_NS;
}

static void share_pairs_expire(struct shares *s, struct share *of, uint64_t now_ns)
{
	for (uint32_t i = of->pair_count; i-- > 0;) {
		if (!pair_is_over(s, &of->pairs[i], now_ns))
			continue;
		of->pairs[i] = of->pairs[--of->pair_count];
		s->counts.neighbours--;
	}
}

/* A node that was only asked has no account with a day to turn. */
void shares_expire(struct shares *s, uint64_t now_ns)
{
	s->now_ns = now_ns;
	if (!s->turn || s->turn > s->count)
		s->turn = s->count;
	for (uint32_t i = 0; i < EXPIRE_STEP && s->turn; i++, s->turn--) {
		struct share *of = s->all[s->turn];

		of->seen_ns = of->seen_ns ? of->seen_ns : now_ns;
		share_pairs_expire(s, of, now_ns);
		if (share_is_over(of, now_ns) || (!of->used && !of->pair_count))
			share_give(s, of);
		else
			share_settle(s, of);
	}
}

void shares_counts(struct shares *s, struct share_counts *out)
{
	*out = s->counts;
	s->counts = (struct share_counts){ .neighbours = out->neighbours };
}
