/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node: everything there is in the process, and the order in which it starts and stops. All of it belongs to the control thread
 * but what the engine and the web thread own themselves.
 */
#ifndef APP_NODE_NODE_H
#define APP_NODE_NODE_H

#include "app/command/command_far.h"
#include "app/command/queries.h"
#include "app/daemon/page.h"
#include "app/doctor/ended.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/document/tenancy.h"
#include "app/effect/answers.h"
#include "app/effect/effects.h"
#include "app/effect/media_queue.h"
#include "app/effect/mixers.h"
#include "app/effect/player.h"
#include "app/effect/plays.h"
#include "app/node/node_capacity.h"
#include "app/node/node_deliver.h"
#include "app/node/node_edge.h"
#include "app/node/node_hand.h"
#include "app/node/node_keeper.h"
#include "app/node/node_lamps.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/settings/keys.h"
#include "app/settings/settings.h"
#include "app/watch/recent.h"
#include "app/web/health.h"
#include "app/web/web_file.h"
#include "base/validity.h"
#include "cluster/embedded/embedded.h"
#include "cluster/identity.h"
#include "cluster/redis/redis.h"
#include "cluster/store/store.h"
#include "engine/dtls/certificate.h"
#include "sig/location/locations.h"

struct claimant;
struct node_edge;
struct control;
struct control_local;
struct resolver;
struct engine;
struct sounds;
struct tls;
struct guard;
struct transport;
struct watch;
struct recorder;
struct sender;
struct xdp_guard;
struct web;
struct web_link;

#define NODE_TENANT "default"
enum {
	NODE_SHARED_JOBS = (int)SHARD_TRACKS * (int)PLAYER_JOBS
}; /* beside two for each call, those of plays and then of mixers; the first ones are those of the players */

/* For so long the process before may still hold media ports: they are bound beside its sockets. */
#define BIND_AGAIN_NS (5 * NS_PER_S)

enum {
	NODE_EXIT_OK = 0,
	NODE_EXIT_FAILED = 1, /* trying again may help */
	NODE_EXIT_CONFIG = 2, /* it will not before somebody mends a file */
};

enum node_phase {
	NODE_STARTING,
	NODE_RUNNING,
	NODE_STOPPING,
};

/* When it says that it is ready: its workers have opened what it took up. */
enum node_readiness {
	READY_QUEUED, /* not all was given to the workers yet */
	READY_GIVEN,  /* they were not all through with it */
	READY_SAID,
};

/* No new calls: asked for by command, or before a stop. Nothing of it outlives the process. */
struct node_drain {
	bool asked;
	bool ends; /* the node stops when the calls are over, or node.drain_time is */
	uint64_t begin_ns;
};

struct node;

/* A step of the start that ends in a callback. */
struct node_wait {
	bool for_link; /* the link to Redis ends it */
	bool done;
	enum store_result result;
};

/* The start waits for Redis. */
struct node_late {
	const char *what;          /* for which answer of it */
	uint64_t since_ns, say_ns; /* since when; when it is said again */
	bool said;
	uint32_t repeats; /* how often it was asked again */
};

/* What the start asks Redis, as often as it takes: ask ends in node_wait_end. */
struct node_question {
	const char *what;
	void (*ask)(struct node *n, const void *arg);
	const void *arg;
	bool even_refused; /* a refusal is no answer either: it may pass */
};

/* Of which Redis the state directory is. */
struct node_belonging {
	struct belonging of;
	struct redis_meant meant;     /* its id for the links, once it is settled */
	char found[IDENTITY_LEN + 1]; /* at the start: an id of the Redis that is there */
	bool empty;                   /* ... which had none */
	bool known;                   /* the Redis of this link has ours */
	uint64_t next_ns;             /* when it is told again */
};

#define MUSIC_OFF "off"

/* A file that some extensions of a tenant chose. */
struct music_choice {
	char tenant[TENANT_NAME_MAX];
	char file[SOUND_NAME_MAX + 1];
	uint32_t users; /* 0: the place is free */
};

