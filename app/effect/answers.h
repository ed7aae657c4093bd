/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the world to effects, queued until the shard may be called: an answer may come while
 * an effect is carried out, and no call of the shard is entered from within another. Control
 * thread.
 */
#ifndef APP_EFFECT_ANSWERS_H
#define APP_EFFECT_ANSWERS_H

#include "base/bytes.h"
#include "cluster/store/store.h"
#include "sig/host/effect.h"
#include "sig/shard/shard.h"

enum answer_kind {
	ANSWER_CALL_SAVED,
	ANSWER_CALL_ENDED,
	ANSWER_SUBSCRIPTION_SAVED, /* call: its id */
	ANSWER_BINDING_SAVED,
	ANSWER_BINDING_GOT, /* record */
	ANSWER_MEDIA_FAILED,
	ANSWER_SEND_FAILED,
	ANSWER_CONNECTION_CLOSED,
	ANSWER_CERTIFICATE, /* of hop: a connection was refused for it */
	ANSWER_DEGRADED,    /* ok: healthy again */
	/* reply; of ASK_PARK, ASK_KV: shard, record: value; of ASK_HELPER: record: result;
	 * of ASK_CONTACT: record: value */
	ANSWER_REPLY,
	ANSWER_OBJECT_SAVED, /* call: an object, version, ok */
	ANSWER_ROOM,         /* the same; version: the serial, ok: job */
	/* shard, call, version: a conference, owner: the dialog, user, tenant:
	 * shard_conference_give */
	ANSWER_CONFERENCE,
};

struct answer {
	enum answer_kind kind;
	bool ok;
	bool late; /* DEGRADED, ok: the store was late only, and lost nothing */
	enum location_result binding;
	int error;
	const char *detail; /* CERTIFICATE: a constant word */
	uint16_t shard;     /* the asking shard; 0: the call's, or unknown */
	uint64_t call, version;
	struct text tenant, user, record; /* owned */
	struct flow_id flow;
	struct job_id job;
	struct reply reply;
	uint64_t owner; /* ANSWER_CONFERENCE: the dialog */
	struct sip_hop hop;
};

struct answers {
	struct answer *list;
	uint32_t count, capacity;
};

/* Takes over the texts of *a. Out of memory: it is lost and logged; the shard's timers decide. */
void answers_add(struct answers *q, struct answer *a);
/* ANSWER_REPLY. */
void answers_reply(struct answers *q, const struct reply *reply);
/* Hands all to feed in order, also those added meanwhile. False when there were none. */
typedef void answers_feed_fn(const struct answer *a, void *arg);
bool answers_feed(struct answers *q, answers_feed_fn *feed, void *arg);
void answers_close(struct answers *q);

/* Parking slots: questions of a shard, and answers of the store. Control thread. */

/* EFFECT_PARK of that shard; its answer is a reply. */
void parks_carry(struct store_shared *store, struct answers *answers, uint16_t shard,
		 const struct effect *e);

/* EFFECT_KV, likewise. */
void kept_carry(struct store_shared *store, struct answers *answers, uint16_t shard,
		const struct effect *e);

#endif
