/* SPDX-License-Identifier: Apache-2.0 */
/* The signalling core of one shard: transactions, calls. Pure: datagrams, timers, save
 * acknowledgements and media events in, effects out. No socket, no clock, no Redis, so a whole
 * cluster runs on virtual time in tests/sim. One thread. After every call below the owner carries
 * out shard_effects() and clears them. */
#ifndef SIG_SHARD_SHARD_H
#define SIG_SHARD_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rand.h"
#include "sig/host/effect.h"
#include "sig/host/extension.h"
#include "sig/host/network.h"
#include "sig/host/tenant.h"
#include "sig/host/toll.h"
#include "sig/leg/line_facts.h"
#include "sig/location/locations.h"

struct shard_settings;
struct shard_forward;
struct shard_extension;
struct shard_located;
struct shard_profile;
struct shard_range;
struct remote_pick;

struct shard;

/* Returns 0 or -errno. Uses locations (shared with other shards) and rand from now on. */
int shard_open(struct shard **out, const struct shard_settings *settings,
	       struct locations *locations, struct rand_source *rand, struct instant now) NODISCARD;
void shard_close(struct shard *s);
/* New settings, without those that need a restart (number, locals, networks, shared ports, the
 * tables of tenants and quotas, capacities, keys). */
void shard_configure(struct shard *s, const struct shard_settings *settings);
/* The day of limits of calls outside, of TENANT_NONE that of UTC. */
struct toll_now shard_toll_now(struct shard *s, uint16_t tenant, struct instant now);
/* The tenant must exist (tenant.h), or be the default one. Returns 0 or -ENOSPC. Its held parties
 * get its music at once. */
int shard_extension_put(struct shard *s, const struct shard_extension *extension) NODISCARD;
/* Numbers joined by ',' that an extension with MONITOR_LISTED may watch. Returns 0, -ENOENT,
 * -ENOMEM. */
/* Extensions that see its mailbox, too. As shard_monitors_set. */
int shard_members_set(struct shard *s, uint16_t tenant, const char *number,
		      const char *members) NODISCARD;
/* A user has a call, or one rings at his phones; parked ones do not count. owner: any shard of the
 * node. */
bool shard_user_is_busy(void *owner, uint16_t tenant, struct bytes user);
/* An agent may be free: of the tenant's callers in queues the first one looks. */
void shard_agent_changed(struct shard *s, uint16_t tenant, struct bytes user);
/* Pickup groups joined by ',': extensions that share one may pick up each other's calls. As
 * shard_monitors_set. */
int shard_pickup_set(struct shard *s, uint16_t tenant, const char *number,
		     const char *groups) NODISCARD;
/* The same of the tenant's groups of slots that it uses (sig/host/tenant.h). */
/* Its BLF state has changed: its watchers here are notified. */
struct calendar;
void shard_hours_changed(struct shard *s, const struct calendar *c, struct instant now);
int shard_park_groups_set(struct shard *s, uint16_t tenant, const char *number,
			  const char *groups) NODISCARD;
/* Its BLF keys (sig/host/blf_keys.h), already validated. As shard_monitors_set. */
int shard_blf_set(struct shard *s, uint16_t tenant, const char *number,
		  const char *blf_keys) NODISCARD;
int shard_monitors_set(struct shard *s, uint16_t tenant, const char *number,
		       const char *monitors) NODISCARD;
/* Settings of an existing extension, where shard_forward_is_set. They apply to each next decision
 * of a call. Returns 0, -ENOENT, -ENOMEM. */
int shard_forward_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_forward *forward) NODISCARD;
/* Its presence: watchers are notified, also when part of it expires. Returns 0, -ENOENT,
 * -ENOMEM. */
struct presence;
int shard_presence_set(struct shard *s, uint16_t tenant, const char *number,
		       const struct presence *presence) NODISCARD;
/* directory_service.presence */
const char *shard_presence_current(void *owner, uint16_t tenant, struct bytes user);
/* What is shown of a user. */
struct presence_view;
void shard_presence_of(struct shard *s, uint16_t tenant, struct bytes user, struct instant now,
		       struct presence_view *out);
