/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim [--first N] [--seeds N] [--list FILE] [--story] [--break NAME] [--harvest FOLDER]
 * --nodes, --shards: of each node so many (scenario_cluster.c); else one. --floats: their addresses go with their shards, where leases
 * say (node_lease.c), in all seeds; else in two of five.
 * --links: the nodes of such have channels to each other, too (link.h), in all seeds; --apart: in none; else
 * in one of two.
 * --callbacks: as with --rooms, and a queue calls phones back (callbacks.c).
 * --rooms: as with --links where there are several nodes, and phones call one room (scenario_rooms.c).
 * --all: goes on after a failure, and only names each.
 * sim --stories [NAME]: those of story.h. --stories NAME --kill N: one, aloud, killed behind its effect N; 0: not at all.
 * --fence N: it loses its shard there. --move N: a phone goes to another network there. --go N: there are two nodes, and a phone registers
 * with the other one from there on, or for a while. --take N: there are two nodes, and the shard goes to the other one there; --twice N: the
 * first dies there, and soon the other one (both: of stories with one shard and no room). --document N: a document changes there. --link N:
 * links of its two nodes break there. --whole: behind each effect, where the suite
 * has some alone. With --harvest FOLDER: their records.
 * sim --leases [--nodes N]: seeds of leases.h alone, with three nodes or so many. --model N --nodes M [--shards K]: a system of N nodes with K shards each, known to M
 * of them (model.c).
 * --hash: a line for each seed, or for each story and what goes wrong in it, with a hash of all that the core asks for (effect_line.h): equal
 * in each build, and in two programs that do the same. With --story, or --kill and the like: the effects. --plain: stories without harm.
 * sim --self-test | --records FOLDER [--story]
 * Runs the seeds of the list, each with as many nodes and shards as it names, then --seeds from --first on. Prints the story of the first that fails and exits with 1. --records: of old
 * records (golden.h); --story prints what the node does with each, --hash which state it gives.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { TWICE_EVERY = 50, SELF_TEST_SEEDS = 400, UNITED_SEEDS = 300 };

struct arguments {
	uint64_t first, seeds;
	const char *list, *records;
	const char *story; /* "": all */
	struct story_mishap mishap;
	bool one;   /* that one alone */
	bool whole; /* behind each effect */
	bool plain; /* behind none */
	bool self_test;
	uint32_t model; /* so many nodes */
	bool all;
	struct sim_way way;
};

