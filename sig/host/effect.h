/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the signalling core to its owner. A step appends effects; the owner (app, or the
 * simulator) carries them out in order and clears the list. What must wait for a save waits inside
 * the core: an effect in the list may be carried out at once. */
#ifndef SIG_HOST_EFFECT_H
#define SIG_HOST_EFFECT_H

#include "base/bytes.h"
#include "media/flow.h"
#include "media/fork.h"
#include "media/job.h"
#include "sig/host/box.h"
#include "sig/host/cdr.h"
#include "sig/host/event.h"
#include "sig/host/security.h"
#include "sig/lookup/lookup.h"
#include "sig/sip/message.h"

enum { APPLICATION_NAME_MAX = 33, APPLICATION_WAIT_S = 60, APPLICATION_WAIT_MAX_S = 600 };

/* Small values stored for extensions, for all nodes (td:{kept:TENANT:USER}:NAME): id, name. TURN is
 * of a list of a flow: the number that rang first last time. SPOKE: when the user last talked with
 * a caller from a flow, ms of UTC. ACCOUNTS is of a device, by its instance: the extensions that it
 * is registered for. AGENT: the call that has him, or had him last. */
#define KV_VALUES(X)                  \
	X(LAST_CALLER, "last_caller") \
	X(TURN, "turn") X(SPOKE, "spoke") X(ACCOUNTS, "accounts") X(AGENT, "agent")
enum kept {
#define X(id, name) KV_##id,
	KV_VALUES(X)
#undef X
		KV_COUNT
};
enum { KV_VALUE_MAX = 256 };

enum { HELP_URL_MAX = 128 };

/* What the node has a helper process for. */
enum help {
	HELPER_HTTP,    /* a web server of the tenant is asked */
	HELPER_LINK,    /* the WebSocket of a call to its application is opened again; no reply */
	HELPER_LEAVE,   /* likewise, and it is over */
	HELPER_COMMAND, /* a command of the tenant: {command, args}; done by the node itself */
	HELPS,
};

/* What the core asks of its owner. A kind has a row in effect_rows, and a struct for what it asks,
 * named behind it. */
enum effect_kind {
	EFFECT_SEND,              /* request_send */
	EFFECT_CALL_SAVE,         /* request_save; answer: shard_call_saved */
	EFFECT_CALL_END,          /* request_call_end; answer: shard_call_ended */
	EFFECT_CALL_OPEN,         /* request_cdrs: answered while the store is away; no answer */
	EFFECT_BINDING_SAVE,      /* request_binding_save; answer: locations_saved */
	EFFECT_BINDING_GET,       /* request_binding_get; answer: locations_got */
	EFFECT_SUBSCRIPTION_SAVE, /* request_save; answer: shard_subscription_saved */
	EFFECT_MEDIA,             /* request_media: bind on OPEN, then hand to the engine */
	EFFECT_EVENT,             /* struct sig_event: publish */
	EFFECT_TRUST,             /* request_trust: a known peer; repeated */
	EFFECT_SECURITY,          /* struct security_event: log and publish; bounded already */
	EFFECT_PLAY,              /* request_play; answers: replies */
	EFFECT_SET,               /* request_set, of a call or subscription; answer: a reply */
	EFFECT_PARK,              /* request_park, of a call or room; answer: a reply */
	EFFECT_KV,                /* request_kv; answer: a reply if there is a serial */
	EFFECT_PROGRAM,           /* request_program; answer: a reply */
	EFFECT_HELPER,            /* request_helper; answer: a reply */
	EFFECT_LOOKUP,            /* struct lookup_want; answer: a reply. It may come too late */
	EFFECT_LOOKUP_STOP,       /* cancels it */
	EFFECT_PLAY_STOP,         /* ends an EFFECT_PLAY, ROOM_PLAY or ROOM_TAP */
	EFFECT_PLAY_DIGIT,        /* request_play_digit */
	EFFECT_MEDIA_STREAM,      /* request_media_stream; answers: replies */
	EFFECT_MEDIA_STREAM_STOP, /* request_media_stream_stop */
	EFFECT_ORDERED,           /* request_ordered: the answer to an order, in the store now */
	EFFECT_FORK,              /* request_fork. On failure: a reply */
	EFFECT_OBJECT_SAVE,       /* request_object_save; answer: shard_object_saved */
	/* struct media_room: a job that mixes the room; answer: shard_on_room. It may fail later */
	EFFECT_ROOM_OPEN,
	EFFECT_ROOM_CLOSE, /* it mixes no more */
	EFFECT_ROOM_PLAY,  /* request_room_play; answers as of EFFECT_PLAY */
	EFFECT_ROOM_TAP,   /* request_room_tap; answers as of EFFECT_PLAY */
	EFFECT_CONFERENCE, /* request_conference, of a call of a remote shard; repeated */
	EFFECT_RECORD,     /* request_record. On failure: a reply */
	EFFECT_PUBLISH,    /* request_publish, of one of the shard's ids; answer: a reply */
	EFFECT_BOX,        /* request_box; answer: a reply if there is a serial */
	EFFECT_USER,       /* request_user, of a subscription */
	EFFECT_CONTACT,    /* request_contact; answer: a reply */
	EFFECT_WAKE,       /* request_wake, of a call; answer: a reply */
	EFFECT_KINDS,
};