/* A web page with the state of its user and of those he watches (user_watch.c). */
struct shard_user_watch {
	uint64_t page;
	uint16_t tenant;
	/* users: more of them, joined by ','; empty: those of his BLF keys, and those that only he
	 * may watch */
	struct bytes user, users;
	uint32_t told; /* the number of the last state that it had; 0: none */
	bool ready;    /* for one more */
};
/* Refreshes the subscription of that id, or begins one; to be called every few seconds. Returns its
 * id; 0: no room. */
uint64_t shard_user_watch(struct shard *s, uint64_t id, const struct shard_user_watch *w,
			  struct instant now);
/* The locations that its phones may use. 0, -ENOENT, -ENOMEM. */
int shard_located_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_located *located) NODISCARD;
bool shard_extension_delete(struct shard *s, uint16_t tenant, const char *number);
int shard_profile_put(struct shard *s, uint16_t tenant,
		      const struct shard_profile *profile) NODISCARD; /* 0, -ENOSPC, -ENOMEM */
bool shard_profile_delete(struct shard *s, uint16_t tenant, const char *name);
/* All of them, and the ranges: the tenant is gone. */
void shard_profiles_delete(struct shard *s, uint16_t tenant);
/* Jobs open on every worker, by enum media_codec; generation 0: none for that codec. Legs with this
 * audio source get it at once. */
void shard_track_set(struct shard *s, enum shard_track track,
		     const struct job_id jobs[MEDIA_CODECS]);
/* Its jobs will be open soon: legs with this audio source are silent until shard_track_set. */
void shard_track_await(struct shard *s, enum shard_track track);
/* Replaces the whole table of the tenant. 0, -ENOSPC, -ENOMEM. */
int shard_ranges_set(struct shard *s, uint16_t tenant, const struct shard_range *ranges,
		     uint32_t count) NODISCARD;

struct effects *shard_effects(const struct shard *s);

/* ---- events ---- */
/* Before shard_receive: for so long not all that came could be read (sig/shard/overload.h). */
void shard_behind(struct shard *s, uint64_t behind_ns);
void shard_receive(struct shard *s, const struct sip_hop *from, struct bytes datagram,
		   struct instant now);
/* The same for a message already parsed to find its shard, with its hop. It stays the caller's. */
void shard_receive_parsed(struct shard *s, const struct sip_message *m, struct bytes datagram,
			  struct instant now);
/* A message could not be sent (ICMP error, no route, no connection). error: a positive errno value;
 * for a connection of another node EHOSTUNREACH means that the link to that node broke, ECONNRESET
 * that it has no such connection. */
void shard_send_failed(struct shard *s, const struct sip_hop *hop, int error, struct instant now);
/* Its messages were withheld since its lease was past (base/validity.h). It may send again. */
void shard_withheld(struct shard *s, struct instant now);
/* A connection is gone, with what was on it. */
void shard_connection_closed(struct shard *s, const struct sip_hop *hop, struct instant now);
void shard_expire(struct shard *s, struct instant now);
uint64_t shard_next_ns(const struct shard *s);
/* saved: true acknowledged; false: outcome unknown or refused. */
void shard_call_saved(struct shard *s, uint64_t call, uint64_t version, bool saved,
		      struct instant now);
void shard_subscription_saved(struct shard *s, uint64_t id, uint64_t version, bool saved,
			      struct instant now);
void shard_call_ended(struct shard *s, uint64_t call, bool saved, struct instant now);
void shard_object_saved(struct shard *s, uint64_t id, uint64_t version, bool saved,
			struct instant now);
/* Of EFFECT_ROOM_OPEN. job NULL: it does not mix, or no more. */
void shard_on_room(struct shard *s, uint64_t room, uint64_t serial, const struct job_id *job,
		   struct instant now);
void shard_media_event(struct shard *s, const struct media_event *event, struct instant now);
struct prompt_terms;
/* To what a call, a room or a subscription has asked by an effect. */
void shard_replied(struct shard *s, const struct reply *reply, struct instant now);
/* The newest call of a user at this node; call: that one alone, if it is so. */
struct user_call {
	uint64_t call, setup_utc_ms; /* call 0: none */
	bool b;                      /* it is the caller's peer */
	bool holds, muted;
};
void shard_user_call(const struct shard *s, uint16_t tenant, struct bytes user,
		     enum user_call_want want, uint64_t call, struct user_call *out);
/* Asks the phone of that user with that Contact to look for other files (check-sync). False: it is
 * not registered, or not reached by this shard. */