static void add(struct totals *sum, const struct totals *t)
{
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)t;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static void report(const struct totals *t, uint64_t seeds, bool hashes)
{
	(void)printf("# %" PRIu64 " seeds: %" PRIu64 " calls, %" PRIu64 " answered, %" PRIu64
		     " refused, %" PRIu64 " cancelled, %" PRIu64 " PRACKs, %" PRIu64
		     " re-INVITEs, %" PRIu64 " CDRs, %" PRIu64 " flows\n",
		     seeds, t->calls, t->answered, t->refusals, t->cancels, t->pracks, t->reinvites,
		     t->cdrs, t->flows);
	(void)printf("# %" PRIu64 " messages, %" PRIu64 " lost, %" PRIu64 " duplicated, %" PRIu64
		     " late; %" PRIu64 " saves, %" PRIu64 " failed; %" PRIu64 " crashes, %" PRIu64
		     " outages, %" PRIu64 " phones vanished; %.1f virtual hours\n",
		     t->sent, t->lost, t->duplicated, t->late, t->saves, t->saves_failed,
		     t->crashes, t->outages, t->vanished, (double)t->virtual_ns / 3.6e12);
	(void)printf("# %" PRIu64 " SRTP keys, %" PRIu64 " ranges granted; %" PRIu64
		     " parties silent, %" PRIu64 " calls by command, %" PRIu64
		     " steps of the clock, %" PRIu64 " writes forgotten and %" PRIu64
		     " calls found stored; phones: %" PRIu64 " TCP, %" PRIu64 " TLS, %" PRIu64
		     " IPv6\n",
		     t->secrets, t->granted, t->silences, t->originated, t->steps, t->forgotten,
		     t->looked_up, t->tcp, t->tls, t->udp6);
	(void)printf("# %" PRIu64 " REFERs, %" PRIu64 " accepted; %" PRIu64 " shards lost; %" PRIu64
		     " names looked up, %" PRIu64 " places failed; %" PRIu64
		     " requests asked for credentials\n",
		     t->refers, t->given, t->fences, t->names, t->displaced, t->asked);
	(void)printf("# %" PRIu64 " moves to another node; %" PRIu64 " shards lost alone, %" PRIu64
		     " joins of two shards, %" PRIu64 " documents changed, %" PRIu64
		     " messages between shards, %" PRIu64 " calls with nobody in them\n",
		     t->moves, t->lost_alone, t->joins, t->documents, t->cells, t->circles);
	(void)printf("# %" PRIu64 " lamps, told %" PRIu64 " times; %" PRIu64 " pages, %" PRIu64
		     " taken; %" PRIu64 " numbers called back\n",
		     t->blf_keys, t->told, t->pages, t->paged, t->called_back);
	(void)printf("# %" PRIu64 " times a node had a shard from then on, %" PRIu64
		     " of them by plan; %" PRIu64 " times one stood still, %" PRIu64
		     " messages withheld, %" PRIu64 " seeds misled\n",
		     t->taken, t->handed, t->stood, t->withheld, t->misled);
	(void)printf("# %" PRIu64 " connections of nodes, %" PRIu64 " failed, %" PRIu64
		     " broken; %" PRIu64 " parcels, %" PRIu64 " lost, %" PRIu64
		     " given back: %" PRIu64 " messages to phones, %" PRIu64 " of phones, %" PRIu64
		     " of them returned, %" PRIu64 " between shards, %" PRIu64 " news; %" PRIu64
		     " connections gone, %" PRIu64 " messages held, %" PRIu64 " too long; %" PRIu64
		     " questions of commands, %" PRIu64 " refused\n",
		     t->links.opened, t->links.failed, t->links.broken, t->links.sent,
		     t->links.lost, t->links.back, t->links.carried, t->links.handed,
		     t->links.returned, t->links.cells, t->links.outcome, t->links.gone,
		     t->links.held, t->links.late, t->links.asked, t->links.refused);
	(void)printf("# all stories: %016" PRIx64 "\n", t->stories);
	if (hashes)
		(void)printf("# all effects: %016" PRIx64 "\n", t->effects);
}

static struct sim *new_sim(void)
{
	struct sim *s = malloc(sizeof(*s));

	if (!s)
		exit(2);
	return s;
}

static bool run_way(struct sim *s, uint64_t seed, const struct sim_way *way)
{
	return way->leases ? leases_run(s, seed, way) : sim_run(s, seed, way);
}

/* Without which the seed is another. */
static const char *way_option(const struct sim_way *way)
{
	if (way->leases)
		return "--leases ";
	if (way->callbacks)
		return "--callbacks ";
	if (way->rooms)
		return "--rooms ";
	if (way->links == LINKS)
		return "--links ";
	return way->floats == FLOATS ? "--floats " : way->links == LINKS_NOT ? "--apart " : "";
}

static void tell(uint64_t seed, const struct sim_way *way)
{
	struct sim *s = new_sim();
	struct sim_way told = *way;
	bool ok;

	told.story = true;
	ok = run_way(s, seed, &told);

	sim_tell(s);
	(void)printf("seed %" PRIu64 ": %s\n", seed, ok ? "all is well" : s->check.broken);
	if (!ok)
		(void)printf(
			"again: ./tandem sim %s--nodes %u --shards %u --first %" PRIu64
			" --seeds 1; when it is mended, put the seed into tests/sim/seeds.txt\n",
			way_option(way), way->leases ? way->nodes : s->node_count, s->shard_count,
			seed);
	sim_close(s);
	free(s);
}

static uint64_t hash_of(uint64_t seed, const struct sim_way *way)
{
	struct sim *s = new_sim();
	uint64_t hash;

	(void)run_way(s, seed, way);
	hash = s->trace.hash;
	sim_close(s);
	free(s);
	return hash;
}

