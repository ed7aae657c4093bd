/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging groups on multicast addresses: what a conference says is sent there, by Polycom's packets
 * and as plain RTP, and what phones send there is said into the conference (media/feed.h). One
 * thread has all sockets. The control thread begins and ends streams through a bounded ring, and
 * gets events through another one. A group has one stream at a time.
 */
#ifndef APP_FEATURE_PAGE_PAGE_CAST_H
#define APP_FEATURE_PAGE_PAGE_CAST_H

#include "app/feature/page/page_wire.h"
#include "app/live/live.h"
#include "app/schema/feature.h"
#include "base/addr.h"

enum { PAGE_CAST_MAX = 1024 }; /* groups of a node with multicast */

enum page_cast_way { PAGE_CAST_POLYCOM, PAGE_CAST_RTP, PAGE_CAST_WAYS };

struct page_cast_terms {
	uint64_t group; /* an id of control's, never 0 */
	/* ADDR_NONE: not by this way; IPv4 */
	struct addr to[PAGE_CAST_WAYS];
	struct addr from; /* of the interface; any address: as the kernel routes */
	uint8_t channel;  /* 1 to 25, of Polycom's packets */
	uint8_t ttl;
	uint32_t serial; /* by which nodes of a cluster know each other's packets */
	char caller[PAGE_WIRE_CALLER + 1];
};

struct page_cast_stream {
	uint64_t group, id, call; /* id: never 0, unique */
	struct media_feed *feed;  /* until LIVE_GONE */
	uint32_t rate_hz;         /* of its frames: 8000, with PCMU; 16000, with G.722 */
	bool heard;               /* phones speak to the conference; else it speaks to them */
};

enum page_cast_event_kind {
	PAGE_CAST_STREAM, /* `live` is the event, of a stream */
	/* A phone speaks, and no stream has it: once a second, until one does, or page_cast_bridge
	 * was called, or it is silent. */
	PAGE_CAST_BEGINS,
	PAGE_CAST_ENDS, /* a phone's page that page_cast_bridge was called for is over */
};

struct page_cast_event {
	enum page_cast_event_kind kind;
	uint64_t group;
	bool again; /* BEGINS: another node may have had it before */
	struct live_event live;
};

extern const struct metric_def g_page_cast_metrics[];

/* ---- control's thread ---- */

/* Adds a group, or (again) replaces one: opens its sockets. The thread begins with the first one.
 * NULL, or why it has no multicast: all is as before then. */
const char *page_cast_join(const struct page_cast_terms *terms, bool again);
void page_cast_leave(uint64_t group);
/* False: no thread can begin, or there are too many. Else LIVE_GONE follows page_cast_end; where
 * the group has no multicast, LIVE_FAILED comes before. */
bool page_cast_start(const struct page_cast_stream *stream);
void page_cast_end(uint64_t id);
/* Forwards the page of a phone to the other address of its group, with a stream and without.
 * False: the command ring is full. */
bool page_cast_bridge(uint64_t group);
/* Repeats the commands that a full ring has delayed; to be called once a second. */
void page_cast_again(void);
/* Readable when events wait; -1: no thread yet. */
int page_cast_fd(void);
uint32_t page_cast_events(struct page_cast_event *out, uint32_t max);
bool page_cast_wait(void); /* false: more came, drain again */
/* Ends the thread; feeds are not used any more. */
void page_cast_close(void);

#endif