bool shard_check_sync(struct shard *s, uint16_t tenant, struct bytes user, struct bytes contact,
		      struct instant now);
/* Where a device without a registration is, while it calls: kept until its call is over. */
struct sync_caller {
	struct text user, contact, routes;
	struct sip_hop hop;
};
/* False: that device calls nobody as user at this node. Allocated into *out (zeroed, or of a call
 * before), also where it is false: sync_caller_clear. */
bool shard_sync_caller(const struct shard *s, uint16_t tenant, struct bytes user, uint64_t device,
		       struct sync_caller *out);
bool shard_check_sync_caller(struct shard *s, const struct sync_caller *to, struct instant now);
void sync_caller_clear(struct sync_caller *c);
/* An effect OPEN could not bind its ports (error -errno). */
void shard_media_failed(struct shard *s, struct flow_id id, uint64_t call, int error,
			struct instant now);
/* Redis is away: effects do not wait for saves. When it is back (degraded false), everything is
 * asserted again. */
void shard_degraded(struct shard *s, bool degraded, struct instant now);
/* Saves lazy changes now, and at once from now on: the shard is to be handed over, and its timers
 * stand still. hurries false: as before. */
void shard_hurry(struct shard *s, bool hurries, struct instant now);
/* Ids of calls that the store should have, at most max, from *cursor on (0 at first, and after the
 * last). */
uint32_t shard_calls_saved(struct shard *s, uint32_t *cursor, uint64_t *ids, uint32_t max);
/* The store has no record of that call: it is saved again, if it still lives. */
void shard_call_missing(struct shard *s, uint64_t call, struct instant now);
/* The store has its CDR: the previous node of the shard has ended the call and told its parties. */
void shard_call_over(struct shard *s, uint64_t call, struct instant now);
/* As with degraded false, for a store that was late but lost nothing: unacknowledged saves are
 * repeated. */
void shard_caught_up(struct shard *s, struct instant now);
/* What those around the shard saw of misuse: transports, the web. detail: words of ours. */
void shard_security_event(struct shard *s, enum security_kind kind, const struct addr *source,
			  struct bytes user, const char *detail, struct instant now);
/* No new calls (503 with Retry-After) except emergency calls; established calls continue. */
void shard_drain(struct shard *s, bool drain);

/* Another node has the shard: all calls and transactions are forgotten here. The effects left close
 * their media; after that the shard may only be closed. */
void shard_silence(struct shard *s, struct instant now);
/* Behind shard_silence: it may be given calls again. */
void shard_join_again(struct shard *s);

/* ---- after a restart, before the first shard_receive ---- */
/* Before the first restore: the incarnation of this process as owner of the shard, higher than all
 * before; 0: unknown. */
void shard_incarnate(struct shard *s, uint64_t incarnation);
/* Returns 0, -EBADMSG (broken, see reason; nothing changed), -EEXIST, -ENOSPC, -EBUSY (its ports
 * are taken). */
int shard_restore_call(struct shard *s, struct bytes record, struct instant now,
		       const char **reason) NODISCARD;
/* The local address and port of a party's media: what a restore has to open. */
struct shard_place {
	uint16_t network;
	struct addr rtp, rtcp;
	uint8_t dscp;
};
typedef void shard_place_fn(const struct shard_place *place, void *arg);
/* Of a record of this shard that is to be restored later, perhaps by another process: changes
 * nothing, and skips what cannot be read. Without ports that calls share. */
void shard_record_places(struct shard *s, struct bytes record, struct instant now,
			 shard_place_fn *each, void *arg);
/* The same of a subscription; after the calls. */
int shard_restore_subscription(struct shard *s, struct bytes record, struct instant now,
			       const char **reason) NODISCARD;
/* The same of an object, in any order with calls. */
int shard_restore_object(struct shard *s, enum object_kind kind, struct bytes record,
			 struct instant now, const char **reason) NODISCARD;
/* Its record is there and cannot be read: all that can be done is to say so, in a CDR. */
void shard_call_unreadable(struct shard *s, uint64_t call, struct instant now);
/* Where the parties of calls are. */
typedef void shard_hop_fn(const struct sip_hop *hop, void *arg);
void shard_hops(const struct shard *s, shard_hop_fn *each, void *arg);
/* Starts the timers of what was restored and answers what was left open. */
void shard_resume(struct shard *s, struct instant now);

