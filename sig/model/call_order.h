/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to a call by command. A new one is a kind here, an entry in its module, and one in the
 * table of commands. */
#ifndef SIG_MODEL_CALL_ORDER_H
#define SIG_MODEL_CALL_ORDER_H

#include "base/bytes.h"
#include "sig/host/effect.h"
#include "sig/host/refusal.h"
#include "sig/sip/id.h"

struct prompt_terms;
struct call_conference;
struct media_stream_terms;
struct call_split;

/* What each is refused with: sig/host/refusal.def. Where it is so already it is not. */
enum call_order_kind {
	/* The party of leg holds its peer: that one is offered a=sendonly, and neither hears the
	 * other. Until resumed, or until the party's own offer of sendrecv (CALL-07). */
	ORDER_HOLD,
	/* Where the phone itself holds it is asked to go on (Event: talk). */
	ORDER_RESUME,
	/* on, off. The party of leg is not heard; it is not told. */
	ORDER_MUTE,
	/* digits, duration_ms: to the party of leg, as telephone-events or by INFO. */
	ORDER_DIGITS,
	/* act: shard_call_prompt */
	ORDER_PROMPT,
	/* control, ms: prompts_control (sig/call/prompts.h) */
	ORDER_CONTROL,
	/* leg, media_stream: an application hears that party, replacing the previous one
	 * (sig/pbx/media_stream.h). endpoint "": none. */
	ORDER_MEDIA_STREAM,
	/* The node answers a call that waits for an application. REFUSED_PORTS_FULL: it waits on.
	 * REFUSED_NO_CODEC: the call is refused. Or a ringing phone is asked to answer; to: of that
	 * extension, empty: any. */
	ORDER_ANSWER,
	/* leg, to: its party transfers its peer to the extension, as by REFER from its phone but
	 * without NOTIFYs. No leg: the caller, who has no peer, goes on to it. */
	ORDER_TRANSFER,
	/* to: a call that rings goes on to the extension; as plan_forward_to (sig/call/plan.h). */
	ORDER_DEFLECT,
	/* A call that waits while its extension has another one rings there now. */
	ORDER_ACCEPT,
	/* status, phrase: a call that rings, or waits for an application, is refused. An
	 * established caller hears the reason, and is released; a transferred one returns. */
	ORDER_REJECT,
	/* leg, with, with_leg: shard_call_join; far: shard_call_join_remote */
	ORDER_JOIN,
	/* leg, split: shard_call_split */
	ORDER_SPLIT,
	/* leg, to: its party waits in that slot without peer, and the peer is released; no leg: a
	 * party without peer. EFFECT_ORDERED says later whether it does. */
	ORDER_PARK,
	/* to: as ORDER_DEFLECT, for an extension that picks the call up: ringing phones get
	 * "completed elsewhere" as reason. */
	ORDER_PICK,
	/* member, on, number, in_name_of: of a member of a conference. */
	ORDER_MEMBER,
	/* leg, struct call_conference: the call's parties become members of a room; the leg's moves
	 * to the other call. A party without peer alone. */
	ORDER_CONFERENCE,
	/* leg, record, record_to */
	ORDER_RECORD,
	/* to: the account code; empty: none. It is taken also where the call ends for it. */
	ORDER_ACCOUNT,
	/* seconds, has_seconds: its application is there (sig/pbx/application.c). */
	ORDER_KEEP,
	/* A transfer that waits or rings is called off: the call is as before. */
	ORDER_CANCEL,
	/* program, to: the call runs the program of that hash, which is in memory; to: the name of
	 * its flow, "": none. Its party is established without peer, or waits for an
	 * application. */
	ORDER_RUN,
};

enum { ORDER_PHRASE_MAX = 64 };

/* A party of a call as a remote shard may ask for it (sig/pbx/remote_shard.h). Slices of the
 * call. */
struct call_remote {
	uint16_t shard;
	bool alone;        /* with the node */
	struct bytes user; /* its phone's user */
	/* The dialog of the peer that it leaves, to be replaced; without peer: its own. */
	struct bytes call_id, from_tag;
	char to_tag[ID_TAG_LEN];
	struct bytes member; /* in place of a dialog: a name in a conference there */
};

/* Words of call.record. */
enum order_record { ORDER_RECORD_ON, ORDER_RECORD_PAUSE, ORDER_RECORD_RESUME, ORDER_RECORD_OFF };

/* Words of conference.*, about one member. */
enum order_member {
	MEMBER_MUTE,
	MEMBER_DEAF,
	MEMBER_HOLD,
	MEMBER_GAIN,  /* number: dB */
	MEMBER_COACH, /* number: the coached member; MEMBER_NOBODY: heard by all again */
	MEMBER_DROP,
	MEMBER_HOST, /* it is from now on */
};

/* Where it goes: as the extension has it, else in the order of enum record_to. */
enum order_record_to { ORDER_RECORD_AS_SET, ORDER_RECORD_TO_FILES, ORDER_RECORD_TO_SIPREC };

struct call_order {
	enum call_order_kind kind;
	enum shard_leg leg, with_leg;
	bool on;
	uint8_t record;    /* enum order_record */
	uint8_t record_to; /* enum order_record_to */
	bool by_page;      /* the record page of the leg's extension says so */
	struct bytes digits;
	uint16_t duration_ms;
	struct bytes to;   /* user, or slot */
	struct bytes last; /* slot: or in the first free one up to that; empty: in no other */
	uint16_t status;
	/* at most ORDER_PHRASE_MAX octets without control characters; empty: the usual one */
	struct bytes phrase;
	uint64_t with;                    /* another call */
	const struct call_remote *remote; /* the same of another shard; NULL: with is here */
	const struct prompt_terms *prompt;
	uint8_t control; /* enum prompt_control */
	uint32_t ms;
	/* seconds are given: for ORDER_ANSWER and ORDER_KEEP how long its application may give no
	 * order, */
	bool has_seconds;
	uint32_t seconds; /* of ORDER_TRANSFER how long is rung; 0: for ever, or as settings say */
	const struct media_stream_terms *media_stream;
	const struct call_split *split;
	const uint8_t *program; /* PROGRAM_HASH_LEN octets */
	const struct call_conference *to_conference;
	uint8_t member; /* enum order_member */
	int32_t number;
	/* the rights of this member are checked; MEMBER_NOBODY: the operator's */
	uint16_t in_name_of;
	/* the party in the name of which it is given; empty: nobody. Of ORDER_REJECT: as if his
	 * phones had refused; of ORDER_ACCOUNT: one that he may say. */
	struct bytes user;
	bool known;                   /* to is one of ours: the shard says so */
	const struct shard_order *by; /* the origin that waits for its answer; NULL: none */
	bool of_with;                 /* out: what is refused is about that one */
	bool later;                   /* out: the order is answered when its outcome is known */
	enum refusal refused;         /* out */
};

#endif
