/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lamps of phones: subscriptions to the dialogs of an extension (RFC 6665, 4235), as the phone has them, and what must hold of them:
 *  - the 200 to a SUBSCRIBE leaves after the store has the record that explains it, unless the store was away or did not answer;
 *  - numbers of NOTIFYs and of their documents grow, also over kills, and a document says all unless it is the next one;
 *  - no subscription is lost, none is there twice; and what is over is in no node and no store;
 *  - when nobody talks any more no lamp is lit.
 */
#ifndef TESTS_SIM_LAMP_H
#define TESTS_SIM_LAMP_H

#include "sig/host/effect.h"
#include "tests/sim/phone_call.h"

struct node_shard;
struct store_command;

enum { BLF_KEYS_MAX = 32, LAMP_DIALOGS = 16 };

/* What its phone does with it. */
enum lamp_manner {
	LAMP_KEEPS,       /* refreshed at half of its time, and subscribed again when it is lost */
	LAMP_RUNS_OUT,    /* no refresh */
	LAMP_FETCHES,     /* asks once */
	BLF_WATCH_LEAVES, /* it was ended by its phone */
};

struct lamp_dialog {
	char id[16];
	bool over, confirmed;
};

struct blf_watch {
	struct phone_call dialog; /* no call: what its messages are written with */
	uint32_t index, extension;
	enum lamp_manner manner;
	enum { BLF_WATCH_ASKED, BLF_WATCH_ON, LAMP_OVER } state;
	uint32_t expires_s, auth_tries;
	uint64_t until_ns, serial;
	uint64_t id;      /* of the node's subscription; 0: not known yet */
	uint32_t heard;   /* CSeq of the newest NOTIFY; 0: none */
	uint32_t version; /* of the newest document */
	char reason[16];  /* why it is over; "": nobody said */
	struct lamp_dialog dialogs[LAMP_DIALOGS];
	uint32_t dialog_count;
	bool list;    /* it is one of a list that came along (RFC 5367): every second one is */
	bool left;    /* it has heard 200 to that: the last word alone may come */
	bool excused; /* the node may have it on: its phone was away, or had no answer */
	bool silent; /* its phone has forgotten it, and no NOTIFY has come that it would say so to */
};

/* Its saves, as calls have them in struct seen. */
struct lamp_seen {
	uint64_t id, asked, stored;
	bool ended, excused, took; /* took: a kill came since, which took what no record knows */
};

struct blf_keys {
	struct blf_watch *list[BLF_KEYS_MAX];
	uint32_t count;
	struct lamp_seen seen[4 * BLF_KEYS_MAX];
	uint32_t seen_count;
};

/* ---- lamp.c: what its phone does ---- */
/* NULL: there are too many. */
struct blf_watch *blf_watch_begin(struct sim *s, struct phone *p, uint32_t extension,
				  uint32_t expires_s, enum lamp_manner manner);
void lamp_end(struct sim *s, struct blf_watch *l);
void lamp_refresh(struct sim *s, struct blf_watch *l);
/* The newest of a phone that is not over; NULL: none. */
struct blf_watch *lamp_of(struct sim *s, const struct phone *p);
/* By its Call-ID; NULL: no lamp's. */
struct blf_watch *lamp_find(const struct sim *s, struct bytes call_id);
/* m: NULL: there was no answer. */
void lamp_answered(struct sim *s, struct blf_watch *l, const struct sip_message *m);
/* The phone knows nothing of it any more. */
void lamp_forget(struct blf_watch *l);
void lamps_vanish(struct sim *s, const struct phone *p);
/* Its connection is with another node: those of before cannot tell it anything. */
void lamps_go(struct sim *s, const struct phone *p);
void lamps_close(struct sim *s);

/* ---- lamp_told.c ---- */
/* The status that it gets. */
uint16_t blf_watch_told(struct sim *s, struct blf_watch *l, const struct sip_message *m);
bool lamp_is_lit(const struct blf_watch *l); /* somebody talks */
bool lamp_is_dark(const struct blf_watch *l);

/* ---- check_lamp.c ---- */
void check_lamp_save(struct sim *s, const struct node_shard *shard, const struct effect *e);
void check_lamp_saved(struct sim *s, const struct store_command *c, bool ok);
/* version: 0: it is not there. */
void check_lamp_stored(struct sim *s, uint64_t id, uint64_t version);
void check_lamp_forgotten(struct sim *s, uint64_t id, uint64_t version);
/* A response to a SUBSCRIBE leaves. */
void check_lamp_answer(struct sim *s, const struct sip_message *m);
/* A NOTIFY leaves: numbers are no promise while the store is away. */
void check_lamp_notify(struct sim *s, const struct sip_message *m);
/* The store was away and a kill took what no record knows. */
bool check_lamp_took(const struct sim *s, uint64_t id);
/* Those of a shard: it is dead. */
void check_lamps_crashed(struct sim *s, uint16_t shard);
/* The node says that there is none. */
void check_lamp_lost(struct sim *s, struct blf_watch *l);
void check_lamps_end(struct sim *s);

#endif
