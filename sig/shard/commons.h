/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shards of a node have together beside quotas, tenants and locations: media ports, what is remembered of credentials, and how
 * many calls there are. One for all shards of a node, on their thread; whoever opened it closes it after them.
 */
#ifndef SIG_SHARD_COMMONS_H
#define SIG_SHARD_COMMONS_H

#include "base/hash.h"
#include "media/ports.h"
#include "sig/host/secret_limit.h"
#include "sig/host/settings.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/auth_limit.h"
#include "sig/shard/nonce_window.h"

struct park_news;

/* Of a cluster (remote_watch.h): what is sent to other nodes, which are heard, and how many. */
struct shard_remote {
	void (*send)(void *arg, uint64_t process, struct bytes news);
	bool (*is_heard)(void *arg, uint64_t process);
	uint32_t (*others)(void *arg);
	void (*joined)(void *arg, const struct remote_joined *j);
	void (*picked)(void *arg, const struct park_news *news); /* shard_picks_ask */
	void (*paged)(void *arg, const struct remote_paged *p);  /* remote_watch_page */
	void *arg;
};

struct shard;
struct remote_picking;
struct shard_commons {
	struct ports ports[SHARD_NETWORKS_MAX];
	uint32_t network_count;
	struct nonce_window nonces;   /* a nonce is good once, whichever shard is asked */
	struct auth_limit auth_limit; /* guesses of a source count for all shards */
	struct hash_key key;          /* of auth_limit */
	struct secret_limit *secrets; /* guesses of PINs and the like */
	uint32_t calls;               /* of all shards */
	uint32_t codings;             /* of these whose audio is transcoded */
	uint32_t videos;              /* of these that have video */
	uint32_t waiting;             /* of these that wait for who has another one */
	uint32_t engaged_cursor;      /* of extensions that other nodes are asked for */
	struct shard *shards;         /* that are open, the newest first */
	struct shares *shares;        /* of the node; NULL: in no cluster */
	struct remote_watch *remote;  /* NULL: in no cluster */
	struct shard_remote remote_with;
	struct instant remote_now;      /* when others were heard last */
	struct remote_picking *picking; /* what they are asked */
	uint32_t remote_quick;          /* seconds in which all others are asked soon */
};

/* What is needed of the settings: networks, port_rest_ns. 0 or -errno. */
int shard_commons_open(struct shard_commons **out, const struct shard_settings *settings,
		       struct rand_source *rand) NODISCARD;
void shard_commons_close(struct shard_commons *c); /* NULL is fine */

/* 0 or -ENOMEM. */
int shard_remote_open(struct shard_commons *c, const struct shard_remote *with) NODISCARD;
/* What another node says. */
void shard_on_remote(struct shard_commons *c, uint64_t process, struct bytes news,
		     struct instant now);
/* What the verdict of another node means here: 0, or an error of shard_call_remote. */
int shard_remote_error(enum remote_verdict verdict);
/* Not all have answered in time what was asked by that serial: what is known until now. Nothing more is told. */
void shard_remote_picked(struct shard_commons *c, uint64_t serial, struct park_news *out);
/* Another node was not heard before. */
void shard_remote_joined(struct shard_commons *c);
/* Once a second. */
void shard_remote_second(struct shard_commons *c, uint64_t now_ns);

#endif
