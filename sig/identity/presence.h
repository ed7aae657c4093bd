/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of a user (RFC 3856): what was stated, by which source and until when; the view derived
 * from that and from all else known of the user; and both as documents (PIDF, RFC 3863, with RPID,
 * RFC 4480). Pure. */
#ifndef SIG_IDENTITY_PRESENCE_H
#define SIG_IDENTITY_PRESENCE_H

#include "base/bytes.h"

enum {
	PRESENCE_MAX = 32,        /* a state, with its NUL */
	PRESENCE_NOTE_MAX = 128,  /* likewise */
	PRESENCE_PHONES_MAX = 4,  /* publications of a user */
	PRESENCE_BODY_MAX = 8192, /* of a PUBLISH */
};

#define PRESENCE_USUAL   "available" /* the default */
#define PRESENCE_MEETING "in_a_meeting"

enum presence_source {
	PRESENCE_BY_COMMAND,
	PRESENCE_BY_PAGE,
	PRESENCE_BY_CODE,
	PRESENCE_BY_CALENDAR,
	PRESENCE_BY_PHONE,
	PRESENCE_SOURCES
};

/* The state set by one source. */
struct presence_word {
	char state[PRESENCE_MAX]; /* "": nothing */
	char note[PRESENCE_NOTE_MAX];
	uint64_t set_utc_ms;   /* 0: a phone that has only come: any other word is newer */
	uint64_t until_utc_ms; /* 0: it lasts */
	uint64_t etag;         /* of a publication */
	uint8_t by;            /* enum presence_source */
};

enum {
	PRESENCE_MANUAL,
	PRESENCE_LASTING, /* by hand before that one, which ends */
	PRESENCE_CALENDAR,
	PRESENCE_PHONES,
	PRESENCE_WORDS = PRESENCE_PHONES + PRESENCE_PHONES_MAX
};
struct presence {
	struct presence_word words[PRESENCE_WORDS];
};

/* Letters, digits, '.', '_' and '-', no '.' first: of any length. */
bool presence_name_fits(struct bytes text);
/* NULL, or what is wrong. */
const char *presence_wrong(const char *state);
/* Whether that state may be set: one of the seven, or of that list; without a list any word except
 * the automatic ones. */
bool presence_may_say(struct bytes list, struct bytes state);
const char *presence_list_wrong(struct bytes list);
/* The newest valid word, except the calendar's; NULL if none. */
const struct presence_word *presence_current(const struct presence *p, uint64_t utc_ms);
/* When the next word ends; UINT64_MAX: none does. */
uint64_t presence_next_utc_ms(const struct presence *p, uint64_t utc_ms);
/* Words that have ended go. True: there was one. */
bool presence_expire(struct presence *p, uint64_t utc_ms);
/* By hand, or by the calendar. */
void presence_say(struct presence *p, const struct presence_word *word);
/* A publication (RFC 3903 6): word with its new etag and expiry, without a state if only those are
 * new. if_match: the previous etag, 0: an initial one. One too many replaces the one that expires
 * first. A repetition changes nothing. Returns 0, or -ENOENT: 412. */
int presence_publish(struct presence *p, uint64_t if_match, const struct presence_word *word,
		     uint64_t utc_ms) NODISCARD;
/* A word of a document, as text. 0 or -EBADMSG. */
void presence_word_write(struct writer *w, const struct presence *p, unsigned at);
int presence_word_read(struct presence *p, struct bytes text) NODISCARD;

/* ---- what is shown ---- */

/* What else is known of the user. */
enum presence_fact {
	PRESENCE_OFFLINE = 1, /* no phone is registered */
	PRESENCE_CONFERENCE = 2,
	PRESENCE_CALL = 4,
	PRESENCE_DO_NOT_DISTURB = 8,
};

struct presence_view {
	const char *state;
	const char *note;
	uint64_t until_utc_ms; /* of that state; 0: unknown */
	bool open; /* open to calls: for RFC 3863, and for phones that offer a call or chat */
};

/* p: NULL: nothing is set. Slices of *p. */
void presence_show(const struct presence *p, unsigned facts, uint64_t utc_ms,
		   struct presence_view *out);

/* ---- documents ---- */

/* From <tuple> to </presence>. */
void presence_write_pidf(struct writer *w, const struct presence_view *v);
/* The state and note of a document that a phone publishes. 0 or -EBADMSG. */
int presence_read_pidf(struct presence_word *out, struct bytes pidf) NODISCARD;

#endif
