/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of Redis streams as rows of the archive. What they say is not trusted: texts are valid
 * UTF-8, cut to their columns; numbers are not negative; ids are in range. Pure, any thread.
 */
#ifndef APP_ARCHIVE_ARCHIVE_ENTRY_H
#define APP_ARCHIVE_ARCHIVE_ENTRY_H

#include <jansson.h>

#include "base/bytes.h"

/* Which entries a stream has: call records of a shard, the audit of a tenant, its events, or the
 * security events of all. Spooled, so append only. */
enum archive_stream {
	ARCHIVE_CDRS,
	ARCHIVE_AUDIT,
	ARCHIVE_AUDIT_CALLS,
	ARCHIVE_EVENTS,
	ARCHIVE_SECURITY,
};

/* Of events; stored, so append only. */
enum archive_kind {
	ARCHIVE_KIND_BROKEN, /* an entry that could not be read: its fields are in the body */
	ARCHIVE_KIND_AUDIT,
	ARCHIVE_KIND_AUDIT_CALLS,
	ARCHIVE_KIND_MESSAGE,
	ARCHIVE_KIND_AGENT,
	ARCHIVE_KIND_SECURITY,
};

enum {
	ARCHIVE_LEGS_MAX = 17, /* of a call (CDR_PAIRS_MAX) */
	ARCHIVE_OWN_MAX = 64,
	ARCHIVE_BODY_MAX = 16384,
};

struct archive_field {
	struct bytes name, value;
};

/* An entry of a stream; the caller owns its texts. stream: key in Redis. tenant: owner of the
 * stream; for CDRs the default tenant, which records without one belong to. */
struct archive_entry {
	enum archive_stream kind;
	struct bytes stream, tenant, id;
	const struct archive_field *fields;
	size_t count;
};

/* X(member, name in the record, octets at most): columns of leg in their order */
#define ARCHIVE_LEG_TEXTS(X)                \
	X(tenant, "tenant", 31)             \
	X(from_number, "from", 63)          \
	X(from_name, "from_name", 63)       \
	X(from_trunk, "from_trunk", 31)     \
	X(to_number, "to", 63)              \
	X(to_trunk, "to_trunk", 31)         \
	X(answered_by, "answered_by", 63)   \
	X(forwarded_to, "forwarded_to", 63) \
	X(missed, "missed", 159)            \
	X(grp, "group", 31)                 \
	X(dnis, "dnis", 31)                 \
	X(account, "account_code", 32)      \
	X(flow, "flow", 64)                 \
	X(path, "path", 191)                \
	X(recordings, "recordings", 1279)   \
	X(message, "message", 16)           \
	X(cause, "cause", 63)

/* Likewise of numbers. */
#define ARCHIVE_LEG_NUMBERS(X)          \
	X(began_ms, "setup_utc_ms")     \
	X(ringing_ms, "ringing_utc_ms") \
	X(answered_ms, "answer_utc_ms") \
	X(ended_ms, "end_utc_ms")       \
	X(talk_ms, "talk_ms")           \
	X(sip_status, "sip_status")     \
	X(q850, "q850")

/* A pair of parties of a call. */
struct archive_leg {
	char *text, *detail_text; /* what its texts are in; NULL: in text, too */
	uint64_t call;
	int64_t month; /* YYYYMM, by the id of the call alone; 0: that has no time */
	int64_t leg;   /* 1 is the first one */
	bool of_known; /* archive_save.c: something of its call is in the database */
	int64_t revision;
#define X(member, name) int64_t member;
	ARCHIVE_LEG_NUMBERS(X)
#undef X
	int64_t mos; /* the lowest of its audio, in hundredths; 0: not known */
#define X(member, name, most) struct bytes member;
	ARCHIVE_LEG_TEXTS(X)
#undef X
	struct bytes detail; /* JSON: all else that is neither empty nor zero */
};

/* 0; -EBADMSG: it is no call record, or its id is invalid; -ENOMEM. Drop it after 0 alone. */
int archive_leg_parse(struct archive_leg *out, const struct archive_entry *entry) NODISCARD;
void archive_leg_drop(struct archive_leg *leg);
/* Of the call's id alone, which has a time of 2022 to 2057; 0: it was made by a command. */
int64_t archive_month(uint64_t call);

/* An entry of the audit, or an event. */
struct archive_event {
	json_t *json;
	char *text;
	char own[ARCHIVE_OWN_MAX]; /* its id of ours: an entry that is written twice has one */
	enum archive_kind kind;
	int64_t utc_ms, seq; /* the id in its stream; seq -1: it has none */
	struct bytes tenant, type, subject, who, body;
};

/* 0; -ENOENT: it is of a type that is not archived; -EBADMSG; -ENOMEM. Drop it after 0 alone. */
int archive_event_parse(struct archive_event *out, const struct archive_entry *entry) NODISCARD;
/* What could not be read, kept for people and later programs. 0 or -ENOMEM. */
int archive_event_broken(struct archive_event *out, const struct archive_entry *entry) NODISCARD;
void archive_event_drop(struct archive_event *event);

/* The id of ours of any entry, for the mark: of a call record its own, else a digest of all that
 * the entry is. */
void archive_own(char out[ARCHIVE_OWN_MAX], const struct archive_entry *entry);

/* A text in small letters (ASCII and Latin-1), as it is looked for. */
void archive_fold(struct writer *w, struct bytes text);

#endif
