/* SPDX-License-Identifier: Apache-2.0 */
/* What a step of a call may use of its shard. Every request to the outside becomes an effect. */
#ifndef SIG_HOST_HOST_H
#define SIG_HOST_HOST_H

#include "base/clock.h"
#include "media/ports.h"
#include "sig/dial/dial.h"
#include "sig/host/effect.h"
#include "sig/host/quota.h"
#include "sig/host/refusal.h"
#include "sig/host/tenant.h"
#include "sig/host/txns.h"
#include "sig/identity/policy.h"

struct shard_settings;
struct shard_forward;
struct shard_extension;

enum { HOST_SPACE = 65536, HOST_SDP_MAX = 16384, HOST_EXTRA = 8192, HOST_SLOT_MAX = 9 };

struct call;
struct call_event;
struct module_lists;
struct call_target;
struct calendars;
struct digest_account;
struct dialog;
struct focus_addition;
struct accounts;
struct groups;
struct names;
struct leg;
struct leg_users;
struct packing;
struct secret_guess;
struct secret_limit;
struct plan_step;
struct programs;
struct room;
struct room_terms;
struct toll_terms;

/* The jobs that play a sound of the node. */
struct host_track {
	struct job_id jobs[MEDIA_CODECS]; /* generation 0: that codec has none */
	bool coming;                      /* none is open yet, and soon will be */
};

static inline bool host_track_plays(const struct host_track *t)
{
	bool plays = false;

	for (unsigned i = 0; i < MEDIA_CODECS; i++)
		plays |= t->jobs[i].generation != 0;
	return plays;
}

/* Of a mailbox. Wrong is also where there is none, and none was given: then NONE is that it has no PIN. */
enum pin_verdict { PIN_WRONG, PIN_RIGHT, PIN_NONE };

