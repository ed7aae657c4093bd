/* SPDX-License-Identifier: Apache-2.0 */
/* as-feature-event: do not disturb and forwarding of an extension, as its phones show and set them
 * (BroadSoft's Device Feature Key Synchronization, with the documents of ECMA-323). The body of a
 * SUBSCRIBE sets one, and a NOTIFY reports one. Pure. */
#ifndef SIG_SUBSCRIPTION_FEATURE_EVENT_H
#define SIG_SUBSCRIPTION_FEATURE_EVENT_H

#include "sig/host/extension.h"

#define FEATURE_EVENT_TYPE "application/x-as-feature-event+xml"

/* What a NOTIFY tells of: one of them, as phones take no more (docs/adr/0119). */
enum feature_event_part {
	FEATURE_EVENT_DISTURB,
	FEATURE_EVENT_ALWAYS,
	FEATURE_EVENT_BUSY,
	FEATURE_EVENT_NO_ANSWER,
	FEATURE_EVENT_PARTS
};

enum { FEATURE_EVENT_MAX = 1024 }; /* of a document, in either direction */

/* forward: NULL: nothing is set. */
void feature_event_write(struct writer *w, enum feature_event_part part, struct bytes number,
			 const struct shard_forward *forward);

/* What a phone sets. */
struct feature_event {
	enum feature_action
		feature; /* FEATURES: nothing that the node knows, or that is not so yet */
	char number[FORWARD_TARGET_MAX];
	uint8_t rings; /* 0: as they are */
};

/* Returns 0; -EBADMSG: not such a document; -EINVAL: an invalid number. */
int feature_event_parse(struct feature_event *out, struct bytes body) NODISCARD;

#endif
