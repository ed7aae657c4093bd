/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster in one process, on virtual time, from a seed: phones that keep to RFC 3261, a network that loses, repeats and
 * delays, a store and media engines that answer as the real ones do, and nodes that are killed between any two of their effects. Their
 * shards and locations are the real ones.
 *
 * Everything random comes from sim.rand and everything that happens from sim.queue, so a seed has one story: `sim --first SEED
 * --seeds 1 --story` tells it. What must hold is in check*.c. A seed that failed goes into tests/sim/seeds.txt with a word
 * why; those run first, always.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base/clock.h"
#include "base/rand.h"
#include "tests/sim/boxes.h"
#include "tests/sim/callbacks.h"
#include "tests/sim/check.h"
#include "tests/sim/document.h"
#include "tests/sim/engine.h"
#include "tests/sim/golden.h"
#include "tests/sim/kept.h"
#include "tests/sim/lamp.h"
#include "tests/sim/leases.h"
#include "tests/sim/link.h"
#include "tests/sim/names.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/phone.h"
#include "tests/sim/queue.h"
#include "tests/sim/recorder.h"
#include "tests/sim/slots.h"
#include "tests/sim/srs.h"
#include "tests/sim/store.h"
#include "tests/sim/story.h"
#include "tests/sim/trace.h"

/* How much was done: added up over seeds. */
struct totals {
	uint64_t calls, answered, crashes, outages;
	uint64_t sent, lost, duplicated, late;
	uint64_t saves, saves_failed, cdrs;
	uint64_t pracks, reinvites, cancels, refusals, vanished, flows;
	uint64_t virtual_ns;
	uint64_t secrets, granted; /* keys, and ranges of indexes they got later */
	uint64_t silences, originated, steps, fences;
	uint64_t udp6, tcp, tls; /* phones */
	uint64_t refers, given;  /* given: accepted */
	uint64_t forgotten;      /* acknowledged writes that the store lost */
	uint64_t names,
		displaced;  /* look-ups of names, and places that were left for the next one */
	uint64_t looked_up; /* calls that are in the store after all */
	uint64_t cells,     /* messages from a shard to another one */
		lost_alone, /* shards that a node lost while others of it lived */
		moves,      /* of phones to another node */
		joins,      /* of calls of two shards */
		documents,  /* that operators changed */
		taken,
		handed,   /* shards by another node, or another process of it; handed: by plan */
		withheld, /* what shards whose lease was past did not say */
		united,   /* conversations over two shards that came about */
		circles;  /* calls of such in which nobody was left */
	uint64_t stood, misled;  /* nodes that stood still; seeds that ended early (sim.misled) */
	uint64_t blf_keys, told; /* told: NOTIFYs that lamps took */
	uint64_t asked;          /* requests of the node that wanted credentials */
	uint64_t pages, paged;
	uint64_t called_back; /* calls by which a queue called back */
	struct link_totals links;
	uint64_t stories; /* hash of all, the same in every build */
	uint64_t effects; /* likewise of what the core asks for */
};

/* What is broken on purpose, so that the checks are seen to see it. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_FORGET,    /* the store acknowledges and keeps nothing */
	SABOTAGE_EARLY,     /* saves are acknowledged to the shard before they reach the store */
	SABOTAGE_NO_CDR,    /* the store drops every CDR */
	SABOTAGE_TWO_CDRS,  /* the store writes every CDR twice */
	SABOTAGE_MUTE_BYE,  /* the node's BYEs never leave */
	SABOTAGE_LEAK_FLOW, /* the engine never hears FLOW_CLOSE */
	SABOTAGE_INDEX,     /* the engine begins a key below where the record says */
	SABOTAGE_AMNESIA,   /* the store forgets, and its link does not break */
	SABOTAGE_DEAF,      /* the engine never says that a party is silent */
	SABOTAGE_GAP,       /* the first CDR of a call begins too early */
	SABOTAGE_FENCE,     /* a node that has lost its shard goes on */
	SABOTAGE_TENANT,    /* phones of the other tenant are its own, too */
	SABOTAGE_RECORDER,  /* the recorder does not hear that it is to go on */
	SABOTAGE_LAMPS,     /* the store acknowledges subscriptions and keeps none */
	SABOTAGE_CLUSTER,   /* those behind it need several nodes and shards */
	SABOTAGE_UNBOUND =
		SABOTAGE_CLUSTER, /* the store acknowledges registrations and keeps none */
	SABOTAGE_ALONE,           /* who asks where a phone is hears that nobody knows */
	SABOTAGE_MEDIA,           /* a shard that is lost leaves its media behind */
	SABOTAGE_LAPSE,           /* one whose lease is past speaks on */
	SABOTAGE_LEASES,          /* those behind it are of leases alone */
	SABOTAGE_NOTICE =
		SABOTAGE_LEASES, /* a keeper says of a process that stands still that it is gone */
	SABOTAGE_COUNT,
};
const char *sabotage_name(enum sabotage sabotage);

