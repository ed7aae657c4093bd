/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node: the table of its parts, each of which is in the header of its owner (docs/adr/0185). A
 * file that includes this sees no part: it includes those that it asks. app/daemon/daemon.c has the
 * memory of all. Control thread, except what the engine and the web thread own.
 */
#ifndef APP_NODE_NODE_H
#define APP_NODE_NODE_H

#include <stdint.h>

#include "app/settings/keys.h"
#include "base/rand.h"
#include "base/seal.h"

struct asked;
struct command_walk;
struct control;
struct control_local;
struct dial_plans;
struct documents;
struct door;
struct extensions;
struct hop_names;
struct identity;
struct locations;
struct locations_user;
struct node_capacity;
struct node_cluster;
struct node_dns;
struct node_hooks;
struct node_life;
struct node_media;
struct node_record;
struct node_redis;
struct node_round;
struct node_shards;
struct node_sip;
struct node_watch;
struct node_web;
struct others;
struct queries;
struct quota;
struct rooms;
struct set_moving;
struct sets;
struct settings;
struct shard_shared_tables;
struct shares;
struct sites;
struct tenancy;
struct tenants;
struct tickets;
struct toll;
struct trunk_numbers;
struct trunks;
struct user_watches;
struct waiting;

#define NODE_TENANT "default"

/* Common to its shards: tenants, and what is known of each. */
struct node_common {
	struct locations *locations;
	struct locations_user *looks; /* of commands */
	struct shard_shared_tables *shared_tables;
	struct quota *quota;
	struct tenants *tenants;
	struct trunks *trunks; /* of all its tenants */
	struct hop_names *names;
	struct trunk_numbers *numbers;
	struct dial_plans *dials;
	struct sites *sites; /* sites of their phones */
	struct rooms *rooms; /* places of their conferences */
	struct toll *toll;
	struct shares *shares; /* NULL: in no cluster */
};

/* What lies above the node, as its owners have it. */
struct node_api {
	struct documents *documents;
	struct extensions *extensions;
	struct tenancy *tenancy;
	struct tickets *tickets; /* of all that waits: its one expiry */
	struct queries *queries;
	struct waiting *waiting;
	struct command_walk *walks; /* lists under way */
	struct others *others;      /* what other nodes are asked; NULL: not open yet */
	struct sets *sets;          /* of documents; NULL: none was applied here */
	struct set_moving *set_moving;
	uint32_t jobs; /* commands under way, of all doors */
	struct control *control;
	struct control_local *local;  /* NULL: none */
	struct door *door;            /* of HTTP */
	struct user_watches *watches; /* of its pages */
};

/* Each part is of the header in its comment: who asks one includes that. */
struct node {
	const char *config_path;
	const struct node_hooks *hooks; /* node_life.h */
	struct settings *settings;      /* app/settings/settings.h */
	struct keys keys;
	struct seal_key extension_seal; /* of keys: of passwords, which a start opens all at once */
	struct rand_source rand;
	struct identity *identity;      /* cluster/identity.h */
	struct node_life *life;         /* node_life.h */
	struct node_round *round;       /* node_life.h */
	struct node_capacity *capacity; /* node_capacity.h */
	struct node_redis *redis;       /* node_wait.h */
	struct node_shards *shards;     /* node_shard.h */
	struct node_cluster *cluster;   /* node_cluster.h */
	struct node_sip *sip;           /* node_sip.h */
	struct node_web *web;           /* node_sip.h */
	struct node_media *media;       /* node_media.h */
	struct node_dns *dns;           /* node_probe.h */
	struct node_watch *watch;       /* node_watch.h */
	struct node_record *record;     /* node_record.h */
	struct asked *helper_asked;     /* newest requests of tandem-helper, to be shown */
	struct node_common common;
	struct node_api api;
};

#endif
