/* SPDX-License-Identifier: Apache-2.0 */
/* Watchers of a shard's users: subscriptions to them (sig/subscription/subscriptions.h), by
 * SUBSCRIBE and by pages, alone or in lists. Private to sig/feature/. */
#ifndef SIG_FEATURE_WATCH_H
#define SIG_FEATURE_WATCH_H

#include "sig/shard/shard_parts.h"

void shard_subscribe(struct shard *s, const struct sip_message *m);
/* Returns 0 or the status to refuse with. 503 is about the node, which a phone may take as down;
 * 480 about this subscription. */
uint16_t shard_subscriptions_fit(const struct shard *s, const struct subscription *of);
/* The subscription of the request's dialog, or NULL. */
struct subscription *shard_subscription_of(const struct shard *s, const struct sip_message *m);
void shard_subscription_inside(struct shard *s, struct subscription *sub,
			       const struct sip_message *m);

/* ---- lists.c ---- */
/* What a SUBSCRIBE to that user asks for. */
enum list_kind shard_list_kind(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			       struct bytes resource);
/* The users of the list that it brings along, joined by ' '. 0, or the status to refuse it with. */
uint16_t shard_list_read(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 char users[LIST_USERS_MAX + 1]);
/* A refresh may bring another one. As above. */
uint16_t shard_list_replace(struct shard *s, struct subscription *sub, const struct sip_message *m);
/* A list has the users that it is to have; others have none. 0 or -ENOMEM. */
int shard_list_set(struct shard *s, struct subscription *sub) NODISCARD;
enum watch_verdict shard_list_may(const struct shard *s, const struct subscription *sub);
/* subscription_view.name */
struct bytes shard_blf_name(void *owner, const struct subscription *sub, uint32_t resource);
/* The document of an extension has other BLF keys. */
void shard_blf_changed(struct shard *s, uint16_t tenant, struct bytes number);

/* ---- conferences ---- */
/* subscription_view.conference: the first one of the shards of the node. */
bool shard_watch_conference(void *owner, uint16_t tenant, struct bytes user,
			    struct conference_view *out);

#endif