/* ---- commands and queries ---- */
/* Ends the call with BYE or CANCEL/480. */
enum refusal shard_hangup(struct shard *s, uint64_t call, const struct shard_order *by,
			  struct instant now) NODISCARD;

/* Returns 0, or -ENOENT if it does not exist or is over. Its watcher gets the reason in a last
 * NOTIFY. */
int shard_subscription_end(struct shard *s, uint64_t id, enum subscription_ending ending,
			   struct instant now) NODISCARD;
/* The tenant of a subscription. Returns false if it does not exist. */
bool shard_subscription_tenant(const struct shard *s, uint64_t id, uint16_t *tenant);

struct call_order;
/* Carries out an order to a call. Returns 0 or -errno by the kind of order
 * (sig/model/call_order.h). */
enum refusal shard_call_order(struct shard *s, uint64_t call, struct call_order *order,
			      struct instant now) NODISCARD;

/* Rings the best phone of `from`, and once answered all phones of `to` as if `from` had called: a
 * number, or flow:NAME. */
struct shard_originate {
	uint16_t tenant; /* of both */
	uint64_t call;   /* the id it is to have; where there is such a call nothing is done */
	const char *from, *to;
	/* an extension that is charged for both, from being a number outside; NULL, "": from is the
	 * extension */
	const char *payer;
	const char *caller_id; /* shown outside; NULL: the extension's */
	bool auto_answer;      /* from's phone is asked to answer by itself (REG-18) */
	bool hides;            /* from, from the party it is connected with (RFC 3323 id) */
	uint32_t ring_s;       /* so long each of them is rung; 0: as settings say */
	const struct shard_order *by;
};
enum refusal shard_call_originate(struct shard *s, const struct shard_originate *o,
				  struct instant now) NODISCARD;
/* Whether its from may be rung so, now or later: an extension, or a number outside that the payer
 * may call. Neither phones nor trunks are looked for. */
enum refusal shard_call_may_originate(struct shard *s, const struct shard_originate *o,
				      struct instant now) NODISCARD;
/* Plays prompts to a caller without peer, and collects DTMF digits, in place of what ran before.
 * Without both: stops. */
enum refusal shard_call_prompt(struct shard *s, uint64_t call, const struct prompt_terms *terms,
			       const struct shard_order *by, struct instant now) NODISCARD;
/* Splits a call: the party of that leg moves to a call of its own. Both parties are without peer
 * then. */
struct shard_split {
	uint64_t call;
	/* the id of the new call; if it exists, nothing is done, and 0 is returned */
	uint64_t to;
	uint8_t leg;
	const char *application; /* in control of both calls; "": the application of the call */
	const struct shard_order *by;
};
/* EFFECT_ORDERED is of the new call. */
enum refusal shard_call_split(struct shard *s, const struct shard_split *split,
			      struct instant now) NODISCARD;
/* Joins two calls: of each the party of that leg stays, and the other is released. The call `with`
 * ends. */
struct call_remote;
struct shard_join {
	uint64_t call, with;
	enum shard_leg leg, with_leg; /* NONE: of a caller that has no other party */
	const struct shard_order *by;
	bool of_with; /* out: what was refused is about with */
};
enum refusal shard_call_join(struct shard *s, struct shard_join *join,
			     struct instant now) NODISCARD;
/* The same for calls of two shards, by the shard that has join.call. Both calls continue, linked by
 * a leg between shards. far: the answer of the remote shard, perhaps of another node; ignored if
 * shard_call_was_joined. */
enum refusal shard_call_join_remote(struct shard *s, struct shard_join *join,
				    const struct call_remote *far, struct instant now) NODISCARD;
/* By the same command before, perhaps by another process. */
bool shard_call_was_joined(const struct shard *s, const struct shard_join *join);
/* The party that another call is to be joined with; slices live until the next event. As
 * shard_call_join for with. */
enum refusal shard_call_remote(const struct shard *s, uint16_t tenant, uint64_t call,
			       enum shard_leg leg, struct call_remote *out) NODISCARD;
/* Both shards are of this node; other has join.with. */
enum refusal shard_call_join_local(struct shard *s, const struct shard *other,
				   struct shard_join *join, struct instant now) NODISCARD;

