/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trunks by name, by source and by access code, so that a request costs the same with one trunk as with thousands. Made anew when somebody asks after a
 * change. Private to trunk.c; one thread.
 */
#ifndef SIG_HOST_TRUNK_INDEX_H
#define SIG_HOST_TRUNK_INDEX_H

#include "sig/host/trunk.h"

/* Lists of numbers of trunks, and of what is behind them. */
struct trunk_index;

/* 0 or -ENOMEM. */
int trunk_index_open(struct trunk_index **out) NODISCARD;
void trunk_index_close(struct trunk_index *x); /* NULL is fine */
/* Room for so many trunks and sources of theirs. 0 or -ENOMEM: what was there still holds. */
int trunk_index_reserve(struct trunk_index *x, uint32_t trunks, uint32_t sources) NODISCARD;
/* It holds no longer. */
void trunk_index_spoil(struct trunk_index *x);
bool trunk_index_holds(const struct trunk_index *x);
/* Anew: add each trunk (trunks_settings) that has a number, then say that it is whole. live: requests may come from it. */
void trunk_index_begin(struct trunk_index *x);
void trunk_index_add(struct trunk_index *x, uint16_t trunk, const struct trunk_settings *set,
		     bool live);
void trunk_index_end(struct trunk_index *x, const struct trunks *t, struct tenants *tenants);
/* TRUNK_NONE: there is none. */
uint16_t trunk_index_find(const struct trunk_index *x, const struct trunks *t, uint16_t tenant,
			  struct bytes name);
/* Of those that are live the one whose access code that is, of several the first by name. */
uint16_t trunk_index_access(const struct trunk_index *x, const struct trunks *t, uint16_t tenant,
			    struct bytes code);
/* As trunks_source_next. */
const struct shard_trusted *trunk_index_next(const struct trunk_index *x, const struct addr *from,
					     struct trunk_cursor *cursor, uint16_t *trunk);

#endif