/* As in seeds.txt. */
static void print_hash(uint64_t seed, const struct sim_way *way, uint64_t hash)
{
	uint32_t nodes = way->nodes ? way->nodes : 1, shards = way->shards ? way->shards : 1;
	const char *kind = way->callbacks          ? "c"
			   : way->rooms            ? "r"
			   : way->links == LINKS   ? "l"
			   : way->floats == FLOATS ? "f"
						   : "";

	if (way->leases)
		(void)printf("seed leases%u:", way->nodes);
	else
		(void)printf("seed %ux%u%s:", nodes, shards, kind);
	(void)printf("%" PRIu64 " %016" PRIx64 "\n", seed, hash);
}

/* False: it failed, and its story was told. */
static bool run_seed(uint64_t seed, const struct arguments *a, struct totals *sum)
{
	struct sim *s = new_sim();
	const struct sim_way *way = &a->way;
	bool ok = run_way(s, seed, way);
	uint64_t hash = s->trace.hash;

	s->totals.links = s->links.totals;
	add(sum, &s->totals);
	sum->stories = (sum->stories ^ hash) * UINT64_C(1099511628211);
	if (way->hashes)
		print_hash(seed, way, sim_hash(s));
	sum->effects = (sum->effects ^ sim_hash(s)) * UINT64_C(1099511628211);
	if (!ok && a->all)
		(void)printf("seed %" PRIu64 ": %s\n", seed, s->check.broken);
	sim_close(s);
	free(s);
	if (!ok && !a->all)
		tell(seed, way);
	if (ok && seed % TWICE_EVERY == 0 && hash_of(seed, way) != hash) {
		(void)printf("seed %" PRIu64 ": two runs differ\n", seed);
		return false;
	}
	return ok;
}

/* leases:SEED of three nodes, leasesN:SEED of N, SEED, or NxM:SEED of N nodes with M shards each, or NxMf:SEED: with addresses that go with their shards, or NxMl:SEED: with
 * channels between the nodes, too, or NxMr:SEED: and with a room, or NxMc:SEED: and with callbacks. False: none of them. */
static bool read_seed(const char *line, struct sim_way *way, uint64_t *seed)
{
	uint32_t nodes, shards;
	int at = 0, floats = 0, links = 0, rooms = 0, callbacks = 0;
	int n = sscanf(line, "%" SCNu32 "x%" SCNu32 ":%n", &nodes, &shards, &at);

	way->floats = FLOATS_NOT;
	way->links = LINKS_NOT;
	way->leases = strncmp(line, "leases", 6) == 0;
	if (way->leases && line[6] == ':')
		at = 7;
	else if (way->leases)
		(void)sscanf(line, "leases%" SCNu32 ":%n", &way->nodes, &at);
	else if (n == 2 && !at)
		(void)sscanf(line, "%*ux%*uf:%n", &floats);
	if (n == 2 && !at && !floats)
		(void)sscanf(line, "%*ux%*ul:%n", &links);
	if (n == 2 && !at && !floats && !links)
		(void)sscanf(line, "%*ux%*ur:%n", &rooms);
	if (n == 2 && !at && !floats && !links && !rooms)
		(void)sscanf(line, "%*ux%*uc:%n", &callbacks);
	at = at ? at : floats + links + rooms + callbacks;
	way->rooms = rooms;
	way->callbacks = callbacks;
	if ((rooms || callbacks) && nodes > 1)
		links = at;
	if (n == 2 && at) {
		way->nodes = nodes;
		way->shards = shards;
	}
	if (floats || links)
		way->floats = FLOATS;
	if (links)
		way->links = LINKS;
	return sscanf(line + at, "%" SCNu64, seed) == 1;
}

static bool run_list(const struct arguments *a, struct totals *sum, uint64_t *count)
{
	FILE *f = fopen(a->list, "r");
	char line[256];
	bool ok = true;

	if (!f) {
		(void)fprintf(stderr, "sim: cannot read %s\n", a->list);
		return false;
	}
	while ((ok || a->all) && fgets(line, sizeof(line), f)) {
		struct arguments of = *a;
		uint64_t seed;

		if (!read_seed(line, &of.way, &seed))
			continue; /* a comment */
		ok &= run_seed(seed, &of, sum);
		*count += 1;
	}
	(void)fclose(f);
	return ok;
}