/* The outcome of a dialled number for a phone of the tenant: 0 if it is called, else the status.
 * *reason: a constant; "" or SHARD_HELP_UNPROBED where it is called. */
#define SHARD_HELP_UNPROBED "emergency calls rely on a trunk that is not probed"
struct dial_result;
uint16_t shard_dial_outcome(const struct shard *s, uint16_t tenant,
			    const struct dial_result *dialled, const char **reason);
/* The slot where the call is parked; "": none. */
const char *shard_call_slot(const struct shard *s, uint64_t call);
/* The call is parked in that slot, or about to be. */
bool shard_call_waits_in(const struct shard *s, uint64_t call, struct bytes slot);
/* The call is being retrieved from that slot: phones that ring for its return ring no more. */
bool shard_call_yield(struct shard *s, uint64_t call, struct bytes slot, struct instant now);

/* ---- conferences (sig/room/room.h) ---- */
struct room_terms;
enum { CONFERENCE_USER_MAX = 64 };
struct shard_conference_request {
	/* that is there, or the id that a new one is to have. out: which one it is */
	uint64_t room;
	uint64_t call;      /* its parties come, or are there */
	enum shard_leg leg; /* ... that is host; not needed for a call of one party */
	/* another call: its parties join; 0: none. A user in both leaves this one. If it is on a
	 * remote shard, that is told by EFFECT_CONFERENCE */
	uint64_t with;
	/* instead: an application of live.endpoints that hears all and is heard; with it, two
	 * members stay a conference. NULL: none */
	const char *endpoint;
	const char *to; /* shard_conference_ring: rings the best phone of this extension */
	/* ... in the room of that number, which is opened first if need be; NULL: in that alone */
	const struct room_terms *opens;
	/* ... or a number outside, as this extension may call it; NULL: extensions alone, */
	const char *subject;
	uint64_t rung;    /* the id of that call, */
	uint16_t inviter; /* member */
	/* the call of the party that gets the NOTIFYs; 0: none */
	uint64_t referrer;
	uint32_t refer; /* ... of its REFER with this CSeq */
	/* ... it monitors two parties (MON-04): one that is in their room already is not rung */
	enum shard_monitors {
		MONITORS_NOBODY,
		MONITORS_LISTENS, /* it is heard by nobody, and leaves with them */
		MONITORS_COACHES, /* ... by the party of leg alone, and leaves with them */
		MONITORS_BARGES,
		MONITORS_TAKES, /* ... and the party of leg is hung up */
	} monitors;
	bool told; /* a tone tells the others when it comes and goes */
	/* shard_conference_ring: it comes in muted; its phone is asked to answer by itself; and it
	 * is not rung where it is in the room already, or its phone rings for it */
	bool muted, auto_answer, once;
	const struct shard_order *by; /* EFFECT_ORDERED is of the room */
	uint32_t rings;               /* inside */
	bool of_with;                 /* out: what was refused is about with, or the room */
	struct call_refusal
		*refusal; /* out, of a quota: the refusal for the requester; NULL: not needed */
	char host[CONFERENCE_USER_MAX]; /* out, with on a remote shard: the user in both, perhaps */
};
/* Two calls become a conference, or one call joins the conference of the other. */
enum refusal shard_conference_request(struct shard *s, struct shard_conference_request *o,
				      struct instant now) NODISCARD;
/* The parties of a call of this shard join a conference of a remote one, each in a call of its
 * own. */
struct shard_conference_give {
	uint64_t call, room;
	struct bytes leaves; /* the user who is a member already; empty: none */
	/* leg and 1 of a tag of that call, which must be the user's; 0: he may not be in it */
	uint8_t dialog;
};
enum refusal shard_conference_give(struct shard *s, uint16_t tenant,
				   const struct shard_conference_give *give,
				   struct instant now) NODISCARD;
/* The shard of the conference that a SUBSCRIBE or REFER addresses, by the user that its sender
 * claims to be; 0: no conference of his, as far as this shard knows. That shard authenticates
 * him. */
uint16_t shard_focus_shard(const struct shard *s, const struct sip_message *m);
/* The parties of call, which may be of another shard, come into a room that is there. */
enum refusal shard_conference_into(struct shard *s, struct shard_conference_request *o,
				   struct instant now) NODISCARD;