/* ---- messages, records and media ---- */

struct request_send {
	struct text data;
	struct sip_hop hop;
	uint64_t sender; /* the call that sends it, for traces; 0: none */
	const char *why; /* a request is refused for that reason; NULL: not known */
};

struct request_save {
	struct text record; /* empty: calls are not saved, or the subscription or object is over */
	uint64_t version;
};
struct request_object_save {
	struct request_save save;
	uint8_t kind; /* enum object_kind */
};

/* Of EFFECT_CALL_END: the record of the call goes, and its CDRs are appended. */
struct request_cdrs {
	struct cdr *list; /* one for each pair, the last one at last */
	uint32_t count;
};
struct request_call_end {
	struct request_cdrs cdrs;
	struct text toll; /* what it has cost (sig/pbx/charge.h) */
	uint64_t ago_ms;  /* when it ended */
	bool again;       /* unless the previous owner did so */
};

struct request_binding_save {
	struct text tenant, user, record;
	uint64_t expected, version; /* expected: the version before it */
	uint64_t ttl_ms;
};
struct request_binding_get {
	struct text tenant, user;
};

struct request_media {
	struct media_command *command;
};

struct request_trust {
	struct sip_hop hop;
	bool peer; /* trusted by its address */
};

/* ---- answers, recordings and media streams ---- */

/* What became of an order. */
struct request_ordered {
	uint64_t ticket; /* of the waiting order */
	uint32_t number; /* among the orders of the call */
	bool saved; /* else unknown: the store did not answer. The same order may be repeated */
	/* not 0: it could not be carried out, for a reason that SIP has in this status */
	uint16_t status;
	uint64_t owner; /* 486: the call that has what it is about; 0: not known */
};

enum record_act {
	RECORD_START, /* the first segment */
	RECORD_GO_ON, /* a further one, of a process that went on with the call */
	RECORD_PAUSE,
	RECORD_RESUME,
	RECORD_END,
	RECORD_LEAVE,  /* another process continues the call, or none does */
	RECORD_NOTE,   /* data is other than it was */
	RECORD_FORGET, /* of a name: it is not used any more, in a moment */
};

/* A recording of the call, and what becomes of it. */
struct request_record {
	struct text tenant, facts; /* facts: members of a JSON object */
	enum record_act act;
	uint8_t number;
	uint16_t segment;
	uint64_t begun_utc_ms; /* of the recording, as the wall shows it */
	bool message;          /* what the party says, alone; what becomes of it: replies */
	bool name;             /* a message that is the party's name, for a conference alone */
	bool mix;              /* of a conference: what all in it say */
	/* of a message: reported after so long a silence; 0: never */
	uint32_t silence_ms;
};

enum media_stream_sides {
	MEDIA_STREAM_FROM_PARTY = 1,
	MEDIA_STREAM_TO_PARTY = 2,
	MEDIA_STREAM_BOTH = 3
};

