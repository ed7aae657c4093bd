/* SPDX-License-Identifier: Apache-2.0 */
/* What can happen to a call, and what it is told to do. */
#ifndef SIG_MODEL_EVENT_H
#define SIG_MODEL_EVENT_H

#include "sig/model/call.h"

struct call_order;
struct call_join;
struct call_split;
struct call_replacing;

enum call_event_kind {
	CALL_EV_REQUEST,     /* in a dialog: message, slot (NULL for ACK) */
	CALL_EV_REFER,       /* outside of a dialog, about that of the leg: message, slot */
	CALL_EV_CANCEL,      /* of the INVITE of that leg; already answered */
	CALL_EV_PROVISIONAL, /* to a request of ours: message, user, txn */
	CALL_EV_SUCCESS,
	CALL_EV_FAILURE,
	CALL_EV_TIMEOUT, /* of a request of ours: user, txn; failed: it could not be sent */
	CALL_EV_STRAY, /* a 2xx to an INVITE whose transaction is gone: message. So far each is of a leg */
	CALL_EV_TIMER,
	CALL_EV_SAVED,         /* version, ok */
	CALL_EV_ENDED,         /* ok */
	CALL_EV_MEDIA,         /* media */
	CALL_EV_MEDIA_FAILED,  /* flow */
	CALL_EV_HANGUP,        /* by the operator: order, or NULL */
	CALL_EV_PLAY,          /* play */
	CALL_EV_MEDIA_STREAM,  /* listen */
	CALL_EV_SET,           /* set */
	CALL_EV_PARK,          /* park */
	CALL_EV_LOOKUP,        /* lookup */
	CALL_EV_RECORD_FAILED, /* version: number of the recording; error: -errno */
	CALL_EV_RECORDED,      /* recorded: of a message */
	CALL_EV_USER_KNOWN,    /* version: what call_host.user_ask returned */
	CALL_EV_ORDER,         /* order */
	CALL_EV_RELEASE,       /* the store is away: nothing waits any longer */
	CALL_EV_ASSERT,        /* the store is back: save again */
	CALL_EV_RESUME,        /* after a restart */
	CALL_EV_JOIN,          /* leg, join: it goes to another call */
	CALL_EV_REPLACE,       /* leg, replacing: another call has who takes its place */
	CALL_EV_PICK,          /* version: the id of another call, which is to take its party */
	CALL_EV_YIELD, /* somebody takes its party from its slot: nobody is rung for it any more */
	CALL_EV_FOCUS, /* what became of who its party asked the focus for. version: CSeq of its REFER; error: SIP status */
	CALL_EV_MEET, /* leg, meeting: it is to be joined with a leg of another call; meeting NULL: it is not any more */
};

struct call_event {
	enum call_event_kind kind;
	uint8_t leg;
	bool ok, failed;
	bool again; /* SUCCESS: its transaction has had one before */
	bool transferred; /* HANGUP: not by the operator; whom it rings is rung for another of its calls */
	enum txn_user user;
	pool_handle txn;
	struct txn_slot *slot;
	const struct sip_message *message;
	uint64_t version;
	const struct media_event *media;
	struct flow_id flow;
	int error;
	struct call_order *order;
	struct call_join *join;
	struct call_replacing *replacing;
	struct call_meeting *meeting;
	const struct prompt_news *play;
	const struct record_news *recorded;
	const struct media_stream_news *media_stream;
	const struct set_news *set;
	const struct park_news *park;
	const struct lookup_news *lookup;
};

#endif