/* Rings an extension; the callee that answers joins the room, or begins one with call. */
enum refusal shard_conference_ring(struct shard *s, struct shard_conference_request *o,
				   struct instant now) NODISCARD;
enum shard_room_act {
	SHARD_ROOM_LOCK,
	SHARD_ROOM_UNLOCK,
	SHARD_ROOM_END,
	SHARD_ROOM_PLAY,   /* play: to all, in place of what was */
	SHARD_ROOM_STREAM, /* endpoint: likewise */
	SHARD_ROOM_PLAY_STOP,
	SHARD_ROOM_STREAM_STOP,
	/* each of the others except its host, or (in_name_of) of those that this member may
	 * change */
	SHARD_ROOM_MUTE,
	SHARD_ROOM_UNMUTE,
	SHARD_ROOM_HOLD,
	SHARD_ROOM_RESUME,
	SHARD_ROOM_RECORD, /* record; see sig/feature/room/shard_room.h */
};
struct room_play;
struct shard_room_order {
	enum shard_room_act act;
	uint16_t in_name_of; /* its rights are checked; 0: an operator */
	const struct room_play *play;
	const char *endpoint;
	uint8_t record; /* enum order_record */
	bool by_page;   /* the record page of a member says so (shard.h) */
	const struct shard_order *by;
};
enum refusal shard_conference_order(struct shard *s, uint64_t room,
				    const struct shard_room_order *o, struct instant now) NODISCARD;
struct room_view {
	uint64_t room;
	const char *tenant, *kind, *number; /* until the next event */
	uint32_t members, asking;
	uint16_t host, max_members;
	bool locked, saved, mixes;
	uint8_t recording; /* its number; 0: none */
	bool recording_paused;
	/* what it plays, and the application that takes part; "": none */
	const char *plays, *endpoint;
	bool apart; /* its number may be another conference's, on another node */
	uint64_t created_utc_ms, version;
};
struct member_view {
	uint64_t call;
	uint16_t number, inviter, coaches;
	int8_t gain_db;
	bool muted, deaf, held, host, asks, monitors;
	bool away; /* it rings, or another phone is rung for it */
	uint64_t joined_utc_ms;
	struct bytes from;
};
typedef void shard_member_fn(const struct member_view *member, void *arg);
bool shard_conference_view(const struct shard *s, uint64_t room, struct room_view *out);
/* Walks all: *cursor = 0 first. */
bool shard_conference_next(const struct shard *s, uint32_t *cursor, struct room_view *out);
void shard_conference_members(const struct shard *s, uint64_t room, shard_member_fn *each,
			      void *arg);
/* The room that the call's party is in; 0: none. */
uint64_t shard_call_room(const struct shard *s, uint64_t call);

enum { CALL_VIEW_FLOWS_MAX = 32, CALL_VIEW_RECORDINGS_MAX = 2 };

/* One of the two parties. */
struct call_view_leg {
	enum sip_transport transport;
	bool held, muted;               /* by command: its party holds the other; it is muted */
	char profile[PROFILE_NAME_MAX]; /* the codec profile that its address has now */
	char trunk[32];                 /* by which its party is reached; "": a phone */
	char suite[40];                 /* SRTP crypto-suite of its first stream; "": plain */
	char codecs[128];               /* agreed, as "PCMA,opus,H264"; "": nothing yet */
};