/* Each way to break things must be seen within a few seeds. */
static bool self_test(void)
{
	bool all = true;

	for (int i = SABOTAGE_NONE + 1; i < SABOTAGE_COUNT; i++) {
		struct sim_way way = { .nodes = i < SABOTAGE_CLUSTER ? 1 : 3,
				       .shards = i < SABOTAGE_CLUSTER ? 1 : 2 };
		struct sim *s = new_sim();
		uint64_t seed = 1;
		bool ok = true;

		while (seed <= SELF_TEST_SEEDS && ok) {
			way.sabotage = (enum sabotage)i;
			way.leases = i >= SABOTAGE_LEASES;
			ok = run_way(s, seed, &way);
			if (!ok)
				(void)printf("# %s: seen at seed %" PRIu64 ": %s\n",
					     sabotage_name((enum sabotage)i), seed,
					     s->check.broken);
			sim_close(s);
			seed++;
		}
		if (ok)
			(void)printf("%s: nothing was seen\n", sabotage_name((enum sabotage)i));
		all &= !ok;
		free(s);
	}
	return all;
}

static bool is_option(const char *text, const char *name, int left)
{
	return left > 1 && strcmp(text, name) == 0;
}

static void read_mishap(struct arguments *a, enum story_harm harm, const char *behind)
{
	a->mishap.harm = harm;
	a->mishap.behind = (uint32_t)strtoul(behind, NULL, 10);
	a->one = true;
}

static bool read_arguments(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (is_option(argv[i], "--first", argc - i)) {
			a->first = strtoull(argv[++i], NULL, 10);
		} else if (is_option(argv[i], "--seeds", argc - i)) {
			a->seeds = strtoull(argv[++i], NULL, 10);
		} else if (is_option(argv[i], "--nodes", argc - i)) {
			a->way.nodes = (uint32_t)strtoul(argv[++i], NULL, 10);
		} else if (is_option(argv[i], "--shards", argc - i)) {
			a->way.shards = (uint32_t)strtoul(argv[++i], NULL, 10);
		} else if (is_option(argv[i], "--list", argc - i)) {
			a->list = argv[++i];
		} else if (is_option(argv[i], "--break", argc - i)) {
			i++;
			for (int k = 0; k < SABOTAGE_COUNT; k++) {
				if (strcmp(argv[i], sabotage_name((enum sabotage)k)) == 0)
					a->way.sabotage = (enum sabotage)k;
			}
		} else if (is_option(argv[i], "--harvest", argc - i)) {
			a->way.harvest = argv[++i];
		} else if (is_option(argv[i], "--records", argc - i)) {
			a->records = argv[++i];
		} else if (strcmp(argv[i], "--story") == 0) {
			a->way.story = true;
		} else if (strcmp(argv[i], "--hash") == 0) {
			a->way.hashes = true;
		} else if (strcmp(argv[i], "--plain") == 0) {
			a->plain = true;
		} else if (strcmp(argv[i], "--all") == 0) {
			a->all = true;
		} else if (strcmp(argv[i], "--stories") == 0) {
			a->story = i + 1 < argc && argv[i + 1][0] != '-' ? argv[++i] : "";
		} else if (is_option(argv[i], "--kill", argc - i)) {
			read_mishap(a, HARM_KILL, argv[++i]);
		} else if (is_option(argv[i], "--fence", argc - i)) {
			read_mishap(a, HARM_FENCE, argv[++i]);
		} else if (is_option(argv[i], "--move", argc - i)) {
			read_mishap(a, HARM_MOVE, argv[++i]);
		} else if (is_option(argv[i], "--go", argc - i)) {
			read_mishap(a, HARM_GO, argv[++i]);
		} else if (is_option(argv[i], "--take", argc - i)) {
			read_mishap(a, HARM_TAKE, argv[++i]);
		} else if (is_option(argv[i], "--twice", argc - i)) {
			read_mishap(a, HARM_TWICE, argv[++i]);
		} else if (is_option(argv[i], "--link", argc - i)) {
			read_mishap(a, HARM_LINK, argv[++i]);
		} else if (is_option(argv[i], "--document", argc - i)) {
			read_mishap(a, HARM_DOCUMENT, argv[++i]);
		} else if (strcmp(argv[i], "--whole") == 0) {
			a->whole = true;
		} else if (strcmp(argv[i], "--floats") == 0) {
			a->way.floats = FLOATS;
		} else if (strcmp(argv[i], "--links") == 0) {
			a->way.floats = FLOATS;
			a->way.links = LINKS;
		} else if (strcmp(argv[i], "--apart") == 0) {
			a->way.links = LINKS_NOT;
		} else if (strcmp(argv[i], "--rooms") == 0) {
			a->way.rooms = true;
		} else if (strcmp(argv[i], "--callbacks") == 0) {
			a->way.callbacks = true;
		} else if (strcmp(argv[i], "--leases") == 0) {
			a->way.leases = true;
		} else if (is_option(argv[i], "--model", argc - i)) {
			a->model = (uint32_t)strtoul(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--self-test") == 0) {
			a->self_test = true;
		} else {
			return false;
		}
	}
	if ((a->way.rooms || a->way.callbacks) && a->way.nodes > 1) {
		a->way.floats = FLOATS;
		a->way.links = LINKS;
	}
	return (a->model || a->way.nodes <= (a->way.leases ? (uint32_t)LEASES_NODES : NODES_MAX)) &&
	       a->way.shards <= NODE_HOME_MAX;
}

