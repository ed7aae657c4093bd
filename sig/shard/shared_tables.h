/* SPDX-License-Identifier: Apache-2.0 */
/* State that the shards of a node share in addition to quotas, tenants and locations: media ports,
 * memory of credentials, and the number of calls. One for all shards of a node, on their thread;
 * its opener closes it after them. */
#ifndef SIG_SHARD_SHARED_TABLES_H
#define SIG_SHARD_SHARED_TABLES_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/table.h"
#include "media/ports.h"
#include "sig/host/devices.h"
#include "sig/host/host.h"
#include "sig/host/network.h"
#include "sig/host/security.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/hooks.h"

struct shard_settings;

/* Limits on guessing passwords. Only wrong answers to challenges sent to their source count
 * (sig/sip/digest.h), so a spoofed source counts for nothing. They are counted in two places. With
 * the extension, by source: after AUTH_LIMIT_FAILURES in a window, that source's credentials for it
 * are not checked for a while; names without an extension share a table, so that responses do not
 * tell which exist. With the source, for all extensions together. While one of the two waits, a
 * flow (transport, address and port) without failures there is still checked, from a small bucket.
 * So a guesser behind a NAT with one port never blocks other phones there, and one that changes
 * ports competes with them for the bucket. A registered or returning phone (registrar_knows) is not
 * blocked by others at its address; it has a count of its own. Values of fixed size, owned by the
 * shard, one thread. Invented names and nonces displace no entry of a phone. */

enum {
	AUTH_LIMIT_WAYS = 4,      /* sources an extension remembers */
	AUTH_LIMIT_NAMES = 1024,  /* places shared by all names without an extension */
	AUTH_LIMIT_FAILURES = 10, /* within this: */
	AUTH_LIMIT_WINDOW_S = 60,
	/* then it waits so long, twice as long after each further failure, */
	AUTH_LIMIT_WAIT_MIN_S = 5,
	AUTH_LIMIT_WAIT_MAX_S = 60, /* up to this */
	AUTH_LIMIT_FORGET_S = 600,  /* without a failure */
	AUTH_LIMIT_SETS = 1024,     /* of sources */
	AUTH_LIMIT_SOURCE_BURST = 100,
	AUTH_LIMIT_SOURCE_PER_S = 1,
	AUTH_LIMIT_PHONE_BURST = 30, /* of phones that are known, at once and */
	AUTH_LIMIT_PHONE_PER_S = 1,
	AUTH_LIMIT_FLOWS = 8,        /* that failed, of which each place knows */
	AUTH_LIMIT_FRESH_BURST = 10, /* failures of others while a place waits, at once and */
	AUTH_LIMIT_FRESH_S = 2,      /* one each so many seconds */
};

/* What the sender of credentials is to the extension that they name. */
enum auth_standing {
	AUTH_STRANGER,
	AUTH_NEIGHBOUR, /* a phone of the extension is registered from the same source */
	AUTH_PHONE,     /* it is that phone */
};

/* Flows of one place: the newest of those that failed, and the wrong answers that others may still
 * give while it waits. */
struct auth_flows {
	uint64_t failed[AUTH_LIMIT_FLOWS]; /* hashes; 0: none */
	uint64_t full_ns;
	uint32_t next;
};

/* Failures of one source. */
struct auth_guess {
	uint64_t source;   /* hash; 0: free */
	uint64_t first_ns; /* first failure of the window */
	uint64_t last_ns;
	uint64_t until_ns; /* it waits till then */
	uint32_t failures; /* in the window */
	uint32_t waits;    /* number of waits so far */
	struct auth_flows flows;
};

/* All zero: no failures. Allocated for an extension at its first failure. */
struct auth_guesses {
	struct auth_guess ways[AUTH_LIMIT_WAYS];
	uint64_t phone_full_ns; /* bucket of its phones' failures */
};

struct auth_source {
	uint64_t id; /* 0: free */
	uint64_t full_ns;
	struct auth_flows flows;
};

struct auth_limit {
	struct auth_guesses nobody[AUTH_LIMIT_NAMES];
	struct auth_source sources[AUTH_LIMIT_SETS][AUTH_LIMIT_WAYS];
};

/* One who tries. */
struct auth_try {
	/* of the extension, NULL: no failures; or auth_limit_nobody */
	struct auth_guesses *guesses;
	uint64_t source, flow;
	enum auth_standing standing;
};

/* The key is secret, so that no sender can choose which entry it displaces. */
uint64_t auth_limit_source(const struct hash_key *key, const struct addr *source);
uint64_t auth_limit_flow(const struct hash_key *key, const struct addr *remote, unsigned transport);
/* Where failures of a name count that is no extension. */
struct auth_guesses *auth_limit_nobody(struct auth_limit *l, const struct hash_key *key,
				       uint16_t tenant, struct bytes user);
/* How long these credentials are not looked at; 0: they are. */
uint64_t auth_limit_wait_ns(const struct auth_limit *l, const struct auth_try *t, uint64_t now_ns);
/* True when it has to wait from now on. The guesses are there. */
bool auth_limit_failed(struct auth_limit *l, const struct auth_try *t, uint64_t now_ns);
void auth_limit_passed(const struct auth_try *t, uint64_t now_ns);

/* Credentials are accepted once: the nonce counts seen of a nonce (nc, RFC 7616 5.12). Only a
 * proven password takes a place here. A phone may send counts out of order within NONCE_WINDOW,
 * since transactions overtake each other. When a set is full of live nonces, the number of sets
 * doubles, unless few places are in use or there are NONCE_SETS. Then the oldest is forgotten, and
 * no older one is accepted there, so that nothing can be replayed; the phone concerned is
 * challenged once more. After a restart nothing is known, and a repeated request is accepted. Owned
 * by the shard, one thread. */

