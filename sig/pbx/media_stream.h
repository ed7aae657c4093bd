/* SPDX-License-Identifier: Apache-2.0 */
/* An application that hears a party of the call while it runs: what the party sends, what it hears,
 * or both; one application at a time. It is in the record, and a successor continues it. The call
 * does not wait for the stream, and hears nothing of it. */
#ifndef SIG_PBX_MEDIA_STREAM_H
#define SIG_PBX_MEDIA_STREAM_H

#include "sig/model/call.h"

struct module;

enum { MEDIA_STREAM_NAME_MAX = 32 };

struct media_stream {
	uint8_t leg, sides; /* enum media_stream_sides */
	uint8_t number;     /* flow_spec.tap_live: another one than of the one before, never 0 */
	uint32_t order;
	char endpoint[MEDIA_STREAM_NAME_MAX];
	/* of this process, not part of a record */
	uint64_t serial;
	bool started; /* the application is connected */
};

/* The request; endpoint "": ends the stream. */
struct media_stream_terms {
	char endpoint[MEDIA_STREAM_NAME_MAX];
	uint8_t sides;
};

/* Replaces the stream before it. order: names it in events. REFUSED_MEMORY: nothing has changed. */
enum refusal media_stream_start(struct call_host *h, struct call *c, uint8_t leg,
				const struct media_stream_terms *terms, uint32_t order);

#endif
