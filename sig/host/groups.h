/* SPDX-License-Identifier: Apache-2.0 */
/* The ring and hunt groups of a node's tenants by name: members and strategy. One thread. */
#ifndef SIG_HOST_GROUPS_H
#define SIG_HOST_GROUPS_H

#include "sig/dial/dial.h"

enum {
	RING_GROUPS_MAX = 65536, /* of a node */
	GROUP_NAME_MAX = 32,     /* with its NUL */
	GROUP_MEMBERS_MAX = 32,  /* no dial has more targets */
	GROUP_PREFIX_MAX = 32,
	GROUP_NUMBER_MAX = 64,     /* of an extension */
	GROUPS_OUTS_MAX = 1 << 20, /* extensions that are logged out of any */
	GROUP_SHOWN_MAX = 192,
	GROUPS_OUT_MAX = 128, /* names of those that an extension is logged out of, joined by ',' */
};
/* In the place of those names: it is logged out of all. */
#define GROUPS_OUT_ALL "*"

struct ring_group {
	uint16_t tenant;
	char name[GROUP_NAME_MAX];
	uint8_t how;                   /* index in the words of dial's argument how */
	uint16_t ring_s;               /* each member rings so long; 0: as dial says */
	uint16_t total_s;              /* all of them together; 0: likewise */
	char prefix[GROUP_PREFIX_MAX]; /* members see it before the caller's name; "": nothing */
	bool show_called;              /* ... and the number that was called */
	bool forwards, decline_ends;   /* as of dial */
	uint8_t auto_answer; /* enum auto_answer: of phones that have none of their own (IVR-07) */
	/* 1 + enum record_method, of members in its calls (REC-01); 0: as each member's own says */
	uint8_t record;
	uint8_t record_to; /* enum record_to; with record alone */
	uint8_t count;
	struct group_member {
		char number[DIAL_NUMBER_MAX];
		uint8_t weight; /* of a weighted order; at least 1 */
	} members[GROUP_MEMBERS_MAX];
};

struct groups;

/* And who is logged out of which. 0 or -ENOMEM. */
int groups_open(struct groups **out) NODISCARD;
void groups_close(struct groups *x); /* NULL is fine */
/* Adds or replaces it. 0, -ENOSPC or -ENOMEM. */
int groups_put(struct groups *x, const struct ring_group *g) NODISCARD;
void groups_delete(struct groups *x, uint16_t tenant, struct bytes name);
/* Returns NULL if not found; x NULL: no groups. Valid until the next put or delete. */
const struct ring_group *groups_find(const struct groups *x, uint16_t tenant, struct bytes name);
/* All of them, *cursor 0 at first; NULL at the end. */
const struct ring_group *groups_next(const struct groups *x, uint32_t *cursor);
bool group_has(const struct ring_group *g, struct bytes number);
/* Names joined by ',', as an extension has them. */
bool groups_out_has(struct bytes list, struct bytes name);
/* "1001,1002:5": in their order, with weights. NULL, or what is wrong. */
const char *group_members_parse(struct ring_group *out, struct bytes text);
/* What the extension is logged out of, names joined by ','; "": of none. 0, -ENOSPC or -ENOMEM. */
int groups_out_put(struct groups *x, uint16_t tenant, struct bytes number,
		   struct bytes list) NODISCARD;
/* The member is logged in. Numbers that are no extension's always are. */
bool group_rings(const struct groups *x, const struct ring_group *g, uint8_t member);

#endif
