/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node: everything in the process, each part in the struct of its owner. All of it belongs to
 * the control thread, except what the engine and the web thread own.
 */
#ifndef APP_NODE_NODE_H
#define APP_NODE_NODE_H

#include "app/node/node_blf.h"
#include "app/node/node_capacity.h"
#include "app/node/node_edge.h"
#include "app/node/node_hand.h"
#include "app/node/node_helper.h"
#include "app/node/node_keeper.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_probe.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/node/node_watch.h"
#include "app/settings/keys.h"
#include "app/settings/settings.h"

struct claimant;
struct command_walk;
struct set_moving;
struct sets;
struct control;
struct control_local;
struct documents;
struct extensions;
struct node_edge;
struct queries;
struct tenancy;
struct tickets;
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

/* With other nodes. */
struct node_cluster {
	struct claimant *claimant; /* NULL: in no cluster */
	struct node_edge *edge;    /* likewise */
	struct node_blf blf;
	struct node_held held;
	struct node_keeper keeper; /* of floating addresses */
	struct node_rebalance rebalance;
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

struct node {
	const char *config_path;
	const struct node_hooks *hooks;
	struct settings *settings;
	struct keys keys;
	struct seal_key extension_seal; /* of keys: of passwords, which a start opens all at once */
	struct identity *identity;
	struct rand_source rand;
	struct node_life *life;
	struct node_round *round;
	struct node_capacity *capacity;
	struct node_redis *redis;
	struct node_shards *shards;
	struct node_common common;
	struct node_cluster *cluster;
	struct node_sip *sip;
	struct node_web *web;
	struct node_media *media;
	struct node_dns *dns;
	struct node_watch *watch;
	struct node_record *record;
	struct asked *helper_asked; /* newest requests of tandem-helper, to be shown */
	struct node_api api;
};

#endif
