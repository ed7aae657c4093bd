/* SPDX-License-Identifier: Apache-2.0 */
/* The user of the URI of a conference that has no number (RFC 4579 4.2): "conf-" and its id, or what nobody can guess. Pure. */
#ifndef SIG_SIP_CONF_NAME_H
#define SIG_SIP_CONF_NAME_H

#include "base/bytes.h"
#include "base/rand.h"

enum { CONF_NAME_MAX = 32 };

void conf_name_write(struct writer *w, uint64_t conference);
/* Its shard, and 112 random bits: it follows from nothing else. */
void conf_name_make(char out[CONF_NAME_MAX], uint16_t shard, struct rand_source *rand);
/* *conference: its id, or what has the same shard and is no id. False: it is none. */
bool conf_name_get(struct bytes user, uint64_t *conference);
/* It was made so. */
bool conf_name_is_secret(struct bytes user);
/* What others than its caller are shown that was called. */
struct bytes conf_name_shown(struct bytes user);

#endif
