/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of a node's tenants by the DTMF digits of their names: dial by name. One thread. */
#ifndef SIG_HOST_NAME_INDEX_H
#define SIG_HOST_NAME_INDEX_H

#include "base/bytes.h"

enum {
	NAME_INDEX_FOUND_MAX = 9, /* one for each digit */
	NAME_INDEX_KEYS_MIN = 2,  /* fewer match no name */
};

struct name_index;

struct name_index *name_index_create(void); /* NULL: no memory */
void name_index_free(struct name_index *x); /* NULL is fine */
/* name: as it is shown, "Anna Müller"; empty: not indexed. Returns 0 or -ENOMEM. */
int name_index_put(struct name_index *x, uint16_t tenant, struct bytes number,
		   struct bytes name) NODISCARD;
/* Numbers of the people with a first or last name that begins with these digits, sorted by name;
 * the first ones if there are more. Valid until the next put. An umlaut is dialled as its vowel,
 * with or without an e behind it. */
uint32_t name_index_find(const struct name_index *x, uint16_t tenant, struct bytes keys,
			 struct bytes found[NAME_INDEX_FOUND_MAX]);

/* A text as others are compared with it: letters from A to Z and those with accents as small ones
 * without, sharp s as ss, and all else as it is. At most as long as the text. */
void name_fold(struct writer *w, struct bytes text);

#endif
