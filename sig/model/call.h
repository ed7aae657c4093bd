/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: dialogs joined by a value (RFC 7092: a signalling and media B2BUA). Leg 0 is the caller;
 * each further leg is a branch of the fork (RFC 3261 16.7 as seen from a B2BUA). Everything here is
 * in the call's record, and another process can continue it. What waits for a save waits in the
 * outbox.
 *
 *   CALL_SETUP -> CALL_RINGING -> CALL_ANSWERING -> CALL_ESTABLISHED -> CALL_ENDING -> gone
 *   a branch: 18x ---^  first 2xx --^   A: ACK ---------^     BYE, CANCEL, failure from any state
 */
#ifndef SIG_MODEL_CALL_H
#define SIG_MODEL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/flow.h"
#include "sig/host/cdr.h"
#include "sig/host/host.h"
#include "sig/model/leg.h"
#include "sig/model/outbox.h"
#include "sig/model/park.h"
#include "sig/model/plan.h"
#include "sig/room/room.h"

/* ---- a port of ours that faces one party ---- */

/* What a flow needs to be SRTP (RFC 4568): our key, and the indexes it may use (media/flow.h). */
struct flow_secret {
	struct media_key key; /* its suite is agreed, and not stored here */
	bool used;            /* the engine has it */
	struct {
		uint64_t first; /* index to begin with: nothing below it is used by this process */
		uint64_t limit; /* as in the record */
		uint64_t granted; /* as the engine knows: that record is saved */
	} rtp, rtcp;
};

/* One port of ours, facing one party. */
enum { FLOW_BEEN_AUDIO = 128 };

struct call_flow {
	struct flow_id id;
	uint16_t port; /* RTP */
	uint8_t leg, line, network;
	enum media_kind kind; /* as agreed last: an m-line may change its media (RFC 3264 8.3.3) */
	uint8_t been;         /* media agreed so far: enum offer_lines, and FLOW_BEEN_AUDIO */
	/* payload type of the party's telephone-events; PAYLOAD_NONE: digits by INFO, or tones;
	 * from the SDP */
	uint8_t event_pt;
	bool silent;  /* no media of the party for long, which was no reason to end the call */
	bool open;    /* the engine was told */
	bool closing; /* ... and was told to close it: only its last counters are awaited */
	bool counted_as_video; /* it is video, and agreed; of this process */
	/* codec that its audio is transcoded to: enum media_codec and 1; 0: none; from the SDP */
	uint8_t transcoded_to;
	struct media_overlay overlay; /* the tone that the engine has */
	uint8_t tap;                  /* the recording that the engine copies it for; 0: none */
	bool tap_fork;                /* ... for an external recorder */
	uint8_t tap_live;             /* ... the media stream that it is copied for; 0: none */
	bool echoes;                  /* the engine has it echo its party */
	bool waits;                   /* ... keep its party silent until the music is there */
	bool hushed;                  /* ... mute its party during an announcement */
	bool withholds_digits; /* ... hold back DTMF digits of its party: they may be a code */
	bool detects_dtmf;     /* ... detect DTMF tones in its party's audio */
	bool moves;            /* it came from another call, which the engine does not know yet */
	uint32_t ssrc_out;
	struct addr remote;        /* RTP address the party signalled; follows from the texts */
	struct flow_source source; /* the audio source that the engine has */
	uint64_t source_choice;    /* a hash of what it was chosen from; 0: not known */
	struct flow_member member; /* ... and of it, where that is a room, */
	uint64_t home;             /* the job that has its worker; 0: the call's worker */
	struct flow_resume resume;
	struct flow_secret *secret; /* NULL: it is never SRTP */
	struct flow_dtls *dtls;     /* NULL: its party is no WebRTC endpoint (sig/leg/flow.h) */
};

/* The last orders of a call, by their sender. They are in its record: an order repeated after a
 * lost answer, or after a kill, gets the same answer and is not carried out twice. */

enum { ORDERS_KEPT = 8 };

struct order_kept {
	uint64_t id;     /* of the command: id_order */
	uint32_t number; /* among those of the call, from 1 on: what its answer says */
};

struct orders {
	struct order_kept list[ORDERS_KEPT]; /* the newest is the last */
	uint8_t count;
};