struct node {
	const char *config_path;
	enum node_phase phase;
	enum node_readiness readiness;
	int exit_status;
	bool stop_asked;
	bool loop_opened;
	struct node_drain drain;
	uint64_t start_ns;
	uint64_t stop_deadline_ns;
	struct settings settings;
	struct keys keys;
	struct seal_key extension_seal; /* of keys: of passwords, which a start opens all at once */
	struct identity identity;
	struct node_belonging belonging;
	struct twin twin; /* in a cluster: whether another process has this identity */
	struct rand_source rand;
	struct embedded embedded;
	bool embedded_used;
	struct redis_place redis_place;
	struct redis *redis;
	struct redis *redis_leases; /* with cluster.replicas; NULL: none is asked */
	struct store_shared *store;
	struct claimant *claimant; /* NULL: in no cluster */
	struct node_edge *edge;    /* likewise */
	struct node_blf blf;
	struct node_held held;
	struct node_keeper keeper;      /* of floating addresses */
	struct node_deliver recordings; /* the process that has them */
	struct node_rebalance rebalance;
	struct locations *locations;
	struct locations_user looks; /* of commands */
	struct validity validity;    /* of its shards, in their order from place 1 on */
	struct node_shard shards[NODE_SHARDS_MAX];
	uint32_t shard_count;
	struct shard_commons *commons;
	uint16_t local_shards
		[SHARD_LOCALS_MAX]; /* by sip_hop.local: who takes what comes there; 0: any */
	struct addr local_binds[SHARD_LOCALS_MAX];
	enum sip_transport local_transports[SHARD_LOCALS_MAX];
	uint16_t local_networks[SHARD_LOCALS_MAX]; /* likewise: index into settings.networks */
	uint32_t local_count;
	bool locations_degraded;
	bool silent; /* nothing may be said any more; never */
	struct quota *quota;
	struct tenants *tenants;
	struct trunks *trunks; /* of all its tenants */
	struct hop_names *names;
	struct trunk_numbers *numbers;
	struct dial_plans *dials;
	struct sites *sites; /* where their phones stand */
	struct rooms *rooms; /* where their conferences are */
	struct toll *toll;
	struct shares *shares;          /* NULL: in no cluster */
	struct certificate certificate; /* of media: DTLS-SRTP */
	struct engine *engine;
	struct shared_ports shared_ports;
	struct transport *sip;
	struct inter_shard *inter_shard; /* between its shards; NULL: it has one */
	struct guard *guard;             /* before the SIP ports */
	struct xdp_guard *kernel;        /* NULL: it judges in this process */
	struct tls *tls;                 /* NULL: no certificate, so no TLS */
	struct control *control;
	struct control_local *local; /* NULL: there is none */
	struct web *web;
	struct web *health_web;    /* http.health_port; NULL: there is none */
	struct web *files_web;     /* recordings.port; NULL: there is none */
	struct web_files files;    /* what it has, and with which key */
	struct node_pages pages;   /* of extensions: it has them, too, where it has TLS */
	struct web_link *web_link; /* NULL: no SIP over WebSocket */
	struct recent recent;      /* the newest SIP messages */
	uint32_t recent_kib;       /* as it was made */
	struct watch *watch;       /* NULL: not open yet, or not any more */
	struct sender *sender; /* NULL: the same, or nothing can be sent to external recorders */
	struct node_figures siprec_figures;
	struct recorder *recorder; /* NULL: the same, or nothing can be recorded */
	struct answers answers;
	struct ended ended;
	struct media_queue media_queue;
	struct plays plays;
	struct mixers mixers;
	struct lives lives;
	struct sounds *sounds;                     /* NULL: not open yet */
	struct resolver *resolver;                 /* NULL: not open yet */
	struct node_probes *probes;                /* the same */
	struct player players[SHARD_TRACKS];       /* by enum shard_track */
	struct music_choice choices[SHARD_TRACKS]; /* what they play from SHARD_TRACK_FILES on */
	bool players_started;
	struct effects_to effects_to; /* of locations; each shard has its own */
	struct documents documents;
	struct extensions extensions;
	struct tenancy *tenancy;
	struct queries queries;
	struct command_asks fars;
	struct node_names names_over;
	struct waiting waiting;
	struct command_walk *walks; /* lists under way */
	struct health health;
	struct node_wait wait;
	struct node_late late;
	uint64_t beat_next_ns;
	bool events_left;         /* of media, for the next round */
	bool inter_shard_left;    /* what shards said to each other, the same */
	uint32_t round_messages;  /* in this round of the loop */
	uint64_t round_since_ns;  /* the first of them */
	uint64_t round_last_ns;   /* how long the round before took, where it had many */
	uint64_t respawn_ns;      /* when the own Redis is started again; UINT64_MAX: it runs */
	uint64_t reserved_bytes;  /* address space that the capacities reserved */
	uint32_t calls_max;       /* limits.calls, or what the descriptors allow */
	uint32_t connections_max; /* limits.connections, likewise */
	uint32_t websockets_max;  /* limits.websockets, likewise; 0: there are none */
	uint32_t calls_restored, bindings_restored, records_broken;
};

/* Starts, runs until it is told to stop, stops. The exit status of the process. */
int node_run(const char *config_path);