/* Why no seed can be run so, or NULL. */
static const char *refusal(const struct sim_way *way)
{
	uint32_t nodes = way->nodes ? way->nodes : 1;

	if (way->leases || way->floats != FLOATS)
		return NULL;
	if (nodes == 1)
		return "--floats and --links need --nodes 2 or more: an address goes to another "
		       "node";
	if (!sim_fits(nodes * (way->shards ? way->shards : 1)))
		return "so many addresses do not float: give fewer --nodes or --shards";
	return NULL;
}

int main(int argc, char **argv)
{
	const char *why;
	struct arguments a = { .first = 1, .seeds = 100 };
	struct totals sum = { 0 };
	uint64_t count = 0;
	bool ok = true;

	if (!read_arguments(&a, argc, argv)) {
		(void)fprintf(stderr,
			      "usage: sim [--first N] [--seeds N] [--list FILE] [--story] [--all] "
			      "[--nodes N] [--shards N] [--floats] [--links|--apart] "
			      "[--rooms|--callbacks] "
			      "[--leases] [--hash] "
			      "[--break NAME] [--harvest FOLDER] | --stories [NAME [--kill "
			      "N|--fence N|--move N|--go N|--take N|--document N|--link N]] "
			      "[--whole|--plain] | "
			      "--self-test | "
			      "--records FOLDER [--story]\n");
		return 2;
	}
	why = refusal(&a.way);
	if (why && !a.story && !a.model && !a.self_test && !a.records) {
		(void)fprintf(stderr, "sim: %s\n", why);
		return 2;
	}
	a.mishap.hashes = a.way.hashes;
	if (a.story && a.one)
		return story_tell(a.story, &a.mishap) ? 0 : 1;
	if (a.story && a.way.harvest)
		return story_harvest(a.story[0] ? a.story : NULL, a.way.harvest) ? 0 : 1;
	if (a.story)
		return story_run(&(struct story_way){ .name = a.story[0] ? a.story : NULL,
						      .whole = a.whole,
						      .plain = a.plain,
						      .hashes = a.way.hashes,
						      .all = a.all })
			       ? 0
			       : 1;
	if (a.model)
		return model_run(
			       &(struct model_way){ .nodes = a.model,
						    .watched = a.way.nodes ? a.way.nodes : a.model,
						    .shards = a.way.shards ? a.way.shards : 1,
						    .calls = 500000 })
			       ? 0
			       : 1;
	if (a.self_test)
		return self_test() ? 0 : 1;
	if (a.records)
		return golden_replay(a.records, &(struct golden_way){ a.way.story, a.way.hashes })
			       ? 0
			       : 1;
	if (a.list)
		ok = run_list(&a, &sum, &count);
	for (uint64_t i = 0; (ok || a.all) && i < a.seeds; i++, count++) {
		if (a.way.story)
			tell(a.first + i, &a.way);
		else
			ok &= run_seed(a.first + i, &a, &sum);
	}
	report(&sum, count, a.way.hashes);
	if (a.way.shards > 1 && a.way.floats != FLOATS && count >= UNITED_SEEDS && !sum.united) {
		(void)printf("no two shards have had a conversation\n");
		ok = false;
	}
	return ok ? 0 : 1;
}