/* Returns NULL if it was never carried out, or long ago. orders NULL: none. */
const struct order_kept *orders_find(const struct orders *orders, uint64_t id);
/* The number that the next one will have. */
uint32_t orders_next(const struct orders *orders);
/* Replaces the oldest one. Creates *orders if missing. Returns NULL without memory. */
const struct order_kept *orders_keep(struct orders **orders, uint64_t id);

struct flow_run;
struct prompts;
struct media_stream;
struct park;
struct transfer;

/* The best of all failed branches, for the final response to A (RFC 3261 16.7 step 6). */
struct refusal_kept {
	uint16_t status; /* as A will get it; 0: none failed yet */
	uint8_t leg;
	enum call_cause cause;
	struct text extra; /* lines for the response */
	/* a trunk's refusal that is the callee's: no other trunk is tried; not part of a record */
	bool of_callee;
};

enum { CALL_FLOWS_MAX = LEGS_MAX * MEDIA_LINES_MAX };

enum { REOFFER_CALLER = 1, REOFFER_CALLEE = 2 };

/* The two legs that are connected, in the roles that the CDR has them in. */
struct bridge {
	uint8_t caller;
	/* LEG_NONE: no branch yet. While several ring: the last one with early media, or the
	 * first */
	uint8_t callee;
	uint8_t offerer; /* the leg that had its SDP offered to the other last */
};

struct recordings;
struct segment;

/* The leg of another call that the party replaces (replace.h). */
struct call_replaces {
	uint64_t call;   /* 0: none */
	uint8_t leg;     /* LEG_NONE: as peer of its caller, who has none */
	bool asked;      /* that call knows; not part of a record */
	uint64_t random; /* of the tag of that leg; 0: unknown; not part of a record */
	uint64_t due_ns; /* a deadline: it is asked */
};

enum { CHARGES_MAX = 16 };

/* A leg outside that is over, and talked. */
struct call_toll {
	struct text user; /* as in leg_toll */
	uint64_t answer_utc_ms, end_utc_ms;
};

/* The party that the call is counted for in quotas (quota_name). */
struct call_payer {
	bool known;   /* false: no payer */
	uint8_t kind; /* enum quota_kind */
	struct text user;
	struct addr source;
};

