/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What m-lines carry, and what follows from that alone. A kind that is RTP has its formats in media/offer/select.c, and where profiles
 * have to allow it a word in media/offer/lines.def.
 */
#ifndef MEDIA_KIND_H
#define MEDIA_KIND_H

#include "base/bytes.h"

/* In records: they keep their numbers. */
enum media_kind {
	MEDIA_AUDIO,
	MEDIA_VIDEO,
	MEDIA_OPAQUE, /* any other: its packets pass as they are, whatever is in them */
	MEDIA_TEXT,   /* T.140, as it is typed (RFC 4103) */
	MEDIA_KINDS,
};

/* By the first field of m=, in any case. */
enum media_kind media_kind_of(struct bytes media);
/* That field, or "other". */
const char *media_kind_name(enum media_kind kind);
/* Who sends it sends all the time. On other lines nobody need speak: who reads a text says nothing for hours. */
bool media_kind_is_steady(enum media_kind kind);

#endif