/* The numbers of sets are powers of two. */
enum { NONCE_SETS_MIN = 32, NONCE_SETS = 8192, NONCE_WAYS = 8, NONCE_WINDOW = 64 };

struct nonce_use {
	uint64_t id; /* 0: free */
	uint64_t made_utc_ms;
	uint64_t seen; /* bit n: the count newest - n came */
	uint32_t newest;
};

struct nonce_set {
	struct nonce_use uses[NONCE_WAYS];
	/* of nonces that were made up to then those above are all that is taken */
	uint64_t floor_utc_ms;
};

struct nonce_window {
	struct nonce_set *sets;
	uint32_t count;
	uint32_t used; /* places */
};

/* Nothing was used. 0 or -ENOMEM. */
int nonce_window_open(struct nonce_window *w) NODISCARD;
void nonce_window_close(struct nonce_window *w); /* all zero is fine */

/* A nonce with its count, and when it is. */
struct nonce_now {
	uint64_t id;
	uint64_t made_utc_ms;
	uint32_t nc;
	uint64_t utc_ms, lifetime_ms; /* made within that time of now */
};

/* True: it is the first time. */
bool nonce_window_accept(struct nonce_window *w, const struct nonce_now *n);

struct park_reply;

/* The cluster (remote_watch.h): sends to other nodes, and tells which are reachable, and how
 * many. */
struct shard_remote {
	void (*send)(void *arg, uint64_t process, struct bytes outcome);
	bool (*is_attached)(void *arg, uint64_t process);
	uint32_t (*others)(void *arg);
	void (*picked)(void *arg, const struct park_reply *outcome); /* shard_picks_request */
	/* REMOTE_JOINED or REMOTE_PAGED, for requests that app makes by remote_watch_send; NULL:
	 * ignored. */
	void (*answered)(void *arg, const struct remote_item *item);
	void *arg;
};

struct calendars;
struct number_claim;
struct mailboxes;
struct module_lists;
struct message_counts;
struct accounts;
struct groups;
struct name_index;
struct programs;
struct queues;
struct shard;
struct remote_picking;
enum { NUMBER_CLAIMS_MAX = 32 };
struct shard_shared_tables {
	const struct feature *features;
	struct module_lists *modules; /* of calls, by hook (sig/call/module.h) */
	/* of the features, by rank; the last is NULL */
	const struct number_claim *numbers[NUMBER_CLAIMS_MAX + 1];
	const struct shard_hooks *hooks[SHARD_HOOKS_MAX + 1]; /* likewise, by their order */
	struct services services; /* of its shards, and of the features */
	struct ports ports[SHARD_NETWORKS_MAX];
	uint32_t network_count;
	struct nonce_window nonces;   /* a nonce is good once, whichever shard is asked */
	struct auth_limit auth_limit; /* guesses of a source count for all shards */
	struct hash_key key;          /* of auth_limit */
	struct secret_limit *secrets; /* guesses of PINs and the like */
	struct programs *programs;    /* of flows (sig/host/programs.h) */
	struct calendars *calendars;  /* of tenants (sig/host/calendars.h) */
	struct mailboxes *mailboxes;  /* of tenants (sig/host/mailboxes.h) */
	struct groups *groups;        /* of tenants (sig/host/groups.h) */
	struct queues *queues;        /* of tenants (sig/pbx/queue/queues.h) */
	struct name_index *names;     /* of extensions (sig/host/name_index.h) */
	struct accounts *accounts;    /* of tenants (sig/host/accounts.h) */
	struct table devices;         /* that have accounts (sig/host/devices.h) */
	struct table relocated;       /* extensions at other sites (likewise) */
	uint8_t bare_key[BARE_KEY];   /* of phones that no document names */
	struct digest_secret bare;    /* of the last one of them that was looked for */
	uint32_t calls;               /* of all shards */
	uint32_t codings;             /* those of them with transcoded audio */
	uint32_t videos;              /* of these that have video */
	uint32_t waiting;             /* those of them that wait for a busy user */
	uint32_t busy_cursor;         /* of extensions that other nodes are asked for */
	uint32_t agent_cursor;        /* and of agents */
	struct shard *shards;         /* that are open, the newest first */
	struct shares *shares;        /* of the node; NULL: in no cluster */
	struct remote_watch *remote;  /* NULL: in no cluster */
	struct shard_remote remote_with;
	struct instant remote_now;      /* when other nodes were last checked */
	struct remote_picking *picking; /* what they are asked */
	uint32_t remote_quick;          /* seconds in which all others are asked soon */
};

/* What is needed of the settings: features, networks, port_rest_ns. 0 or -errno. */
int shard_shared_tables_open(struct shard_shared_tables **out,
			     const struct shard_settings *settings,
			     struct rand_source *rand) NODISCARD;
void shard_shared_tables_close(struct shard_shared_tables *c); /* NULL is fine */

/* This node changed something in a mailbox: it is due here and on all other nodes. */
void shard_box_changed(struct shard_shared_tables *c, struct bytes tenant, struct bytes box);

/* 0 or -ENOMEM. */
int shard_remote_open(struct shard_shared_tables *c, const struct shard_remote *with) NODISCARD;
/* What another node says. */
void shard_on_remote(struct shard_shared_tables *c, uint64_t process, struct bytes outcome,
		     struct instant now);
/* What the verdict of another node means here: 0, or an error of shard_call_remote. */
enum refusal shard_remote_refusal(enum remote_verdict verdict);
/* A node that was not reachable has joined. */
void shard_remote_joined(struct shard_shared_tables *c);
/* Once a second. */
void shard_remote_second(struct shard_shared_tables *c, uint64_t now_ns);

#endif
