/* SPDX-License-Identifier: Apache-2.0 */
#include "media/kind.h"

#include <assert.h>

static const struct {
	const char *name;
	bool steady;
} g_kinds[MEDIA_KINDS] = {
	[MEDIA_AUDIO] = { "audio", true },
	[MEDIA_VIDEO] = { "video", true },
	[MEDIA_OPAQUE] = { "other", false },
	[MEDIA_TEXT] = { "text", false },
};

enum media_kind media_kind_of(struct bytes media)
{
	for (unsigned i = 0; i < MEDIA_KINDS; i++) {
		if (i != MEDIA_OPAQUE && bytes_iis(media, g_kinds[i].name))
			return (enum media_kind)i;
	}
	return MEDIA_OPAQUE;
}

const char *media_kind_name(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].name;
}

bool media_kind_is_steady(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].steady;
}
