/* SPDX-License-Identifier: Apache-2.0 */
/* How parties of calls come into rooms and leave them, and what is ordered of one that is there (sig/call/conference.h). */
#ifndef SIG_FEATURE_CONFERENCE_H
#define SIG_FEATURE_CONFERENCE_H

#include "sig/call/conference.h"
#include "sig/call/feature.h"
#include "sig/model/call_order.h"

/* Of ORDER_CONFER. */
struct call_confer {
	struct room *room;
	struct call *to;     /* begun, and empty: for a call of two. NULL: it is alone */
	enum shard_leg host; /* whose party is host; NONE: none */
	bool leaves; /* the party of the leg is there already: its leg is to be left by who orders */
	uint16_t inviter;
};

/* 0, or of conference_join and split_begin: nothing has changed. */
int order_confer(struct call_host *h, struct call *c, struct call_order *order);
/* -ENODATA: it is in no room. -EACCES: who is named may not. -ENXIO: there is no such member. -EDOM: gain. */
int order_member(struct call_host *h, struct call *c, struct call_order *order);
/* The party of that call is in its conference, and takes its place there: it is host where this one was, which is left. 0, -EALREADY (it is
 * not in yet) or -ENOENT: nothing has changed. */
int conference_yield(struct call_host *h, struct call *c, uint64_t to);
extern const struct call_feature conference_feature;

#endif