struct call_view {
	uint64_t call;
	enum call_state state;
	uint64_t version; /* of the record */
	bool saved;       /* the version is acknowledged */
	bool restored;
	char tenant[32];
	char application[33]; /* that has it, or that it waits for; "": none */
	bool waits;           /* it does */
	char from[64], to[64], from_name[CALL_NAME_MAX], answered_by[64];
	enum party_state states[2]; /* of caller and callee */
	/* caller and callee (the caller twice: no callee yet); valid until the next event */
	struct text const *sip_call_id[2];
	struct addr remote[2]; /* SIP peers */
	struct call_view_leg legs[2];
	uint32_t leg_count;                   /* the caller and all legs that ring, talk or end */
	uint64_t setup_utc_ms, answer_utc_ms; /* of its first pair */
	uint32_t recording_count;
	struct call_view_recording {
		uint8_t number, leg; /* leg: 0 the caller's, 1 the other one's */
		bool paused;
		const char *to, *cause;
		uint64_t begun_utc_ms;
		struct call_view_recorder {
			bool external; /* of an external recorder, else the rest is 0 */
			/* taken: it has a session; lost: the event of its refusal was sent */
			bool taken, lost;
			const char *reason; /* why not; NULL: it was just asked */
			uint16_t status;    /* that it refused with; 0: it did not */
			bool refused;
			struct addr at;       /* ADDR_NONE: no request now */
			uint8_t speak, takes; /* parties to be recorded; streams that it accepts */
		} recorder;
	} recordings[CALL_VIEW_RECORDINGS_MAX];
	uint32_t flow_count; /* those of the two first */
	struct {
		struct flow_id id;
		uint8_t leg, line;
		enum media_kind kind;
		struct addr local, remote;
		uint32_t ssrc_out;
		/* the codec that its audio is transcoded to for the peer: enum media_codec and 1;
		 * 0: not transcoded */
		uint8_t transcoded_to;
		struct flow_resume resume; /* last checkpoint */
	} flows[CALL_VIEW_FLOWS_MAX];
};
bool shard_call_view(const struct shard *s, uint64_t call, struct call_view *out);
/* A leg, also of a phone that rings or is on its way out. Slices live until the next event. */
struct call_leg_view {
	char party; /* 'a': the caller, 'b': its peer; 0: neither */
	const char *state;
	bool outbound; /* its INVITE was ours */
	struct bytes user, trunk, sip_call_id;
	struct addr remote;
	struct call_view_leg facts;
};
/* The leg *number, or the next one behind it; its number is then written to *number. Returns false
 * behind the last. */
bool shard_call_leg(const struct shard *s, uint64_t call, uint64_t *number,
		    struct call_leg_view *out);
/* False: there is no such call. */
bool shard_call_facts(const struct shard *s, uint64_t call, struct call_facts *out);
/* What call.play and call.collect play. */
struct call_play {
	const char *file; /* valid until the next event */
	uint32_t place_ms, played_ms;
	bool paused;
};
/* False: nothing. */
bool shard_call_play(const struct shard *s, uint64_t call, struct instant now,
		     struct call_play *out);
/* The state of the party of a leg (call_view.flows); CALL_VIEW_CALLER: of the caller. Returns false
 * if the leg does not exist. */
enum { CALL_VIEW_CALLER = UINT8_MAX };
struct party_place;
bool shard_call_place(const struct shard *s, uint64_t call, uint8_t leg, struct party_place *out);
/* Where a call is in a flow, in words. False: it goes through none. */
bool shard_call_flow(const struct shard *s, uint64_t call, struct writer *w);
/* The tenant of a call. False: there is no such call. */
bool shard_call_tenant(const struct shard *s, uint64_t call, uint16_t *tenant);
/* The part of an extension in a call as it is now. A phone that is on its way out has none, but in
 * a call that ends. */
struct call_part {
	char side;  /* of the two that speak: 'a' (the caller's leg) or 'b'; 0: neither */
	bool rings; /* a phone of it rings, the call waits for it to be free, or ends */
	bool gives; /* it transfers the call, and the target rings */
};
/* All zero: not a party. */
struct call_part shard_call_part(const struct shard *s, uint64_t call, struct bytes user);
/* Checks an extension's password given in clear by a client other than a phone: failures count with
 * those of SIP, and with PINs on all nodes. Returns false if it is wrong, or was not checked:
 * *wait_ns is the time until it may be. */
bool shard_password_proves(struct shard *s, uint16_t tenant, struct bytes number,
			   struct bytes password, const struct addr *source, struct instant now,
			   uint64_t *wait_ns);
/* Likewise of a device (sig/host/devices.h), by its name; failures count with its extension's. */
bool shard_device_proves(struct shard *s, uint16_t tenant, struct bytes name, struct bytes password,
			 const struct addr *source, struct instant now, uint64_t *wait_ns);
/* What challenges of that tenant are made by, also those of HTTP. space: its place. */
const struct digest_server *shard_digest_server(const struct shard *s, uint16_t tenant,
						struct digest_server *space);
/* The answer, which was proven, was not given here before (RFC 7616 5.4). */
bool shard_digest_is_first(struct shard *s, const struct digest_server *server,
			   const struct digest_answer *a, uint64_t utc_ms);