/* Opens a media stream of a party to an application. serial: of the call in this process. */
struct request_media_stream {
	struct text tenant, endpoint;
	uint8_t number; /* flow_spec.tap_live */
	uint8_t sides;  /* enum media_stream_sides */
	bool of_callee;
	bool resumed; /* it continues a stream of a process before */
};

/* Slots where calls are parked, shared by all shards. FREE: if it is the call's, without an
 * answer. */
/* ROOM: a room number instead of a slot, and its conference instead of a call
 * (sig/shard/objects.h). */
enum park_act { PARK_CLAIM, PARK_FREE, PARK_LOOK, PARK_ROOM_CLAIM, PARK_ROOM_FREE };

struct request_media_stream_stop {
	struct text why; /* a word */
};

/* What is copied for a recording from now on. */
struct request_fork {
	uint8_t number;
	struct media_fork *fork; /* NULL: nothing. It may contain SRTP keys */
};

/* ---- prompts and rooms ---- */

struct request_play {
	struct text tenant, language;
	struct text file; /* of that tenant */
	enum media_codec codec;
	uint64_t begin_ms; /* where in it */
	bool resumed;      /* a previous process has played it */
	bool spared;       /* a substitute is found for a missing one */
};
struct request_play_digit {
	char digit; /* what was pressed meanwhile, a secret */
};

/* All in the room hear it. */
struct request_room_play {
	struct text tenant, language, file;
	struct job_id job; /* its mixer */
	uint32_t rate_hz;  /* of the mix */
	uint64_t begin_ms;
	bool resumed;
};
/* Copies the mix for the recording of that number. */
struct request_room_tap {
	struct job_id job;
	uint8_t number;
	struct media_room_tone tone;
};
/* The parties of the call's dialog are to join the conference (shard_conference_give). */
struct request_conference {
	struct text tenant, user; /* user: the leaving party */
	uint64_t room;
	uint8_t dialog; /* room_pending.dialog */
};

/* ---- what the node knows and does ---- */

struct request_set {
	struct text tenant, user; /* the document's owner */
	struct text number;
	uint32_t feature; /* enum feature_action */
	uint64_t rings;   /* 0: unchanged */
};
struct request_park {
	struct text tenant;
	struct text slot;  /* or the number of a room */
	struct text entry; /* what lies there */
	enum park_act act;
};
struct request_kv {
	struct text tenant, user, value;
	enum kept what;
	uint64_t ttl_ms; /* of the value; 0: a get. ACCOUNTS, AGENT: 0: it is removed */
	uint32_t most;   /* ACCOUNTS, AGENT: values at most; 0: any number. A claim */
};
/* Loads a flow's program (sig/host/programs.h). */
struct request_program {
	struct text tenant, hash;
};
struct request_helper {
	struct text tenant;
	struct text data; /* the request, a JSON object */
	enum help what;
	uint64_t ttl_ms; /* time limit of its answer */
};
/* serial: a transaction. */
struct request_publish {
	struct text tenant, user; /* the presentity */
	/* previous etag, state, note (sig/feature/presence/presence.c); empty: remove expired ones,
	 * no answer */
	struct text data;
	uint64_t etag, ttl_ms;
};
struct request_box {
	struct text tenant, box;
	struct text by; /* the actor, or empty */
	struct box_order order;
};
/* The contact with that number, in the book of user; user empty: in the tenant's directory. */
struct request_contact {
	struct text tenant, user, number;
};
/* Phones of the user that are not registered are to register. */
struct request_wake {
	struct text tenant, user;
};
struct request_user {
	struct text data; /* JSON (user_watch.c) */
	uint64_t page;    /* that shows it */
	uint32_t number;  /* counts them */
};

/* ---- all of them ---- */

struct effect {
	enum effect_kind kind;
	uint64_t call;   /* who asks: a call, room or subscription; 0: nobody */
	uint64_t serial; /* names the request in answers; 0: it has none */
	void *request; /* the struct of the kind with what it refers to, owned; NULL: it has none */
};

enum { EFFECT_TEXTS_MAX = 3 };
struct effect_row {
	const char *name;
	uint16_t size;  /* of the struct of its kind; 0: it has none */
	uint16_t texts; /* so many texts the struct begins with: of several the tenant is first */
	void (*clear)(void *request); /* frees what else it owns; NULL: nothing */
};
extern const struct effect_row effect_rows[EFFECT_KINDS];