/* ---- between the files of the node ---- */

enum node_reading {
	NODE_READ_TEXT,  /* the file of any machine; errors as file:line:column to standard error */
	NODE_READ_CHECK, /* as well, and a node could start with it on this machine, now */
	NODE_READ_START, /* as NODE_READ_TEXT, and this machine must have the networks' addresses */
	NODE_READ_RELOAD, /* errors go to the log */
};
/* Reads and checks. 0 or -errno. */
int node_settings_read(struct settings *out, const char *path, enum node_reading why) NODISCARD;
/* Adds an error for each thing a node could not start with: keys, certificates, addresses, ports. */
void node_machine_check(const struct settings *s, const char *path, struct bytes yaml,
			struct conf_errors *errors);
/* Adds what a node starts with, and cannot do then: record, or play prompts. */
void node_machine_warn(const struct settings *s, struct bytes yaml, struct conf_errors *warnings);
/* Adds an error for each network whose address is none of this machine. */
/* The machine has it not. */
bool node_address_is_elsewhere(const struct addr *address);
void node_addresses_check(const struct settings *s, struct bytes yaml, struct conf_errors *errors);
/* A line of the log for each network without an interface, where media.port is xdp. */
void node_interfaces_note(const struct node *n);
/* The steps of the start in order; exit status, NODE_EXIT_OK: ready. */
int node_start(struct node *n);
/* Undoes them in reverse, from wherever the start came to. */
void node_stop(struct node *n);
/* Before anything is sent that is of the state directory: the Redis that it belongs to. Exit status. */
int node_belonging_start(struct node *n);
void node_belonging_linked(struct node *n); /* there is a new link */
void node_belonging_beat(struct node *n, uint64_t now_ns);
/* In a cluster: no other process that lives has the identity of this one. Exit status. */
int node_twin_start(struct node *n);
void node_twin_refuse(struct node *n); /* one has: said to operators */
/* Lease, documents, registrations, calls: what Redis knows. Exit status. */
int node_load(struct node *n);
/* A step that ends in a callback: begin, start it with node_wait_end as store_done_fn, await. False: told to stop, or too late. */
void node_wait_begin(struct node *n);
void node_wait_end(enum store_result result, uint64_t key, uint64_t version, void *arg);
bool node_await(struct node *n, const char *what, uint64_t limit_ns);
/* Where Redis is, for people: without logins. */
void node_redis_place(const struct node *n, char *out, size_t size);
/* The same for what Redis is to answer: without a limit, and said where it is late. Each is an exit status; FAILED: told to stop. */
int node_ask(struct node *n, const struct node_question *q); /* n->wait has the answer */
/* Its parts, for what is no question. */
void node_late_begin(struct node *n, const char *what);
int node_late_await(struct node *n);
int node_late_pause(struct node *n, uint64_t ns);
void node_late_end(struct node *n);
void node_ask_stop(struct node *n);
/* Tells all shards whether new calls are welcome. */
void node_drain_tell(struct node *n);
/* By command: new calls are refused, or welcome again. */
void node_drain_set(struct node *n, bool on);
/* SIGTERM: no new calls, and the stop when those that are there are over, at the latest after node.drain_time. The second time: now. */
void node_drain_begin(struct node *n);
bool node_drain_is_over(const struct node *n);
uint64_t node_drain_next_ns(const struct node *n); /* UINT64_MAX: nothing is waited for */
/* Says whether there is what one more call needs. */
void node_room_update(struct node *n);
/* SIGHUP. */
void node_reload(struct node *n);
/* The own Redis died: it is started again, not too often. */
void node_own_redis_died(struct node *n);

/* Handlers of the loop; arg is the node. */
void node_round(void *arg); /* end of each round: effects, answers, flushes, the timer */
void node_on_timer(void *arg);
void node_on_media(int fd, unsigned events, void *arg);
void node_on_message(const struct sip_hop *from, struct bytes message, void *arg);
void node_on_connection_refused(const struct sip_hop *hop, const char *detail, void *arg);
void node_on_connection_closed(const struct sip_hop *hop, void *arg);
void node_on_send_error(const struct sip_hop *to, int error, void *arg);
void node_on_redis(bool connected, void *arg);
void node_on_leases(bool connected, void *arg); /* that link */
void node_fsync_tell(struct node *n);
void node_on_store_health(bool healthy, void *arg); /* arg: struct node_shard */
void node_on_signal(int signal, void *arg);

