/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to as-feature-event (feature_event.h): what a phone is notified of next, and what
 * it sets by SUBSCRIBE. */
#ifndef SIG_SUBSCRIPTION_FEATURES_H
#define SIG_SUBSCRIPTION_FEATURES_H

#include "sig/subscription/subscriptions.h"

/* The first part that its phone does not know as it is. */
struct features_due {
	enum feature_event_part part; /* FEATURE_EVENT_PARTS: it knows all */
	uint64_t mark;                /* of what it is told */
	bool more;                    /* others follow */
};
struct features_due features_due(const struct subscriptions *s, struct subscription *sub);

/* The document of its extension is to be changed: its 200 and its NOTIFY wait for that. */
void features_set(struct subscriptions *s, struct subscription *sub,
		  const struct feature_event *set);
/* The result of the change: the phone gets the present state. serial: which one; 0: timeout. */
void features_set_over(struct subscriptions *s, struct subscription *sub, uint64_t serial);

#endif