struct effects {
	struct effect *list;
	uint32_t count, capacity;
	uint32_t settled; /* what comes behind those is of a step that has not ended */
};

/* An effect at the end of the list, with a zeroed struct of its kind, or NULL (out of memory). */
struct effect *effects_add(struct effects *e, enum effect_kind kind, uint64_t call,
			   uint64_t serial);
/* Takes the last one back. */
void effects_drop_last(struct effects *e);
/* Adds one with copies of texts, as many as the kind has, in their order; other members are the
 * caller's to fill in. Returns the struct of the kind, or NULL without memory: none was added. */
void *effects_request(struct effects *e, enum effect_kind kind, uint64_t call, uint64_t serial,
		      const struct bytes *texts);
#define EFFECT_TEXTS(...) ((const struct bytes[EFFECT_TEXTS_MAX]){ __VA_ARGS__ })
/* EFFECT_CALL_END or EFFECT_CALL_OPEN with CDRs that have the call's id alone. Returns the struct
 * of the kind, which begins with struct request_cdrs. NULL: no memory. */
void *effects_cdrs(struct effects *e, enum effect_kind kind, uint64_t call, uint32_t count);
/* A command for the engine about a flow of the call, without descriptors; the caller fills in the
 * rest. Returns NULL without memory: nothing was added. */
struct media_command *effects_media(struct effects *e, uint64_t call, enum media_command_kind kind,
				    struct flow_id id);
/* Adds an event to publish and returns it; the caller puts its fields. call 0: of no call. NULL:
 * out of memory, nothing was added. */
struct sig_event *effects_event(struct effects *e, enum sig_event_kind kind, uint64_t call,
				uint64_t version, struct bytes tenant);
/* EFFECT_LOOKUP with *want. False: out of memory, nothing was added. */
bool effects_lookup(struct effects *e, uint64_t call, uint64_t serial,
		    const struct lookup_want *want);
const char *kv_name(enum kept what);
void effects_clear(struct effects *e); /* frees what they own, keeps the list's memory */
/* Removes the effects for which take returns true; the others keep their order. */
typedef bool effects_take_fn(struct effect *e, void *arg);
void effects_sift(struct effects *e, effects_take_fn *take, void *arg);
void effects_close(struct effects *e);

/* What calls are asked by commands, and told of what they asked for. */

enum call_state {
	CALL_SETUP, /* INVITE came, being saved or sent */
	CALL_RINGING,
	CALL_ANSWERING, /* B answered; being saved, or A's ACK is awaited */
	CALL_ESTABLISHED,
	CALL_ENDING, /* BYE or CANCEL under way */
};
const char *call_state_name(enum call_state state);

/* What a party is at, as screens for calls show it. */
#define PARTY_STATES(X)                                                                        \
	X(IDLE, "idle", "in no call yet, or no longer")                                        \
	X(RINGING, "ringing", "its phone rings")                                               \
	X(RINGBACK, "ringback", "it waits while the other phone rings")                        \
	X(CALL_PENDING, "call_pending",                                                        \
	  "it waits for an application, or for a callee with another call")                    \
	X(CONNECT, "connect", "it speaks with the other party")                                \
	X(HOLD, "hold", "on hold, its own or the other party's, or parked")                    \
	X(HOLD_PENDING, "hold_pending", "it is being transferred, or comes into a conference") \
	X(CONFERENCE, "conference", "in a conference")                                         \
	X(AA, "aa", "answered by tandem: an attendant, a flow or an application")              \
	X(PLAY_VM, "play_vm", "it hears a recorded message")                                   \
	X(RECORD, "record", "it says a message that is recorded")                              \
	X(BUSY, "busy", "the callee is busy or not there")                                     \
	X(ERROR, "error", "its call failed otherwise")
enum party_state {
#define X(id, name, help) STATE_##id,
	PARTY_STATES(X)
#undef X
};
const char *party_state_name(enum party_state state);

/* The origin of an order. 0 means that it was carried out, and EFFECT_ORDERED certainly follows
 * when that is saved, perhaps at once. With any other answer nothing was done and nothing follows.
 * NULL: no answer is needed, and the call does not remember the order. */
