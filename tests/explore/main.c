/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that can happen to a lease, to a depth: each order of messages, commands, timers and faults. Never may two owners speak at
 * once, and from wherever it has come to, somebody owns the shard soon once nothing fails any more. Then each rule is broken in
 * turn, which must be found.
 *
 *   explore [--more N] [--seeds N] [--only SCENE] [--stories]     N steps more than by default, N stories by chance of each scene
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/explore/world.h"

enum {
	PATH_MAX_STEPS = 64,
	TABLE_BITS = 23,
	RECOVER_EVERY = 256,
	RECOVER_TICKS = 24,
	RECOVER_SEEDS = 16
};

struct slot {
	uint64_t hash;
	uint8_t left; /* steps that were explored from there */
};

struct search {
	const struct world_settings *settings;
	struct slot *table;
	struct step path[PATH_MAX_STEPS];
	uint32_t depth; /* of the path */
	uint64_t worlds, recovered;
	const char *found;
	bool stories;
};

static bool known(struct search *s, uint64_t hash, uint32_t left)
{
	uint64_t i = hash >> (64 - TABLE_BITS);

	for (uint32_t n = 0; n < 64; n++, i = (i + 1) & ((1U << TABLE_BITS) - 1)) {
		struct slot *slot = &s->table[i];

		if (!slot->hash || slot->hash == hash) {
			bool enough = slot->hash && slot->left >= left;

			s->worlds += !slot->hash;
			slot->hash = hash;
			slot->left = enough ? slot->left : (uint8_t)left;
			return enough;
		}
	}
	s->worlds++;
	return false;
}

static bool recovers_all(struct search *s, const struct world *w)
{
	struct world copy = *w;

	s->recovered++;
	if (!world_recovers(copy, s->settings, RECOVER_TICKS))
		return false;
	/* and the others, once any one of them is gone */
	for (uint32_t i = 0; i < s->settings->nodes; i++) {
		copy = *w;
		copy.nodes[i].dead = true;
		if (s->settings->nodes == 3 && s->settings->messages &&
		    !world_recovers(copy, s->settings, RECOVER_TICKS))
			return false;
	}
	return true;
}

static bool walk(struct search *s, const struct world *w, uint32_t left)
{
	struct step steps[STEPS_MAX];
	uint64_t hash = world_hash(w);
	uint32_t count;

	if (world_owners(w) > 1) {
		s->found = "two owners";
		return false;
	}
	if (s->settings->nodes == 1 && !world_owners(w)) {
		s->found = "a node alone fell silent";
		return false;
	}
	if (known(s, hash, left))
		return true;
	if (hash % RECOVER_EVERY == 0 && !recovers_all(s, w)) {
		s->found = "it does not recover";
		return false;
	}
	if (!left)
		return true;
	count = world_steps(w, s->settings, steps);
	for (uint32_t i = 0; i < count; i++) {
		struct world next = *w;

		s->path[s->depth++] = steps[i];
		world_step(&next, s->settings, &steps[i]);
		if (!walk(s, &next, left - 1))
			return false;
		s->depth--;
	}
	return true;
}

static void story_print(const struct search *s)
{
	struct world w;

	world_start(&w, s->settings);
	(void)printf("%s: %s\n", s->settings->name, s->found);
	for (uint32_t i = 0; i < s->depth; i++) {
		world_step(&w, s->settings, &s->path[i]);
		step_print(&s->path[i], &w);
	}
}

/* True: nothing was found. */
static bool explore(struct search *s, uint32_t depth)
{
	struct world w;
	bool fine;

	memset(s->table, 0, sizeof(*s->table) << TABLE_BITS);
	s->depth = 0;
	s->worlds = s->recovered = 0;
	s->found = NULL;
	world_start(&w, s->settings);
	fine = walk(s, &w, depth);
	(void)printf("# %s, broken %d, depth %u: %llu worlds, %llu recovered\n", s->settings->name,
		     (int)s->settings->broken, depth, (unsigned long long)s->worlds,
		     (unsigned long long)s->recovered);
	return fine;
}

