/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signalling core asks for. A step appends; the owner (app, or the simulator) carries them out in order and clears the list.
 * Everything that must wait for a save waits inside the core: an effect in the list may be carried out at once.
 */
#ifndef SIG_HOST_EFFECT_H
#define SIG_HOST_EFFECT_H

#include "base/text.h"
#include "media/flow.h"
#include "sig/host/cdr.h"
#include "sig/host/security.h"
#include "sig/lookup/lookup.h"
#include "sig/sip/message.h"

enum { APPLICATION_NAME_MAX = 33, APPLICATION_WAIT_S = 60, APPLICATION_WAIT_MAX_S = 600 };

enum effect_kind {
	EFFECT_SEND, /* data to hop */
	EFFECT_CALL_SAVE, /* call, version, data; empty: calls are not saved: answer with shard_call_saved */
	EFFECT_CALL_END, /* call, cdrs: remove the record, append the CDRs; data: add what it has cost (charge.h); answer with shard_call_ended */
	EFFECT_CALL_OPEN, /* call, cdrs: answered while the store is away; nobody waits for this */
	EFFECT_BINDING_SAVE, /* tenant, user, expected, version, data, ttl_ms: answer with locations_saved */
	EFFECT_BINDING_GET, /* tenant, user: answer with locations_got */
	EFFECT_SUBSCRIPTION_SAVE, /* call: its id, version, data; empty: it is over. Answer with shard_subscription_saved */
	EFFECT_MEDIA, /* media: bind on OPEN, then hand to the engine */
	EFFECT_EVENT, /* event: publish */
	EFFECT_TRUST, /* hop: who is there is known, peer: trusted by its address; again and again */
	EFFECT_SECURITY, /* security: log and publish; it is bounded already */
	EFFECT_PLAY, /* call, version: a serial, expected: enum media_codec, tenant, data: a file of that one; answers: shard_play_told */
	EFFECT_SET, /* call, version: a serial, expected: enum feature, data: its number, tenant, user: whose document; answer: shard_set_told */
	EFFECT_PARK, /* call, version: a serial, expected: enum park_act, tenant, user: the slot, data: what lies there; answer: shard_park_told */
	EFFECT_LOOKUP, /* call, version: a serial, want: answer with shard_lookup_told. Nobody does in time: the call waits no longer */
	EFFECT_LOOKUP_STOP, /* call, version: nobody waits for it any more */
	EFFECT_PLAY_STOP,   /* call, version: of what is not to be played any more */
	EFFECT_ORDERED,     /* order: the answer to an order, whose effect is in the store */
};

enum sig_event_kind {
	SIG_CALL_NEW,
	SIG_CALL_RINGING,
	SIG_CALL_ANSWERED,
	SIG_CALL_ENDED,
	SIG_CALL_DIGIT,           /* leg, digit: the party of that leg pressed it */
	SIG_CALL_HELD,            /* leg: that party holds the other, or a command does for it */
	SIG_CALL_RESUMED,         /* leg */
	SIG_CALL_MUTED,           /* leg: nobody hears that party any more, by command */
	SIG_CALL_UNMUTED,         /* leg */
	SIG_CALL_TRANSFERRING,    /* from was given away by whom it spoke with: to rings for it */
	SIG_CALL_TRANSFERRED,     /* from and to speak with each other */
	SIG_CALL_TRANSFER_FAILED, /* nobody answered: from and to are as before */
	SIG_CALL_PLAYED,          /* order, reason */
	SIG_CALL_COLLECTED,       /* order, reason, digits */
	SIG_CALL_WAITING,         /* for the application; again after a restart */
	SIG_CALL_MISSED,          /* it waits for the application no longer */
	SIG_CALL_SPLIT,     /* other: the party goes on alone, and so does the other one there */
	SIG_CALL_PARKED,    /* slot: from waits there */
	SIG_CALL_RETRIEVED, /* slot: it does no longer, somebody speaks with it */
	SIG_CALL_PICKED_UP, /* its caller speaks with who took it from the phones that rang, to */
	SIG_CALL_FORWARDED, /* reason: it goes on to another, to */
	SIG_CALL_EMERGENCY, /* from calls a number for help, to */
	SIG_REGISTERED,
	SIG_UNREGISTERED,
	SIG_SUBSCRIBED,   /* from watches to; call: the id of its subscription; package */
	SIG_UNSUBSCRIBED, /* the same; reason */
	SIG_TRUNK_DOWN,   /* to_trunk: its server to does not answer; of no call */
	SIG_TRUNK_UP,
	SIG_EVENT_KINDS,
};

/* For subscribers; id of an event = object + version. */
struct sig_event {
	enum sig_event_kind kind;
	uint64_t call;
	uint64_t version;
	char tenant[32];
	char application[APPLICATION_NAME_MAX]; /* that has the call, or is asked; "": none */
	char from[64], to[64];                  /* user parts; registered: to */
	char from_trunk[32], to_trunk[32];      /* of the parties; "": a phone */
	uint64_t other;                         /* call */
	uint16_t status;                        /* ended */
	char digit;
	uint8_t leg;
	char slot[9];
	uint32_t order;
	const char *package; /* constant, or NULL */
	const char *reason;  /* constant, or NULL */
	char digits[17];     /* a secret of caller and application */
};

/* What became of an order. */
struct effect_order {
	uint64_t ticket; /* of who waits */
	uint32_t number; /* among the orders of the call */
	bool saved; /* else it is not known: the store did not answer. The same order may be given again */
	uint16_t
		status; /* not 0: it could not be carried out, for a reason that SIP has in this status */
	uint64_t owner; /* 486: the call that has what it is about; 0: not known */
};

struct effect {
	enum effect_kind kind;
	uint64_t call;
	uint64_t version, expected;
	uint64_t ttl_ms;
	struct sip_hop hop;
	bool peer;
	struct effect_order order;
	struct text data;            /* owned */
	struct text tenant, user;    /* owned */
	struct media_command *media; /* owned, malloc'ed: 700 bytes would make every effect big */
	struct cdr *cdrs;            /* owned: one for each pair, the last one at last */
	uint32_t cdr_count;
	struct sig_event *event;         /* owned */
	struct security_event *security; /* owned */
	struct lookup_want *want;        /* owned */
};

struct effects {
	struct effect *list;
	uint32_t count, capacity;
};

/* A zeroed effect at the end of the list, or NULL (out of memory). */
struct effect *effects_add(struct effects *e, enum effect_kind kind);
/* EFFECT_CALL_END or EFFECT_CALL_OPEN with CDRs that have the call's id alone. NULL: no memory. */
struct effect *effects_add_cdrs(struct effects *e, enum effect_kind kind, uint64_t call,
				uint32_t count);
/* A command for the engine about a flow of the call, without descriptors; the rest of it is for the caller. NULL: out of memory, and
 * nothing is asked for. */
struct media_command *effects_media(struct effects *e, uint64_t call, enum media_command_kind kind,
				    struct flow_id id);
/* EFFECT_LOOKUP, as far as it is known. NULL: out of memory, and nothing is asked for. */
struct effect *effects_lookup(struct effects *e, uint64_t call, const struct lookup_want *want);
void effects_clear(struct effects *e); /* frees what they own, keeps the list's memory */
void effects_keep(struct effects *e, enum effect_kind kind); /* clears all others */
void effects_close(struct effects *e);

#endif