/* The same without what needs the SDP to be parsed: codecs and suites are "". */
bool shard_call_glance(const struct shard *s, uint64_t call, struct call_view *out);
/* What the party of a leg has in an m-line; *contact: address of its SIP, ADDR_NONE if a name.
 * Returns false if nothing is agreed. */
bool shard_call_line(const struct shard *s, uint64_t call, uint8_t leg, uint8_t line,
		     struct line_facts *out, struct addr *contact);
/* The session between us and a party, valid until the next event. Contains SRTP keys. */
struct call_session {
	struct bytes call_id, local, remote, remote_tag, target; /* of the dialog */
	char local_tag[ID_TAG_LEN];
	struct sip_hop hop;
	bool outbound;                      /* the INVITE was ours */
	struct bytes remote_sdp, local_sdp; /* SDP in force: the party's, and ours to it */
};
/* leg: of the caller or the callee. False: no session is in force. */
bool shard_call_session(const struct shard *s, uint64_t call, uint8_t leg,
			struct call_session *out);
/* The call of a message that was received (by shard_receive) or sent; 0: unknown. Costs its
 * parsing. */
uint64_t shard_message_call(const struct shard *s, struct bytes message);
/* It has a transaction for that very request; for an ACK or a CANCEL, for its INVITE. */
bool shard_has_request(const struct shard *s, const struct sip_message *m);
/* Walks all calls: *cursor = 0 first. */
bool shard_call_next(const struct shard *s, uint32_t *cursor, struct call_view *out);
/* The same with the fields of lists only: the rest of *out, from data on except the times, is
 * unchanged. */
bool shard_call_head_next(const struct shard *s, uint32_t *cursor, struct call_view *out);
/* A subscription as lists show it. Slices live until the next event. */
struct subscription_row {
	uint64_t id;
	const char *tenant, *package;
	struct bytes watcher, resource, trunk;
	uint64_t begun_utc_ms, expires_utc_ms; /* as the wall shows them */
	uint32_t notified, resources;          /* resources: of a list; 0: not a list, or empty */
	const struct addr *remote;
};
/* Walks all subscriptions: *cursor = 0 first. */
bool shard_subscription_next(const struct shard *s, uint32_t *cursor, struct subscription_row *out);
struct shard_counts {
	/* aors, bindings and their saves: of the locations that it uses */
	uint32_t calls, calls_established, aors, bindings, extensions, txns, txns_max, ports_free;
	uint32_t subscriptions, calls_transcoded; /* their audio is transcoded */
	uint64_t saves_pending;                   /* of calls and locations */
	uint64_t unsaved;  /* calls and subscriptions that the store does not have as they are */
	uint32_t given_up; /* restored calls that could not go on */
	bool degraded, draining;
};
void shard_counts(const struct shard *s, struct shard_counts *out);
/* Publishes the counts of all shards of the node as metrics. */
void shard_counts_show(const struct shard *s, const struct shard_counts *total);
/* Networks without the pairs of ports that one more call takes. */
uint32_t shard_networks_full(const struct shard *s, struct instant now);

/* The state of a party that is not simply bridged with its peer, for the doctor and call.why. A
 * value. */

enum party_place_kind {
	PARTY_TALKS,
	PARTY_WAITS,    /* an application is asked for it, and has not answered */
	PARTY_ALONE,    /* answered by tandem; no other party, and nothing is played */
	PARTY_PLAYED,   /* a command plays to it, collects its DTMF digits, or records a message */
	PARTY_STREAMED, /* it is with an application by live audio */
	PARTY_ECHOED,   /* it hears an echo of itself */
	PARTY_PARKED,
	PARTY_CONFERS,
	PARTY_PARTS, /* the call is not taken: it hears a tone until it hangs up */
};

enum { PARTY_NAME_MAX = 80 };

struct party_place {
	enum party_place_kind kind;
	bool sounds;                    /* the node has a sound for it in a codec that it accepts */
	bool collects, records, paused; /* played */
	bool muted, deaf, held, waits_host; /* confers */
	uint8_t file, file_count;           /* played: which one of how many, from 1 on */
	uint16_t others;                    /* confers: other members of its conference */
	uint64_t room;                      /* confers */
	char application[PARTY_NAME_MAX];   /* that has the call; "": none */
	char name[PARTY_NAME_MAX];          /* of the file, endpoint, slot or number; "": none */
};

#endif