struct call {
	uint64_t id;
	pool_handle self;
	enum call_state state;
	struct leg **legs; /* NULL where one is gone; those of the bridge never are */
	uint16_t tenant;   /* of all its users (tenant.h) */
	uint8_t leg_count;
	struct bridge bridge;
	struct plan plan;
	struct transfer *transfer;  /* NULL: none is under way (transfer.h) */
	struct park *park;          /* NULL: its party waits in no slot (park.h) */
	struct room_member *member; /* NULL: it is in no room (sig/model/conference.h) */
	uint64_t in_room;           /* the room that its pair was in last, for its CDR; 0: none */
	/* the room that its parties are to join once that is saved; 0: none. Not part of a
	 * record */
	uint64_t joins_room;
	char watched_slot[PARK_SLOT_LEN + 1]; /* the slot shown to watchers; not part of a record */
	/* the local user's watchers were notified that the call waits for this user; not part of a
	 * record */
	struct text waits_for;
	struct call_replaces replaces;
	/* a call that picks its party up (sig/pbx/pick.h); 0: none. Not part of a record */
	uint64_t picker;
	uint8_t reoffer; /* legs of the bridge that are to be re-offered (sig/pbx/join.h), */
	/* but not before this: one of them is to be joined with a leg of another call; 0: off */
	uint64_t meet_ns;
	struct refusal_kept best;
	struct call_flow *flows;
	uint32_t flow_count;
	struct text from, to; /* users */
	bool early_media;     /* of the caller: 183 with SDP is passed on */
	bool video;           /* node-wide policy when the call began: it stays */
	/* the caller's name: for from, or for a caller that goes on to a flow, room or slot */
	struct text display;
	struct text data; /* call.h */
	/* What its cost is for (CALL-34): not secret; it moves with a party into another call. */
	struct text account;
	struct text source; /* call.h; of a call of another shard */
	bool restored;
	bool transcoded;       /* counted as one with transcoded audio */
	bool counted_as_video; /* counted as one that has video */
	bool noted;          /* answered while the store is away: its CDR so far is to be stored */
	uint32_t cseq_gap;   /* of this process (RESUME_CSEQ_GAP); not part of a record */
	struct text unknown; /* of its record: what a later program wrote (base/schema.h) */
	/* why it cannot go on in this process (sig/call/call_end.h); NULL: it can */
	const char *obstacle;
	uint16_t lost; /* legs that no address of ours reaches, a bit each */
	/* legs that could not be told of our new media address: they are when their phones
	 * register */
	uint16_t away;
	uint16_t moved; /* legs that we have at another address than before (sig/leg/flow.h) */
	bool emergency; /* no quota refuses what it needs */
	struct quota_party payer;
	struct call_payer payer_name;
	uint64_t setup_utc_ms, ringing_utc_ms, answer_utc_ms, end_utc_ms;
	enum call_cause cause;
	enum call_ended_by ended_by;
	uint16_t status; /* final one towards A */
	/* the pairs before this one (sig/call/cdr.h): the times above are of this one */
	struct segment *segments;
	uint8_t segment_count;
	struct call_toll *tolls; /* sig/pbx/charge.c */
	uint8_t toll_count;
	struct outbox out;
	struct prompts *prompts; /* NULL: nothing is played or collected (sig/call/prompts.h) */
	struct flow_run *run;    /* NULL: it has gone through no flow (flow_run.h) */
	struct media_stream *media_stream; /* NULL: no stream (sig/pbx/media_stream.h) */
	uint8_t media_stream_last;         /* number of the last one that did */
	struct orders *orders;             /* NULL: none was carried out */
	struct recordings *recordings;     /* NULL: nothing was recorded (recording.h) */
	/* The pair for which the recording policy was evaluated; the same twice: none. For a call
	 * taken over, the talking pair. */
	uint8_t record_asked[2];
	uint8_t shown[2];  /* enum party_state: of its caller and callee, as in the last events, */
	bool shows;        /* ... if any did; not part of a record */
	struct cdr *cdr;   /* while ENDING */
	uint8_t end_tries; /* CALL_END asked for so often; 0: not yet */
	bool end_done;     /* nothing more to wait for: to be freed */
	bool end_saved;    /* ... and the store has its end */
	/* limit of the ring time of all steps of the plan; 0: as settings say */
	uint32_t ring_s;
	/* its application may be silent for so long (sig/pbx/application.c); 0: for ever */
	uint32_t away_s;
	bool abandoned;    /* ... and did; not part of a record, as both of these: */
	uint64_t away_ns;  /* then it has, */
	uint64_t again_ns; /* or is told once more that the call waits */
	uint64_t ring_ns;  /* all deadlines: 0 is off */
	/* the caller is left then (sig/call/call_end.h); cause, ended_by and status say why */
	uint64_t parting_ns;
	uint64_t toll_ns;  /* the time of a leg outside is over; not part of a record */
	uint64_t flows_ns; /* last counters are not waited for any longer */
	uint64_t order_ns; /* an order that met another INVITE is tried again */
	uint8_t order_leg; /* ... for this leg */
	uint64_t save_ns;  /* the answer to a save is overdue, or it failed and is tried again */
	uint64_t later_ns; /* changes without waiters are saved then: a version, or the end */
	/* The earliest deadline of a module at the end of the last step, whether active or not; 0:
	 * unknown. Not part of a record. */
	uint64_t modules_ns;
	struct wheel_timer timer;
};

enum { CALL_RING_MAX_S = 600, CALL_AWAY_MAX_S = 3600 };

/* It was sent on to a slot, which is not the call's yet. */
static inline bool slot_step_asks(const struct call *c)
{
	return c->park && c->park->asks;
}

/* Returns NULL if it does not exist, or is gone. */
static inline struct leg *call_leg(const struct call *c, uint8_t leg)
{
	return leg < c->leg_count ? c->legs[leg] : NULL;
}

void tolls_clear(struct call *c);

/* Its name. */
const char *call_tenant(const struct call_host *h, const struct call *c);

/* The user of a leg's phone unless stated otherwise, as after a redirection. */
static inline struct bytes call_leg_user(const struct call *c, uint8_t leg)
{
	return text_bytes(leg == c->bridge.caller ? &c->from : &c->to);
}

/* Legs of the bridge; the callee's is NULL until the call has one. */
static inline struct leg *call_caller(const struct call *c)
{
	return c->legs[c->bridge.caller];
}
static inline struct leg *call_callee(const struct call *c)
{
	return call_leg(c, c->bridge.callee);
}
/* The call has one party, in the caller's place, that is established with the node alone; either
 * side may have placed the call. */
