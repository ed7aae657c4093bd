/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node does with a caller that it has answered by itself: it plays files of the tenant, and collects keys. Steps, each with what
 * follows each outcome; behind the last one the call waits for the next order. They are in the record. A successor plays the file again
 * that was played, from its beginning, and has the keys that were pressed before.
 */
#ifndef SIG_CALL_ACT_H
#define SIG_CALL_ACT_H

#include "media/job.h"
#include "sig/call/hears.h"
#include "sig/model/call.h"

enum {
	ACTS_MAX = 2,
	ACT_FILES_MAX = 4,
	ACT_NAME_MAX = 64,
	ACT_TIMES_MAX = 100,
	ACT_DIGITS_MAX = 16, /* IVR-02 */
	ACT_WAIT_MAX_MS = 600000,
	ACT_DONE = UINT8_MAX, /* next: none */
};

/* In place of a file: the caller hears itself; or the tone of that name (sig/host/tones.def) of the node's country. They have no end, but
 * where keys are asked for: the first one is waited for as long as in silence. */
#define ACT_ECHO      "echo"
#define ACT_LATE_ECHO "echo-" /* and how many ms later */
#define ACT_TONE      "tone-"

enum act_kind { ACT_PLAY, ACT_COLLECT };
enum act_outcome {
	ACT_ENDED,   /* all was played; or as many keys as there may be */
	ACT_KEY,     /* a key was pressed while it played; or the one that ends the keys */
	ACT_TIMEOUT, /* no (further) key came */
	ACT_FAILED,  /* it cannot be played */
	ACT_STOPPED, /* by order */
	ACT_HANGUP,
	ACT_OUTCOMES,
};

struct act {
	uint8_t kind;               /* enum act_kind */
	uint8_t next[ACT_OUTCOMES]; /* step; ACT_DONE */
};

/* What is to be played, and how keys are collected. */
struct act_terms {
	char files[ACT_FILES_MAX][ACT_NAME_MAX + 1];
	uint8_t file_count;
	uint8_t times;      /* of all files; 0: without end */
	bool interruptible; /* a key ends it */
	uint8_t min, max;   /* keys; max 0: none are collected */
	uint32_t first_ms, inter_ms;
	char ends[ACT_DIGITS_MAX + 1]; /* keys that end them */
};

struct acts {
	struct act_terms terms;
	struct act list[ACTS_MAX];
	uint8_t count, at;
	uint8_t file, time; /* that plays */
	uint32_t order;     /* number */
	uint64_t until_ns;  /* the next key is waited for; 0: none is */
	char digits[ACT_DIGITS_MAX + 1];
	uint8_t digit_count;
	/* of this process */
	uint64_t serial;                   /* of what was asked to be played; 0: nothing is */
	enum hears hears;                  /* HEARS_PEER: nothing is played */
	struct job_id track[MEDIA_CODECS]; /* that plays; generation 0: not yet */
};

void acts_clear(struct acts **acts);
/* By order, in place of what was under way; terms without a file and without keys: that ends. 0, -EISCONN (the caller is not alone with
 * the node), -EACCES (its keys are for an application alone, and it has none), -ENOMEM. */
int acts_begin(struct call_host *h, struct call *c, const struct act_terms *terms,
	       uint32_t order) NODISCARD;
/* The caller pressed a key. */
void acts_key(struct call_host *h, struct call *c, char key);
/* News of what was asked to be played. */
void acts_told(struct call_host *h, struct call *c, const struct act_news *news);
/* No key came in time. */
void acts_overdue(struct call_host *h, struct call *c);
/* Nothing is played or collected any more: somebody else takes the caller. */
void acts_stop(struct call_host *h, struct call *c);
/* The call ends. */
void acts_over(struct call_host *h, struct call *c);
/* In the next process. */
void acts_resume(struct call_host *h, struct call *c);
/* What the caller hears of it; HEARS_PEER: nothing. */
enum hears acts_hears(const struct call *c);
/* By codec, where that is HEARS_PLAY. */
const struct job_id *acts_track(const struct call *c);

#endif
