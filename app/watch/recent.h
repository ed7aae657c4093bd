/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest SIP messages that came and went, also of calls that were refused, in a bounded amount of memory. Kept as they were; whoever
 * shows one has its secrets written over (sig/sip/redact.h). What phones say all the time has a room of its own, so that it does not drive
 * calls out. Control thread.
 */
#ifndef APP_WATCH_RECENT_H
#define APP_WATCH_RECENT_H

#include "sig/sip/message.h"

enum { RECENT_ROOMS = 2 /* calls; REGISTER, OPTIONS and the like */ };

struct recent_message {
	uint64_t serial; /* counts all of them */
	uint64_t utc_ms;
	struct sip_hop hop;
	bool sent;
	const char *why; /* of a refusal of ours: for that reason, a constant; NULL: not known */
	struct bytes octets;
};

struct recent_slot;

struct recent_room {
	uint8_t *octets;
	struct recent_slot *slots;
	size_t octets_max;
	uint32_t slots_max;
	size_t at;             /* where the next one begins */
	uint32_t first, count; /* of slots */
};

struct recent {
	struct recent_room rooms[RECENT_ROOMS];
	uint64_t serial;
};

/* Keeps at most so many octets, what it needs for itself included; 0: nothing. What was kept before is gone. 0 or -ENOMEM: nothing is kept. */
int recent_resize(struct recent *r, size_t octets) NODISCARD;
void recent_close(struct recent *r);
void recent_add(struct recent *r, const struct sip_hop *hop, bool sent, uint64_t utc_ms,
		struct bytes message, const char *why);

/* Walks them, oldest first: a zeroed cursor begins. The message is valid until the next recent_add. */
struct recent_cursor {
	uint32_t at[RECENT_ROOMS];
};
bool recent_next(const struct recent *r, struct recent_cursor *cursor, struct recent_message *out);

/* The value of its first header of that name, in small letters, or of that compact form (NULL: none); empty: there is none. */
struct bytes recent_header(struct bytes message, const char *name, const char *compact);
/* The value of Call-ID; empty: there is none. */
struct bytes recent_call_id(struct bytes message);

/* Chooses the messages of dialogs: those of a call of ours, of a user, or of one Call-ID; without any of them all messages. */
enum { RECENT_DIALOGS_MAX = 32 };
struct recent_choice {
	uint64_t call;                       /* 0: not asked for */
	struct bytes user;                   /* empty: not asked for */
	uint64_t since_utc_ms, until_utc_ms; /* of a message; until 0: any */
	struct bytes call_ids[RECENT_DIALOGS_MAX];
	uint32_t count;
	bool all;
};
/* The dialogs that have to do with call or user, the newest ones, beside those that are listed already; slices of the ring: valid until the next recent_add. */
void recent_choose(const struct recent *r, struct recent_choice *choice);
/* How many of the chosen ones come before the newest ones that fit: so many messages, and so many octets. */
uint32_t recent_surplus(const struct recent *r, const struct recent_choice *choice, uint32_t limit,
			size_t octets_max);
bool recent_is_chosen(const struct recent_choice *choice, const struct recent_message *message);

#endif
