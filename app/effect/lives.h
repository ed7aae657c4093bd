/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties whose sound is with an application: which endpoints there are, and their streams with the live thread (app/live/live.h). The
 * thread runs from the first endpoint on. Control's thread.
 */
#ifndef APP_NODE_LIVES_H
#define APP_NODE_LIVES_H

#include "app/live/live.h"
#include "app/settings/settings.h"
#include "media/job.h"
#include "sig/host/asked.h"

struct engine;

struct lives_listener {
	uint64_t id, call;
};

struct lives {
	struct live *live;                /* NULL: there was no endpoint yet */
	struct lives_listener *listeners; /* who hears a party that is not alone */
	uint32_t listener_count;
	const struct settings_live *settings;
	char tokens[SETTINGS_LIVES_MAX]
		   [LIVE_TOKEN_MAX]; /* secrets, in the order of the endpoints */
};

/* Who asks for a stream. */
struct lives_want {
	uint64_t id, call; /* id: of nobody else */
	struct bytes tenant, endpoint;
	enum media_codec codec; /* of the party that is alone */
	struct job_id room;     /* ... or a conference, mixed at rate_hz; generation 0: none */
	uint32_t rate_hz;
	bool resumed;
	/* of a party that is not alone */
	char leg;
	bool said, heard;
	uint8_t tap_number;
};

/* As the settings are now; what runs goes on. True: the thread has begun, so watch live_event_fd. Copies of what calls say and hear are
 * read from source. */
bool lives_configure(struct lives *l, const struct settings_live *settings, struct engine *source);
void lives_close(struct lives *l);
/* 0 with the job that is to be opened; LIVE_GONE follows lives_end, and out->feed.feed is to be freed then. Or why not, as a text. */
const char *lives_begin(struct lives *l, const struct lives_want *want, struct media_work *out);
/* The application hears a party that is not alone, until lives_listen_end. NULL, or why not. */
const char *lives_listen(struct lives *l, const struct lives_want *want);
void lives_listen_end(struct lives *l, uint64_t id, struct bytes reason);
/* Those of all calls of a shard. */
void lives_leave(struct lives *l, uint16_t shard);
/* Why, of one that says LIVE_FAILED. */
const char *lives_why_failed(const struct live_event *event);
/* There is an endpoint of that name for the tenant; tenant empty: for any. */
bool lives_know(const struct lives *l, struct bytes tenant, struct bytes endpoint);
/* What became of it, of an event without a feed. False: nothing that the call is to know. */
bool lives_listen_news(const struct live_event *event, struct listen_news *out);

#endif