static inline bool call_is_alone(const struct call *c)
{
	return c->bridge.callee == LEG_NONE && c->answer_utc_ms;
}
static inline bool bridge_has(const struct call *c, uint8_t leg)
{
	return leg == c->bridge.caller || leg == c->bridge.callee;
}

/* Its flag in call.reoffer. */
static inline uint8_t bridge_reoffer_side(const struct call *c, uint8_t leg)
{
	return leg == c->bridge.caller ? REOFFER_CALLER : REOFFER_CALLEE;
}
/* The leg bridged with this one, or that it was invited for; LEG_NONE: none. */
static inline uint8_t bridge_peer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	if (leg == c->bridge.caller)
		return c->bridge.callee;
	if (leg == c->bridge.callee)
		return c->bridge.caller;
	return l && l->uac ? l->uac->from : LEG_NONE;
}
/* `leg` becomes the peer of `from`. */
static inline void bridge_join(struct call *c, uint8_t from, uint8_t leg)
{
	if (from == leg)
		return;
	if (from == c->bridge.caller)
		c->bridge.callee = leg;
	else if (from == c->bridge.callee)
		c->bridge.caller = leg;
}

/* Plain text: no quoted-pair (RFC 3261 25.1), no control character; cut at a UTF-8 character.
 * Returns 0 or -ENOMEM. */
int call_name_set(struct call *c, struct bytes display);

/* Data collected from the party of a call, for its later peers and applications: tags with values,
 * "Case.CaseNumber=1234", joined by ';' (IVR-02, IVR-04), together with the call's account code. It
 * stays with the call, and moves with a party into another call. Not secret: records and events
 * contain it. */

enum { CALL_TAG_MAX = 40 };

/* TAB.FIELD: letters, digits, '_' and '-', and one dot between. */
bool call_tag_is_good(struct bytes tag);
/* Whole, with values that are text without ';'. */
bool call_data_is_good(struct bytes data);
/* Replaces the value of that tag; an empty one deletes it. Returns 0; unchanged with -EINVAL
 * (invalid text), -ENOSPC (no room), -ENOMEM. */
int call_data_set(struct call *c, struct bytes tag, struct bytes value);
/* Empty: it has no such tag. */
struct bytes call_data_get(const struct call *c, struct bytes tag);
/* Of who calls, as a contact of the tenant: tags of a call. */
#define CONTACT_NAME_TAG     "Contact.Name"
#define CONTACT_COMPANY_TAG  "Contact.Company"
#define CONTACT_CATEGORY_TAG "Contact.Category"
/* Adds the data of from; to keeps its own value of a common tag, and its account code. What has no
 * room is dropped. */
void call_data_merge(struct call *to, const struct call *from);
/* The same between shards (docs/adr/0009), as header lines; not accepted from other sides. Without
 * data no line. */
void call_data_write(struct writer *w, const struct call *c);
/* The source of an INVITE to a remote shard, for counting guesses of secrets
 * (sig/call/secret.h). */
enum { CALL_SOURCE_MAX = 96 };
void call_source_write(struct writer *w, struct bytes source);
void call_data_hear(struct call *to, const struct sip_message *m);

struct call_event;

/* Other calls of the shard (sig/host/host.h). */
struct call_service {
	/* The call of that id, to look at until the next step. Returns NULL if not found. */
	const struct call *(*find)(void *owner, uint64_t call);
	/* The tenant's call and leg with that dialog. The tags: ours, and the party's. Returns NULL
	 * if not found. */
	const struct call *(*find_by_dialog)(void *owner, uint16_t tenant, struct bytes call_id,
					     struct bytes local, struct bytes remote, uint8_t *leg);
	/* Runs a step of another call within one of this. Without such a call nothing happens. */
	void (*step)(void *owner, uint64_t call, const struct call_event *ev);
	/* The other calls of a local user. */
	struct user_calls (*others)(void *owner, const struct call *c, struct bytes user);
	/* A call waits for a local user (call waiting). */
	bool (*has_waiting)(void *owner, uint16_t tenant, struct bytes user);
	/* A local user has a call, or one rings at his phones; parked ones do not count. */
	bool (*is_busy)(void *owner, uint16_t tenant, struct bytes user);
	/* A call of this node looks at itself soon, in a step of its own. */
	void (*wake)(void *owner, uint64_t call);
};

#endif