struct shard_order {
	/* a repeated id is the same order: answered again, without effect. id_order; among a call's
	 * last ORDERS_KEPT */
	uint64_t id;
	uint64_t ticket; /* of the effect */
};
/* One of the two parties of a call, or none named. */
enum shard_leg { SHARD_LEG_NONE, SHARD_LEG_CALLER, SHARD_LEG_CALLEE };

/* Of an EFFECT_PLAY. */
enum prompt_reply_kind {
	PROMPT_REPLY_OPEN,
	PROMPT_REPLY_PLACE,
	PROMPT_REPLY_ENDED,
	PROMPT_REPLY_FAILED
};
enum { PROMPT_PIN_MAX = 64 };
struct prompt_reply {
	enum prompt_reply_kind kind;
	uint64_t serial;
	struct job_id job; /* OPEN */
	enum media_codec codec;
	uint32_t ms;     /* PLACE: of one that may wait for what has not arrived */
	const char *why; /* FAILED: a constant phrase, or NULL */
	char pinned[PROMPT_PIN_MAX +
		    1]; /* OPEN: the hash of what that name means; "": it is no document */
};
/* For EFFECT_RECORD and EFFECT_FORK. FAILED: it does not continue; the others are about a message.
 * QUIET: the permitted silence is over. */
enum record_reply_kind {
	RECORD_REPLY_FAILED,
	RECORD_REPLY_GROWN,
	RECORD_REPLY_QUIET,
	RECORD_REPLY_ENDED
};
struct record_reply {
	enum record_reply_kind kind;
	uint8_t number;
	int error;   /* FAILED: -errno */
	uint32_t ms; /* GROWN, ENDED: how long it is, of this process alone */
};
/* For EFFECT_MEDIA_STREAM. STARTED: the application is connected or reconnected; ENDED: it ended
 * the stream. */
enum media_stream_reply_kind { MEDIA_STREAM_STARTED, MEDIA_STREAM_ENDED, MEDIA_STREAM_FAILED };
struct media_stream_reply {
	enum media_stream_reply_kind kind;
	uint64_t serial;
	const char *reason; /* FAILED: constant */
};
/* For EFFECT_SET. REFUSED: the document would be invalid; FAILED: the save is not confirmed. */
enum set_state { SET_NONE, SET_ASKED, SET_DONE, SET_REFUSED, SET_FAILED, SET_STATES };
struct set_reply {
	enum set_state state;
	uint64_t serial;
};
/* Of an EFFECT_PUBLISH. */
struct publish_reply {
	uint64_t txn;
	uint16_t status; /* 200; 412, 404, 403, 503 */
	uint64_t etag;
	uint32_t expires_s;
};
/* A call that rings, and is to be taken. */
struct pick_reply {
	uint64_t call;    /* 0: none, and: */
	bool may;         /* he may take calls there, were there any: perhaps of another node */
	uint16_t status;  /* the status for the phone */
	const char *text; /* and why; constant */
};

/* The other calls of a user of ours, in all shards. */
struct user_calls {
	bool calls; /* one at least, also one that rings, or that it makes */
	bool talks; /* ... with a peer that its phone does not hold */
	/* ... all of which hear the node alone, or consult a party while another one is held */
	bool soon;
	uint8_t waits; /* calls that wait for it (sig/pbx/call_waiting.h) */
	bool behind;   /* one of those called before */
	bool unsure;   /* another node was not asked yet */
};

/* The parking place: that slot, or if taken the next free one up to last ("": that slot only). */
enum { PARK_PLACE_LEN = 9 };
struct park_place {
	char slot[PARK_PLACE_LEN], last[PARK_PLACE_LEN];
};
/* Which call of a user is meant: a ringing one that the user may pick up, one ringing at his
 * phones, one that he is talking in, or any. */
enum user_call_want { USER_MAY_PICK, USER_RINGS, USER_TALKS, USER_HAS };
/* TAKEN: by another call; FULL: the tenant's limit; EMPTY: no call; UNKNOWN: the store did not
 * answer. */
