/* SPDX-License-Identifier: Apache-2.0 */
/* What a controlling agent says in its checks (RFC 8445 7.1); the node is lite and says none of it. */
#ifndef BENCH_STUN_ASK_H
#define BENCH_STUN_ASK_H

#include <assert.h>

#include "media/stun/stun.h"

static inline void stun_ask_begin(struct writer *w, uint16_t type, size_t n)
{
	writer_be16(w, type);
	writer_be16(w, (uint16_t)n);
}

static inline void stun_ask_end(struct writer *w)
{
	while (w->n % 4 && !w->overflow)
		writer_u8(w, 0);
	if (w->n >= STUN_HEAD_LEN)
		be16_put(w->p + 2, (uint16_t)(w->n - STUN_HEAD_LEN));
}

static inline void stun_put_username(struct writer *w, struct bytes username)
{
	assert(username.n <= STUN_USERNAME_MAX);
	stun_ask_begin(w, STUN_USERNAME, username.n);
	writer_bytes(w, username);
	stun_ask_end(w);
}

static inline void stun_put_priority(struct writer *w, uint32_t priority)
{
	stun_ask_begin(w, STUN_PRIORITY, 4);
	writer_be32(w, priority);
	stun_ask_end(w);
}

static inline void stun_put_use_candidate(struct writer *w)
{
	stun_ask_begin(w, STUN_USE_CANDIDATE, 0);
	stun_ask_end(w);
}

static inline void stun_put_role(struct writer *w, bool controlling, uint64_t tie_breaker)
{
	stun_ask_begin(w, controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED, 8);
	writer_be64(w, tie_breaker);
	stun_ask_end(w);
}

#endif