static bool rare(const struct step *step)
{
	return step->kind == STEP_RESTART || step->kind == STEP_FLUSH || step->kind == STEP_CRASH ||
	       step->kind == STEP_FAILOVER;
}

/* Deeper than all orders can be tried: a story by chance from each seed. False: found. */
static bool wander(struct search *s, uint32_t depth, uint64_t seeds)
{
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		uint64_t chance = seed * UINT64_C(0x9e3779b97f4a7c15);
		struct world w;

		world_start(&w, s->settings);
		for (s->depth = 0; s->depth < depth && world_owners(&w) < 2; s->depth++) {
			struct step steps[STEPS_MAX];
			uint32_t count = world_steps(&w, s->settings, steps);

			chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
			s->path[s->depth] = steps[(chance >> 33) % count];
			if (rare(&s->path[s->depth]) && (chance >> 20) % 8)
				s->path[s->depth] = (struct step){ .kind = STEP_TICK };
			world_step(&w, s->settings, &s->path[s->depth]);
		}
		if (seed % RECOVER_SEEDS == 0 && !s->settings->broken && !recovers_all(s, &w)) {
			s->found = "it does not recover";
			return false;
		}
		if (world_owners(&w) > 1) {
			s->found = "two owners";
			(void)printf("# %s, broken %d: seed %llu, %u steps\n", s->settings->name,
				     (int)s->settings->broken, (unsigned long long)seed, s->depth);
			return false;
		}
	}
	return true;
}

struct scene {
	struct world_settings settings;
	uint32_t depth;
};

#define ACKS     .messages = true
#define FAST     .slow_owner = true /* claimants' clocks run faster than the owner's */
#define REPLICA  .servers = 2, .failovers = 1
#define RESTARTS .restarts = 1
#define NOTICES  .restarts = 1, .notices = true

/* The depths keep the whole within some seconds. */
static const struct scene SCENES[] = {
	{ { "a node alone", 1, REPLICA, .losses = 3, .flushes = 1, .crashes = 1, FAST }, 14 },
	{ { "two nodes, one Redis", 2, 1, .losses = 1, ACKS, FAST }, 12 },
	{ { "two nodes, the claimant is slow", 2, 1, .losses = 1, ACKS }, 11 },
	{ { "two nodes, Redis crashes", 2, 1, .crashes = 1, .losses = 1, FAST }, 12 },
	{ { "two nodes, Redis is emptied", 2, 1, .flushes = 2, .losses = 1, FAST }, 12 },
	{ { "two nodes, Redis was empty", 2, 1, .flushes = 1, .losses = 1, FAST, .emptied = true },
	  12 },
	{ { "two nodes, a replica", 2, REPLICA, ACKS, FAST }, 12 },
	{ { "two nodes, a replica, cut for 4", 2, REPLICA, FAST, .cut = 4 }, 12 },
	{ { "two nodes, cut for 3", 2, 1, .losses = 1, FAST, .cut = 3 }, 12 },
	{ { "three nodes, one Redis", 3, 1, ACKS, FAST }, 11 },
	{ { "three nodes, a replica", 3, REPLICA, ACKS, FAST }, 10 },
	{ { "three nodes, restarts", 3, 1, RESTARTS, ACKS, FAST }, 9 },
	{ { "three nodes, heard alone", 3, 1, ACKS, FAST, .cut = 3, .heard = true }, 9 },
	{ { "three nodes, cut off", 3, 1, ACKS, FAST, .cut = 3 }, 8 },
	{ { "three nodes, restarts, cut off", 3, 1, RESTARTS, ACKS, FAST, .cut = 3 }, 8 },
	{ { "two nodes, the owner dies", 2, 1, NOTICES, .losses = 1, ACKS, FAST }, 10 },
	{ { "three nodes, the owner dies", 3, 1, NOTICES, ACKS, FAST }, 9 },
	{ { "three nodes, it dies, a replica", 3, REPLICA, NOTICES, ACKS, FAST, .cut = 3 }, 7 },
	{ { "three nodes, a split Redis", 3, REPLICA, ACKS, FAST, .cut = 8, .split = true }, 8 },
};