/* The folder of sounds, after the engine; nothing is played yet. 0 or -errno. */
int node_players_open(struct node *n) NODISCARD;
/* All calls are there. */
void node_players_start(struct node *n);
/* SIGHUP: folder and files again. */
void node_players_reload(struct node *n);
/* What who speaks hears while another call waits, as settings.media.tones has it. */
void node_call_waiting_tone(const struct node *n, struct shard_settings *out);
/* An extension chose that file: the track that has it from now on; "": the node's, "off": none. When there is no track left for another
 * file it is the node's, too. */
uint8_t node_music_take(struct node *n, const char *tenant, const char *file);
/* It does so no longer. */
void node_music_leave(struct node *n, const char *tenant, const char *file);
/* An event of a job, which is perhaps of a player. */
void node_players_event(struct node *n, const struct media_event *event, uint64_t now_ns);
/* Time passes. */
void node_players_beat(struct node *n, uint64_t now_ns);
/* What shards said to the engine is on its way. */
void node_players_round(struct node *n);
void node_lives_close(struct node *n);   /* before the engine, which it reads */
void node_players_close(struct node *n); /* after the engine */

/* Whom the SIP ports listen to: before the engine and the SIP ports are open. 0 or -errno. */
int node_guard_open(struct node *n) NODISCARD;
/* The limits of the settings as they are now. */
void node_guard_configure(struct node *n);
/* Who is there is heard from now on. */
void node_guard_know(struct node *n, const struct sip_hop *hop);
/* All whom Redis knew. */
void node_guard_restore(struct node *n);
void node_guard_close(struct node *n);
/* The certificates: reads them, or says why there is no TLS. Exit status. */
int node_tls_open(struct node *n);
/* SIGHUP: the files again; what is wrong changes nothing. */
void node_tls_reload(struct node *n);
/* The names in the certificates are ours, too. */
void node_add_domains(const struct node *n, struct shard_settings *shard);
/* Once, at start. */
void node_listeners_tenants(struct node *n, struct shard_settings *shard);
/* For shards: who has shown which certificate. */
struct shard_certified node_sip_certified(struct node *n);
/* Binds the SIP ports. 0 or -errno. */
int node_sip_open(struct node *n) NODISCARD;
/* What SIP connections are given: how long they may be idle, and how long they are waited for. */
uint64_t node_sip_idle_ns(const struct node *n);
enum {
	NODE_HANDSHAKES_OF_SOURCE_PER_S = 20
}; /* of TLS; as many at once as it may have connections */
#define NODE_SIP_PATIENCE_NS (30 * NS_PER_S)
/* HTTP, and SIP over WebSocket. 0 or -errno; logged. */
int node_web_open(struct node *n) NODISCARD;
/* The start takes long: the pages about health, without SIP. What does not open is logged, and fails the start at its end. */
void node_web_open_early(struct node *n);
void node_web_reload(struct node *n);
void node_web_close(struct node *n);

/* DNS. 0 or -errno. */
int node_dns_open(struct node *n) NODISCARD;
/* SIGHUP: the servers; what is known stays known. */
void node_dns_configure(struct node *n);
/* For shards, which are closed before it. */
struct shard_lookup node_dns_of(struct node *n);
/* effects_lookup_fn */
struct effect;
void node_dns_look_up(const struct effect *lookup, void *arg);
/* Some outcomes to the shards that have the calls. What is left is for the next round, which is soon (resolver_next_ns). */
void node_dns_feed(struct node *n);

/* Traces and export; the exit status. */
int node_watch_open(struct node *n);
void node_watch_reload(struct node *n);
void node_watch_close(struct node *n);
/* What a trace of that call begins with. but_newest: all but the message that passes now. */
void node_trace_past(struct node *n, uint64_t call, bool decrypted, bool but_newest);
/* effects_passed_fn: each SIP message after it came, or before it goes. */
void node_on_passed(const struct sip_hop *hop, bool sent, struct bytes message, const char *why,
		    void *arg);

/* Raises the descriptor limit; calls_max is what limits.calls and it allow. 0 or -errno. */
int node_capacity_fit(struct node *n, unsigned *fd_max) NODISCARD;
/* Some media ports are tried. 0, or -EADDRINUSE and -EADDRNOTAVAIL where they cannot be used; logged. */
int node_capacity_probe(const struct settings *s) NODISCARD;
/* Bytes of address space and of memory; 0 where /proc does not say. */
void node_memory(uint64_t *reserved, uint64_t *resident);
/* The line that says the node is ready, with what it can hold. */
void node_log_ready(const struct node *n);

void node_metrics_setup(void);
/* Those by tenant. */
void node_tenants_setup(void);
void node_tenants_metrics(const struct node *n);
void node_trunks_setup(void);
void node_trunks_metrics(const struct node *n);
void node_metrics_update(const struct node *n);

#endif
