/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes and their messages, as calls and subscriptions request them (docs/adr/0123). A message
 * is a recording with a mailbox: its id is CALL-NUMBER, its row in Redis has its state. All nodes
 * see the same. Pure. */
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
	uint64_t version; /* of the mailbox: a higher one is newer; 0: it was never used */
	uint32_t fresh, old, urgent_fresh, urgent_old, deleted;
};

enum box_act {
	BOX_LOOK,    /* counts alone */
	BOX_LIST,    /* messages of one state, urgent or not, and counts */
	BOX_SET,     /* of one message. OK: it is stored, and "saved" may be announced */
	BOX_DROP,    /* drops a draft that its caller records again */
	BOX_RESTORE, /* SET: of one that was deleted: it is what it was before */
	BOX_SEND,    /* a draft is a message from now on; no other one changes. OK as of SET */
};

/* The fields of a message to change, independent of each other. */
enum { BOX_STATE = 1, BOX_URGENT = 2, BOX_PRIVATE = 4, BOX_MAIL = 8 /* its mail is sent again */ };

struct box_order {
	enum box_act act;
	char id[MESSAGE_ID_MAX + 1]; /* LIST: last of the previous page, or ""; LOOK: unused */
	enum message_state state;    /* LIST, SET */
	bool urgent;                 /* LIST, SET */
	bool is_private;             /* SET */
	bool newest_first;           /* LIST */
	bool ranked;                 /* LIST: urgent ones and others, those first */
	unsigned what;               /* SET: BOX_STATE and others */
	/* SET: that of the message as it was read; 0: whatever it is by now */
	uint64_t version;
	/* SET, DROP, SEND: how long a message just recorded is awaited; 0: not at all */
	uint32_t wait_ms;
	bool lasting; /* retried while the store is away: the call has ended, so it cannot retry */
	/* SEND: the part of it that must be there, so that all of it is safe; 0: any */
	uint16_t segment;
};

/* What calls are told of a message. */
struct box_message {
	char id[MESSAGE_ID_MAX + 1];
	char from[64]; /* the caller that left it */
	uint64_t begun_utc_ms, version;
	uint32_t ms;
	enum message_state state;
	bool urgent, is_private;
};

/* NONE: no such message. CONFLICT: it was changed concurrently. UNKNOWN: the store did not answer:
 * nothing is known, nor are the counts. */
enum box_result { BOX_OK, BOX_NONE, BOX_CONFLICT, BOX_UNKNOWN };

#endif