struct rule {
	enum broken broken;
	const char *name, *scene;
};

/* Found by chance, each within a second: their stories have up to 60 steps. */
static const struct rule RULES[] = {
	{ BROKEN_QUIET, "a claimant waits for one length only", "two nodes, one Redis" },
	{ BROKEN_ANSWER, "the owner is valid from the answer on", "two nodes, one Redis" },
	{ BROKEN_HISTORY_WATCH, "a watch outlives Redis", "two nodes, Redis crashes" },
	{ BROKEN_HISTORY_CLAIM, "a claim outlives Redis", "two nodes, Redis crashes" },
	{ BROKEN_KEPT, "a renewal counts without the replica", "two nodes, a replica" },
	{ BROKEN_RENEWAL, "a claim compares the epoch alone", "two nodes, cut for 3" },
	{ BROKEN_NOTE, "a missing lease gets no note", "two nodes, Redis was empty" },
	{ BROKEN_LATE, "a claim counts however late", "two nodes, cut for 3" },
	{ BROKEN_ONE, "one alone claims without the replica", "two nodes, a replica, cut for 4" },
	{ BROKEN_START, "consents just after its start", "three nodes, restarts, cut off" },
	{ BROKEN_LAPSED, "an owner goes on after it lapsed", "three nodes, restarts, cut off" },
	{ BROKEN_ACKED, "consents though it has acked", "three nodes, heard alone" },
	{ BROKEN_DEAD_ALIVE, "a notice of a process that lives", "three nodes, the owner dies" },
	{ BROKEN_DEAD_CONSENT, "a notice frees from a consent", "three nodes, it dies, a replica" },
	{ BROKEN_ALONE, "claims without consents", "three nodes, heard alone" },
};

/* True: it was found, as it must be. */
static bool rule_found(struct search *s, const struct rule *rule)
{
	for (size_t i = 0; i < COUNT_OF(SCENES); i++) {
		struct world_settings settings = SCENES[i].settings;

		if (strcmp(settings.name, rule->scene) != 0)
			continue;
		settings.broken = rule->broken;
		s->settings = &settings;
		if (!wander(s, PATH_MAX_STEPS, 1000000)) {
			if (s->stories)
				story_print(s);
			return true;
		}
	}
	(void)printf("# not found: %s\n", rule->name);
	return false;
}

static bool scene_fine(struct search *s, const struct scene *scene, int more, uint64_t seeds)
{
	s->settings = &scene->settings;
	if (explore(s, (uint32_t)((int)scene->depth + more)) && wander(s, PATH_MAX_STEPS, seeds))
		return true;
	story_print(s);
	return false;
}

struct options {
	int more;
	uint64_t seeds;
	const char *only;
	bool stories;
};

static struct options options_read(int argc, char **argv)
{
	struct options o = { .seeds = 10000, .only = "" };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--stories"))
			o.stories = true;
		else if (i + 1 == argc)
			(void)printf("# %s wants a value\n", argv[i]);
		else if (!strcmp(argv[i], "--more"))
			o.more = (int)strtol(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--seeds"))
			o.seeds = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--only"))
			o.only = argv[++i];
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = options_read(argc, argv);
	struct search s = { .stories = o.stories };
	bool fine = true;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	s.table = malloc(sizeof(*s.table) << TABLE_BITS);
	if (!s.table)
		return 1;
	for (size_t i = 0; i < COUNT_OF(SCENES); i++) {
		if (strstr(SCENES[i].settings.name, o.only))
			fine &= scene_fine(&s, &SCENES[i], o.more, o.seeds);
	}
	for (size_t i = 0; i < COUNT_OF(RULES); i++) {
		if (strstr(RULES[i].scene, o.only))
			fine &= rule_found(&s, &RULES[i]);
	}
	free(s.table);
	return !fine;
}
