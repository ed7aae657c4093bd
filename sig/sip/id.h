/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers, fixed from the first day. A call id is 64 bits: shard (16), 1 bit derived (1: made
 * from a command id, 0: made here), 40 bits of UTC ms, 7 bits counter; written as 13 base-32
 * digits. Our tags and Via branches are "<call id>.<leg>.<64 random bits>", so every in-dialog
 * request and every response names its shard and call. */
#ifndef SIG_SIP_ID_H
#define SIG_SIP_ID_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/rand.h"

enum {
	ID_TEXT_LEN = 13,
	ID_TAG_LEN = 13 + 1 + 1 + 1 + 13, /* 29 */
	ID_BRANCH_LEN = 7 + 29,           /* "z9hG4bK" first */
	ID_LEG_MAX = 30,
	ID_LEG_NONE = 31, /* leg digit of branches outside a call */
};

struct id_source {
	uint16_t shard;
	uint64_t last_ms; /* never goes back, also when the wall clock does */
	uint8_t counter;
};

/* A new call id; more than 128 in one ms borrow from the next. */
uint64_t id_call_next(struct id_source *s, uint64_t utc_ms);
/* The id of a call that a command makes: the same text gives the same id, also in another process,
 * so a repeated command finds its call. 47 bits of a hash; never equal to one of id_call_next. */
uint64_t id_call_derive(uint16_t shard, struct bytes command);
/* How a call remembers a command: the same text gives the same number, never 0. */
uint64_t id_order(struct bytes command);
uint16_t id_shard(uint64_t call);
/* It was made from a command, so it has no time. */
bool id_is_derived(uint64_t call);
/* When an id of id_call_next was made, about now or before. */
uint64_t id_utc_ms(uint64_t id, uint64_t now_utc_ms);
/* The id used before a call exists: it has the shard only. */
uint64_t id_call_none(uint16_t shard);
bool id_call_is_none(uint64_t call); /* 0 counts, too */
void id_call_put(char out[ID_TEXT_LEN], uint64_t call);
int id_call_get(struct bytes in, uint64_t *call) NODISCARD;

struct id_tag {
	uint64_t call;
	uint64_t random;
	uint8_t leg; /* one base-32 digit */
};
void id_tag_put(char out[ID_TAG_LEN], const struct id_tag *tag);
/* 0 or -EINVAL: not one of ours. */
int id_tag_get(struct bytes in, struct id_tag *out) NODISCARD;
void id_branch_put(char out[ID_BRANCH_LEN], const struct id_tag *tag);
int id_branch_get(struct bytes in, struct id_tag *out) NODISCARD;

/* The user part of a conference URI without number (RFC 4579 4.2): "conf-" and its id, or a secret.
 * Pure. */

enum { CONF_NAME_MAX = 32 };

void conf_name_write(struct writer *w, uint64_t conference);
/* Its shard, and 112 random bits: it follows from nothing else. */
void conf_name_make(char out[CONF_NAME_MAX], uint16_t shard, struct rand_source *rand);
/* *conference: its id, or a value with its shard that is no id. Returns false for any other user
 * part. */
bool conf_name_get(struct bytes user, uint64_t *conference);
/* It was made so. */
bool conf_name_is_secret(struct bytes user);
/* What others than its caller are shown that was called. */
struct bytes conf_name_shown(struct bytes user);

/* The shard that a message names: our tags and branches begin with a call id, which begins with the
 * shard. Pure. */
/* By the branch of a response, the To tag of a request, the dialog in Replaces (RFC 3891), Join
 * (RFC 3911) or Target-Dialog (RFC 4538), or the conference addressed. 0: none named. The caller
 * checks that the shard exists. */
struct sip_message;
uint16_t shard_name(const struct sip_message *m);

#endif