enum park_result { PARK_OK, PARK_TAKEN, PARK_FULL, PARK_EMPTY, PARK_UNKNOWN };
struct park_reply {
	uint64_t serial;
	enum park_result told;
	uint64_t owner;     /* OK, TAKEN: the call that is there; 0: none */
	struct bytes entry; /* ... and what it has put there */
};
/* For EFFECT_KV. OK: stored, or the stored value; NONE: no value, or no room for an account;
 * UNKNOWN: the store did not answer. Of call 0: for a REGISTER, the serial is its transaction. */
enum kv_result { KV_OK, KV_NONE, KV_UNKNOWN };
struct kv_reply {
	uint64_t serial;
	enum kv_result result;
	struct bytes value;
};
/* Of an EFFECT_PROGRAM. */
struct flow_program_reply {
	uint64_t serial;
	bool found; /* it is in memory; else it does not exist, or the store did not answer */
};
/* Of an EFFECT_HELPER. */
enum helper_result { HELPER_OK, HELPER_FAILED, HELPER_TIMEOUT };
struct helper_reply {
	uint64_t serial;
	enum helper_result result;
	struct bytes value;  /* OK: what came, as JSON; or */
	bool is_program;     /* ... a program, which is in memory, by */
	uint8_t program[32]; /* its hash */
	/* HTTP: the last URL, and its status; 0: none */
	char url[HELP_URL_MAX];
	uint16_t status;
	uint32_t ms;
	const char *reason; /* not OK: a constant word */
};
#define HELPER_CONFLICT "conflict" /* a command does not go with what is there */
/* Of an EFFECT_BOX. */
struct box_reply {
	uint64_t serial;
	enum box_result result;
	struct box_counts counts;   /* nothing, where the result is BOX_UNKNOWN */
	bool full;                  /* it may have no more messages */
	bool found, listed;         /* listed: it answers a LIST */
	struct box_message message; /* found: of LIST the first one, else what it is by now */
};
/* Of an EFFECT_CONTACT. */
struct contact_reply {
	uint64_t serial;
	bool blocked;       /* its calls are not wanted */
	struct bytes value; /* name, company and category, each with a line feed; empty: unknown */
};
/* Of an EFFECT_WAKE. */
struct wake_reply {
	uint64_t serial;
	bool asked; /* one may register soon */
};
/* Of an EFFECT_LOOKUP. Never LOOKUP_REQUEST. */
struct lookup_reply {
	uint64_t serial;
	enum lookup_state state;
	uint32_t count;
	struct lookup_target targets[LOOKUP_TARGETS_MAX]; /* DONE */
};

/* Requests by effects that are answered by one or several replies. A serial in the reply names the
 * request; the receiver checks whether that still waits. */
enum ask {
	ASK_PLAY,
	ASK_MEDIA_STREAM,
	ASK_SET,
	ASK_RECORD,
	ASK_PARK,
	ASK_KV,
	ASK_PROGRAM,
	ASK_HELPER,
	ASK_BOX,
	ASK_LOOKUP,
	ASK_USER,
	ASK_PUBLISH,
	ASK_CONTACT,
	ASK_WAKE,
};
struct reply {
	enum ask ask;
	uint64_t of; /* the requester: a call, a room or a subscription */
	union {
		struct prompt_reply play;
		struct media_stream_reply media_stream;
		struct set_reply set;
		struct publish_reply publish;
		struct record_reply record;
		struct park_reply park;
		struct kv_reply kept;
		struct flow_program_reply program;
		struct helper_reply help;
		struct box_reply box;
		struct contact_reply contact;
		struct wake_reply wake;
		const struct lookup_reply *lookup;
		uint64_t user; /* what location_service.ask_store returned */
	};
};

/* Why a subscription is over (RFC 6665 4.1.3). */
enum subscription_ending {
	ENDING_NOT,
	ENDING_TIMEOUT,     /* also by its watcher */
	ENDING_REJECTED,    /* its watcher may not know any more */
	ENDING_NORESOURCE,  /* there is no such user any more */
	ENDING_DEACTIVATED, /* it is to subscribe again, at once */
	ENDING_PROBATION,   /* the same, later */
	ENDING_GIVEUP,      /* the same, some time */
	ENDINGS,
};

#endif