struct sim {
	uint64_t seed;
	uint64_t now_ns;
	struct rand_source rand;
	struct rand_source
		applications, /* what they are for and do: stories without them stay as they were */
		fences,       /* where the shard is lost; the same */
		cluster;      /* what happens where there are several nodes or shards */
	struct event_queue queue;
	struct trace trace;
	struct trace asked; /* what the core asks for (effect_line.h); where `hashes` */
	bool hashes;
	struct net net;
	struct store store;
	struct slots slots;
	struct kept_values kept;
	struct boxes boxes;
	struct callbacks callbacks;
	struct leases *leases; /* NULL: nobody asks who owns a shard */
	struct links links;    /* between nodes, where they have any */
	struct engine engine;
	struct recorders recorders;
	struct srs srs;
	struct node nodes[NODES_MAX];
	uint32_t node_count, shard_count; /* shard_count: of each */
	bool leased; /* addresses go with their shards where leases say (node_lease.c) */
	bool misled; /* two have one, and could not know better (docs/adr/0018): it ends there */
	uint32_t shard_runs;
	bool floats; /* addresses go with their shards, and other nodes take them (node_take.c) */
	uint32_t place_count;
	struct node_owner owners[SHARDS_MAX];
	uint32_t processes; /* of nodes, so far */
	struct node_orders orders;
	struct phones phones;
	struct blf_keys blf_keys;
	struct document_changes documents;
	struct names names;
	struct check check;
	struct totals totals;
	enum sabotage sabotage;
	const char *harvest; /* records go there (golden.h), and phones do more; NULL: not now */
	struct golden_story *story; /* of what the node says; NULL: nobody asks */
	const struct story *script; /* nothing is left to chance; NULL: all is */
	uint32_t effects;           /* ... from its beginning on, of all nodes */
	bool counts;                /* it has begun */
	uint32_t behind;            /* that effect this goes wrong; 0: behind none */
	enum story_harm harm;
	bool twice;      /* the one that has taken the shard is to die, or has */
	bool loose;      /* ... and nobody can say what comes of the story now */
	bool decoys;     /* there is another tenant with the same numbers (decoys.h) */
	bool rooms;      /* there is one, which phones call (scenario_rooms.c) */
	bool quiet;      /* phones let their registrations run out */
	bool calm;       /* no more crashes and outages: things shall come to an end */
	uint64_t end_ns; /* of the run */
};

/* Of all phones of the run: another one where there is another tenant. */
extern const char *g_sim_domain;

struct sim_way {
	enum sabotage sabotage;
	bool story;
	bool hashes; /* with it: what the core asks for is told, and not what happens */
	const char *harvest;
	const struct story *script;
	enum story_harm harm;
	uint32_t behind;
	uint32_t nodes, shards; /* shards: of each node; 0: one */
	enum {
		FLOATS_BY_CHANCE, /* some seeds */
		FLOATS_NOT,
		FLOATS,
	} floats; /* addresses go with their shards */
	enum {
		LINKS_BY_CHANCE, /* some seeds of those */
		LINKS_NOT,
		LINKS,
	} links;        /* such nodes have channels to each other (link.h) */
	bool leases;    /* those alone (leases.h) */
	bool rooms;     /* phones call one; nodes, where there are several, have channels */
	bool callbacks; /* likewise, and a queue calls phones back */
};
/* Whether so many places may float: a node knows the addresses of all of them. */
bool sim_fits(uint32_t places);
/* Runs a seed. False: an invariant is broken; s->check.broken says which. The caller closes it. */
bool sim_run(struct sim *s, uint64_t seed, const struct sim_way *way);
/* What is queued, to its end. */
bool sim_run_on(struct sim *s);
/* ... or until that is so. */
void sim_run_until(struct sim *s, bool (*is)(struct sim *s));
void sim_close(struct sim *s);
/* The lines that were kept. */
void sim_tell(const struct sim *s);
/* Of what the core asks for; of seeds of leases alone: of what happens. */
uint64_t sim_hash(const struct sim *s);

/* ---- for all parts ---- */
/* `fire` happens after that time. */
void sim_after(struct sim *s, uint64_t ns, event_fn *fire, uint32_t who, uint64_t a, uint64_t b);
/* True so many times of a thousand; never in a story of story.h. */
bool sim_chance(struct sim *s, uint32_t permille);
/* Uniform in [low, high], in a story low; needs less than 2^32 values. */
uint64_t sim_between(struct sim *s, uint64_t low, uint64_t high);
uint64_t sim_between_ms(struct sim *s, uint64_t low, uint64_t high); /* in ns */

/* ---- scenario*.c ---- */
/* Decides from the seed what is going to happen. */
void scenario_begin(struct sim *s);
void scenario_settings(struct node *n, struct shard_settings *out);
void scenario_manner(struct sim *s, const struct phone_call *c, struct phone_manner *out);
/* A call is answered: what this side does with it. */
void scenario_answered(struct sim *s, struct phone_call *c);
/* Its REFER is accepted. */
void scenario_referred(struct sim *s, struct phone_call *c);
/* It heard that somebody has taken its party. */
void scenario_transferred(struct sim *s, struct phone_call *c);
/* What to answer to a NOTIFY; 0: nothing. */
uint16_t scenario_notified(struct sim *s);

#endif