struct call_host {
	const struct shard_settings *settings;
	struct rand_source *rand;
	struct effects *effects;
	struct txns *txns;
	struct wheel *wheel;
	struct ports *ports;     /* by network */
	const uint32_t *codings; /* calls of the node whose audio is transcoded */
	const uint32_t *videos;  /* calls of the node that have video */
	struct leg_users *users;
	struct elsewhere_list *elsewhere;
	struct security *security;    /* security_event: misuse of the node */
	struct secret_limit *secrets; /* of sig/call/secret.h */
	struct programs *programs;    /* of flows (sig/host/programs.h) */
	struct calendars *calendars;  /* of tenants (calendars.h) */
	struct groups *groups;        /* of tenants (groups.h) */
	struct names *names;          /* of extensions (names.h) */
	struct accounts *accounts;    /* of tenants (accounts.h) */
	const struct sig_metrics *metrics;
	struct instant now; /* utc_ms: of steady, for durations and deadlines; a wall may be set */
	struct steady steady;
	int64_t wall_ms;     /* what the wall shows more, for those who read times */
	uint32_t timer_kind; /* of a call's timer */
	uint32_t resolves;   /* calls whose callee's name is looked up */
	uint32_t lookups;    /* dialogs whose party's name is (dialog_places.h) */
	uint32_t given_up;   /* restored calls that could not go on */
	bool degraded;
	bool hurries;                       /* nothing is saved later (settings.save_later_ms) */
	struct quota_refusal quota_refusal; /* the last one (payer.h) */
	uint64_t incarnation; /* of this process among the shard's owners: grows; 0: unknown */
	uint8_t *space;       /* HOST_SPACE octets, to write one message in */
	uint8_t *extra;       /* HOST_EXTRA octets, for its further header lines */
	uint8_t *sdp;         /* HOST_SDP_MAX octets, for its body */
	/* of packing_open (call_record.h): where a record is put together */
	struct packing *packing;
	const struct host_track *tracks;    /* by enum shard_track; NULL: none */
	const struct module_lists *modules; /* sig/call/module.h */
	void *owner;
	/* Users are of a tenant (tenant.h). Whom of it a URI means: how many of cap targets were filled. Their slices live until the next event. */
	uint32_t (*targets_of)(void *owner, uint16_t tenant, const struct sip_uri *uri,
			       struct call_target *out, uint32_t cap);
	/* Whether the contacts of a local user are complete: no other node may have more. NULL: there is no other node. */
	bool (*user_known)(void *owner, uint16_t tenant, struct bytes user);
	/* It could not be asked for. NULL: there is none. */
	bool (*user_unread)(void *owner, uint16_t tenant, struct bytes user);
	/* Asks the store for the user's contacts: a reply (ASK_USER) with the returned number follows. 0: use the contacts that are known. */
	uint64_t (*user_ask)(void *owner, uint16_t tenant, struct bytes user, uint64_t call);
	/* The other ways to the phone that a leg asks, of one instance (RFC 5626), the best first; as above. NULL: no phone has another. */
	uint32_t (*flows_of)(void *owner, const struct leg *leg, struct call_target *out,
			     uint32_t cap);
	/* Where a party is whose Contact is a GRUU of ours (RFC 5627); empty: nowhere, or it is none. Lives until the next event. NULL: none is. */
	struct bytes (*contact_of)(void *owner, const struct dialog *d);
	/* Hold music of a local user; NULL: none. The function is NULL: SHARD_TRACK_MUSIC. */
	const struct host_track *(*music_of)(void *owner, uint16_t tenant, struct bytes user);
	/* Forwards of a local user. NULL: none set; or the function: nobody has any. */
	const struct shard_forward *(*forward_of)(void *owner, uint16_t tenant, struct bytes user);
	/* What is said of the user's presence, calls and phones aside; empty: there is no such user. NULL: nothing is of anybody. */
	const char *(*presence_of)(void *owner, uint16_t tenant, struct bytes user);
	/* The user's other calls. NULL: they are not counted. */
	void (*engaged_of)(void *owner, const struct call *c, struct bytes user,
			   struct engaged *out);
	/* A call waits for a local user (call waiting). NULL: none ever does. */
	bool (*waited_for)(void *owner, uint16_t tenant, struct bytes user);
	/* What is said of a user of ours. NULL: there is none, or not now; or the function: everybody is there, under no terms. */
	const struct shard_extension *(*extension_of)(void *owner, uint16_t tenant,
						      struct bytes user);
	/* pin: empty: whether the box has one. NULL: no box has. */
	enum pin_verdict (*pin_is)(void *owner, uint16_t tenant, struct bytes box,
				   struct bytes pin);
	/* Who we are to the party of that dialog, where it asks; the slices live until the next event. False: nobody; or the function is NULL. */
	bool (*account_of)(void *owner, const struct dialog *d, struct digest_account *out);
	/* Where the server of a step's trunk is (sig/call/trunk_route.h), and its number with what was said of it, if that may be told; its slices as
	 * above. False: it cannot be asked. NULL: there are no trunks. */
	bool (*trunk_route_target)(void *owner, uint16_t tenant, const struct plan_step *step,
				   struct bytes portability, struct call_target *out);
	/* What a user of ours means by a number that is none of ours: DIAL_OUTSIDE, DIAL_EMERGENCY and DIAL_EXTENSION with the number as it is
	 * asked for; DIAL_BARRED: not for him. */
	enum dial_kind (*dials)(void *owner, uint16_t tenant, struct bytes user,
				struct bytes number, char out[DIAL_NUMBER_MAX]);
	/* A PIN or password was tried: other nodes are informed. */
	void (*secret_tried)(void *owner, const struct secret_guess *g, bool right);
	/* What a user of ours means is a slot, or the next free one (sig/pbx/park.h). False: it is none, or he may not; or the function is
	 * NULL. */
	bool (*parks)(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
		      struct park_place *out);
	/* The tenant's slot of that name, or (slot "") those of a group, "": of the first one. user: whose word that is; empty: the tenant's. As
	 * parks. */
	bool (*park_place)(void *owner, uint16_t tenant, struct bytes user, struct bytes slot,
			   struct bytes group, struct park_place *out);
	/* Which call rings at that extension, or ("") at any whose calls the user may take: the one that does so longest. NULL: none is taken. */
	void (*picks)(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
		      struct pick_news *out);
	/* The same is asked of other nodes, for that call, which is told of it as of a slot (ASK_PARK). Its serial; 0: there are none. NULL:
	 * nor is there a way to them. */
	uint64_t (*picks_remote)(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
				 uint64_t call);
	/* Not all have answered in time: what is known until now. Nothing more is told. */
	void (*picked_remote)(void *owner, uint64_t serial, struct park_news *out);
	/* What calls of a user to that number outside may cost; user "": of nobody of ours, number "": he calls it already. False: whatever
	 * they like; or the function is NULL. */
	bool (*toll_of)(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			struct toll_terms *out);
	/* The room of that id. NULL: there is none; or the function: there are none. */
	struct room *(*room_of)(void *owner, uint64_t room);
	/* The one that is called by that number, which begins where there is none. NULL: there are too many; or the function: as above. */
	struct room *(*room_by_number)(void *owner, const struct room_terms *terms);
	/* One of calls begins, for who calls a factory. NULL: as above. */
	struct room *(*room_make)(void *owner, uint16_t tenant);
	/* Another shard of the node where one of that number is; 0: none. NULL: there is no other. */
	uint16_t (*room_number_shard)(void *owner, uint16_t tenant, struct bytes number);
	/* What a party asks the focus of a conference for (sig/room/room.h). NULL: there is none. */
	enum refusal (*focus)(void *owner, const struct focus_addition *ask);
	/* The one of that name here (room_name.h). NULL: there is none; or the function: as above. */
	struct room *(*room_named)(void *owner, uint16_t tenant, struct bytes user);
	/* One begins with who calls, and the parties of that call come; the leg's is host. As focus. */
	enum refusal (*room_of_local_call)(void *owner, uint64_t call, uint8_t leg,
					   struct room **out);
	/* Who is in it has changed, or (record) what its record says: it is looked at behind this step. */
	void (*room_changed)(void *owner, struct room *room, bool record);
	/* The call of that id, to look at. NULL: there is none; or the function: there is no other. */
	const struct call *(*call_of)(void *owner, uint64_t call);
	/* The tenant's dialog of that name, and its leg. The tags: ours, and the party's. NULL: none. */
	const struct call *(*call_of_dialog)(void *owner, uint16_t tenant, struct bytes call_id,
					     struct bytes local, struct bytes remote, uint8_t *leg);
	/* Runs a step of another call within one of this. */
	void (*tell)(void *owner, uint64_t call, const struct call_event *ev);
	/* What is believed of the side that the leg's party is on, and told to it. NULL: nobody is trusted. */
	struct identity_policy (*identity_of)(void *owner, const struct leg *leg);
	/* Whether who sends from there speaks for others: its routes, Contacts and media addresses count. NULL: nobody does. */
	bool (*trusts)(void *owner, const struct sip_hop *hop);
};

static inline bool host_trusts(const struct call_host *h, const struct sip_hop *hop)
{
	return h->trusts && h->trusts(h->owner, hop);
}

#endif
