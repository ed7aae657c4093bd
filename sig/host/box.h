/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes and their messages, as calls and subscriptions ask for them (docs/adr/0123). A message is a recording with a mailbox: its id is
 * CALL-NUMBER. Its row in Redis has its state. All nodes see the same. Pure.
 */
#ifndef SIG_HOST_BOX_H
#define SIG_HOST_BOX_H

#include "base/bytes.h"

enum {
	BOX_NAME_MAX = 63,
	MESSAGE_ID_MAX = 16,
	BOX_PAGE = 100,          /* messages of one answer */
	BOX_DEPOSIT_MS = 5000,   /* so long a caller waits for "saved" */
	BOX_UNDELETE_S = 604800, /* 7 days */
};

/* By their number, words of the API. DRAFT: its caller has not done with it: in no count. */
enum message_state { MESSAGE_DRAFT, MESSAGE_NEW, MESSAGE_OLD, MESSAGE_DELETED, MESSAGE_STATES };
extern const char *const g_message_states[]; /* ends with NULL */

/* As RFC 3842 counts: fresh and old have the urgent ones, too. Sizes of sets: never stored. */
struct box_counts {
	uint64_t version; /* of the box: a higher one is newer; 0: nothing was ever in it */
	uint32_t fresh, old, urgent_fresh, urgent_old, deleted;
};

enum box_act {
	BOX_LOOK,    /* counts alone */
	BOX_LIST,    /* messages of one state, urgent or not, and counts */
	BOX_SET,     /* of one message. OK: it is safe, and "saved" may be said */
	BOX_DROP,    /* the message was never said: a draft that its caller says again */
	BOX_RESTORE, /* SET: of one that was deleted: it is what it was before */
	BOX_SEND,    /* a draft is a message from now on; no other one changes. OK as of SET */
};

/* What of a message is to be changed: each on its own. */
enum { BOX_STATE = 1, BOX_URGENT = 2, BOX_PRIVATE = 4, BOX_MAIL = 8 /* its mail is sent again */ };

struct box_order {
	enum box_act act;
	char id[MESSAGE_ID_MAX +
		1];               /* LIST: the last one of the page before, or ""; LOOK: unused */
	enum message_state state; /* LIST, SET */
	bool urgent;              /* LIST, SET */
	bool is_private;          /* SET */
	bool newest_first;        /* LIST */
	bool ranked;              /* LIST: urgent ones and others, those first */
	unsigned what;            /* SET: BOX_STATE and others */
	/* SET: that of the message as it was read; 0: whatever it is by now */
	uint64_t version;
	/* SET, DROP, SEND: so long the message is awaited that has just been recorded; 0: it is there, or not */
	uint32_t wait_ms;
	bool lasting; /* retried as long as the store is away: the call has ended, and nobody else retries it */
	/* SEND: the part of it that must be there, so that all of it is safe; 0: any */
	uint16_t segment;
};

/* What calls are told of a message. */
struct box_message {
	char id[MESSAGE_ID_MAX + 1];
	char from[64]; /* who left it */
	uint64_t begun_utc_ms, version;
	uint32_t ms;
	enum message_state state;
	bool urgent, is_private;
};

/* NONE: there is no such message. CONFLICT: somebody else changed it meanwhile. UNKNOWN: the store did not say: nothing is known, of counts
 * neither. */
enum box_result { BOX_OK, BOX_NONE, BOX_CONFLICT, BOX_UNKNOWN };

#endif
