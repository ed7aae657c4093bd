/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/seen.h"

static void seen_join(struct seen *s)
{
	if (s->to > s->all && s->from <= s->all + 1)
		s->all = s->to;
}

/* What came while it was read counts, too. */
void seen_begin(struct seen *s, uint64_t generation)
{
	s->base = s->all = generation;
	seen_join(s);
}

enum seen_is seen_add(struct seen *s, uint64_t version)
{
	if (version <= s->all)
		return SEEN_OLD;
	if (s->to && version == s->to + 1) {
		s->to = version;
	} else if (version < s->from || version > s->to) {
		s->from = s->to = version;
	}
	seen_join(s);
	return version <= s->all ? SEEN_NEXT : SEEN_AHEAD;
}

bool seen_lacks(const struct seen *s)
{
	return s->to > s->all;
}

bool seen_is_read(const struct seen *s, uint64_t version)
{
	return version <= s->base;
}
