/* SPDX-License-Identifier: Apache-2.0 */
/* The record page of an extension (docs/adr/0060): the call that its Record key controls, the
 * recording state, and the actions. The call is one that its phone talks in: established, and not
 * held by it. In a conference the key controls the mix. Pure values. */
#ifndef SIG_MODEL_RECORD_PAGE_H
#define SIG_MODEL_RECORD_PAGE_H

#include <stdbool.h>

#include "base/bytes.h"

enum record_page_act {
	RECORD_PAGE_LOOK, /* nothing is done */
	RECORD_PAGE_ON,
	RECORD_PAGE_PAUSE,
	RECORD_PAGE_RESUME,
	RECORD_PAGE_OFF,
	RECORD_PAGE_ACTS,
};

enum record_page_state {
	RECORD_PAGE_NOTHING, /* there is nothing that it may record */
	RECORD_PAGE_IDLE,    /* nothing is recorded, and it may be */
	RECORD_PAGE_RECORDS,
	RECORD_PAGE_PAUSED,
	RECORD_PAGE_STATES,
};

/* What the extension is in the call. */
enum record_page_place {
	RECORD_PAGE_CALL,
	RECORD_PAGE_CONFERENCE,
	RECORD_PAGE_MONITOR, /* it listens, or coaches */
	RECORD_PAGE_PLACES,
};

struct record_page_request {
	struct bytes tenant, number;
	enum record_page_act act;
	uint64_t call; /* with an act: that one, or nothing is done */
};

struct record_page {
	enum record_page_state state;
	enum record_page_place place;
	uint64_t call;   /* 0: NOTHING */
	uint64_t utc_ms; /* since when it talks there */
	bool lasts;      /* a policy records it: it may be paused, and not ended */
};

/* Of several calls the one in a conference, then the newest one. */
static inline bool record_page_is_before(const struct record_page *p,
					 const struct record_page *than)
{
	bool apart = p->place != RECORD_PAGE_CALL, than_apart = than->place != RECORD_PAGE_CALL;

	if (!p->call || !than->call)
		return p->call;
	if (apart != than_apart)
		return apart;
	return p->utc_ms > than->utc_ms || (p->utc_ms == than->utc_ms && p->call > than->call);
}

#endif
