/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row for each conversation, made of its legs, and the lists that it is in. The one place that
 * says what is missed, what became of a conversation, and how long it was: phones, pages, mails and
 * the API have it from here. Pure.
 */
#ifndef APP_ARCHIVE_ARCHIVE_CONVERSATION_H
#define APP_ARCHIVE_ARCHIVE_CONVERSATION_H

#include "app/archive/archive_entry.h"

/* Stored: append only. As a user sees it, outgoing is what he called himself. */
enum archive_direction { ARCHIVE_INTERNAL, ARCHIVE_INCOMING, ARCHIVE_OUTGOING };

/* X(id, word); stored: append only */
#define ARCHIVE_RESULTS(X)                                             \
	X(ANSWERED, "answered")   /* by somebody */                    \
	X(MESSAGE, "message")     /* nobody; the caller left one */    \
	X(NO_ANSWER, "no_answer") /* who was called did not take it */ \
	X(BUSY, "busy")                                                \
	X(CANCELLED, "cancelled") /* the caller gave up */             \
	X(HANDLED, "handled")     /* by a flow or an application */    \
	X(FAILED, "failed")

enum archive_result {
#define X(id, word) ARCHIVE_##id,
	ARCHIVE_RESULTS(X)
#undef X
		ARCHIVE_RESULT_COUNT
};

/* Flags of a conversation, and of it in a list; hidden: who has the list took it out. */
enum { ARCHIVE_MISSED = 1, ARCHIVE_RECORDED = 2, ARCHIVE_HAS_MESSAGE = 4, ARCHIVE_HIDDEN = 8 };

enum {
	ARCHIVE_OWNER_MAX = 66,
	ARCHIVE_OWNERS_MAX = 48, /* lists that it is in; of more the first ones */
	ARCHIVE_OWNERS_TEXT = ARCHIVE_OWNERS_MAX * ARCHIVE_OWNER_MAX,
	ARCHIVE_WORDS_MAX = 1024,
	ARCHIVE_RECORDINGS_MAX = 2048,
};

struct archive_listed {
	struct bytes owner; /* a letter and its name (archive_schema.sql); empty: the tenant */
	enum archive_direction direction;
	uint32_t flags;
};

/* Texts are those of the legs, or its own. Points into itself: do not move. */
struct archive_conversation {
	uint64_t call;
	int64_t month, legs, mos;
	enum archive_direction direction;
	enum archive_result result;
	uint32_t flags;
	int64_t began_ms, answered_ms, ended_ms, talk_ms;
	struct bytes tenant, from_number, from_name, to_number, answered_by, grp, dnis, account,
		flow, path, recordings, message, cause, owners, words;
	struct archive_listed lists[ARCHIVE_OWNERS_MAX];
	size_t list_count;
	struct writer owners_w, words_w, recordings_w;
	char owners_text[ARCHIVE_OWNERS_TEXT], words_text[ARCHIVE_WORDS_MAX],
		recordings_text[ARCHIVE_RECORDINGS_MAX];
};

/* legs: all of the call, by number; at least one, ARCHIVE_LEGS_MAX at most. */
void archive_conversation_make(struct archive_conversation *out, const struct archive_leg *legs,
			       size_t count);
const char *archive_result_word(enum archive_result result);

#endif
