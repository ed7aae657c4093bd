/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest SIP messages received and sent, also of refused calls, in bounded memory. They are
 * stored unchanged; secrets are masked when they are shown (sig/sip/redact.h). Frequent messages of
 * phones have a room of their own, so that they do not displace calls. Control thread.
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
	const char *why; /* of our refusal: its reason, a constant; NULL: unknown */
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

/* Stores at most so many octets, including overhead; 0: nothing. Drops former messages. 0 or
 * -ENOMEM: nothing is stored. */
int recent_resize(struct recent *r, size_t octets) NODISCARD;
void recent_close(struct recent *r);
void recent_add(struct recent *r, const struct sip_hop *hop, bool sent, uint64_t utc_ms,
		struct bytes message, const char *why);

/* Walks them, oldest first, from a zeroed cursor. A message is valid until the next recent_add. */
struct recent_cursor {
	uint32_t at[RECENT_ROOMS];
};
bool recent_next(const struct recent *r, struct recent_cursor *cursor, struct recent_message *out);

/* Its first header field of that lower-case name or compact form (or NULL); empty: absent. */
struct bytes recent_header(struct bytes message, const char *name, const char *compact);
/* The value of Call-ID; empty: absent. */
struct bytes recent_call_id(struct bytes message);

/* Selects messages of dialogs: of a call of ours, a user, a Call-ID; without any: all messages. */
enum { RECENT_DIALOGS_MAX = 32 };
struct recent_choice {
	uint64_t call;                       /* 0: not asked for */
	struct bytes user;                   /* empty: not asked for */
	uint64_t since_utc_ms, until_utc_ms; /* of a message; until 0: any */
	struct bytes call_ids[RECENT_DIALOGS_MAX];
	uint32_t count;
	bool all;
};
/* Adds the newest dialogs of call or user to the listed ones;
 * slices of the ring, valid until the next recent_add. */
void recent_choose(const struct recent *r, struct recent_choice *choice);
/* Number of selected messages before the newest ones that fit: by count, and by octets. */
uint32_t recent_surplus(const struct recent *r, const struct recent_choice *choice, uint32_t limit,
			size_t octets_max);
bool recent_is_chosen(const struct recent_choice *choice, const struct recent_message *message);

#endif
