/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/copy.h"

#include <errno.h>
#include <string.h>

#include "app/deliver/folder.h"

enum { COPY_WHOLE = 0x80 };

const char *copy_ending(enum copy_part part)
{
	switch (part) {
	case COPY_SIDECAR:
		return "json.part";
	case COPY_EARLY:
		return "json.new";
	case COPY_SOUND:
	case COPY_PARTS:
		break;
	}
	return "";
}

/* kind (1) | part (1) | at (8) | length of the path (2) | path | data */
void copy_message_write(struct writer *w, const struct copy_message *m)
{
	struct bytes path = bytes_str(m->path);

	writer_u8(w, (uint8_t)m->kind);
	writer_u8(w, (uint8_t)((unsigned)m->part | (m->whole ? COPY_WHOLE : 0U)));
	writer_be64(w, m->at);
	writer_be16(w, (uint16_t)path.n);
	writer_bytes(w, path);
	writer_bytes(w, m->data);
}

static bool copy_has_path(enum copy_kind kind)
{
	return kind == COPY_DATA || kind == COPY_FINISH || kind == COPY_DROP || kind == COPY_HAS;
}

int copy_message_read(struct copy_message *out, struct bytes text)
{
	size_t n;

	if (text.n < 12 || text.p[0] < COPY_LIST || text.p[0] > COPY_FAILED ||
	    (text.p[1] & ~COPY_WHOLE) >= COPY_PARTS)
		return -EBADMSG;
	n = be16_get(text.p + 10);
	*out = (struct copy_message){ .kind = (enum copy_kind)text.p[0],
				      .part = (enum copy_part)(text.p[1] & ~COPY_WHOLE),
				      .whole = text.p[1] & COPY_WHOLE,
				      .at = be64_get(text.p + 2),
				      .data = bytes_from(text, 12 + n) };
	if (n > text.n - 12 || out->at > INT64_MAX - COPY_DATA_MAX || out->data.n > COPY_DATA_MAX ||
	    (out->data.n && out->kind != COPY_DATA))
		return -EBADMSG;
	if (copy_has_path(out->kind) != (n > 0) || (n && !folder_path_fits(bytes_sub(text, 12, n))))
		return -EBADMSG;
	return bytes_cstr(bytes_sub(text, 12, n), out->path, sizeof(out->path)) ? -EBADMSG : 0;
}
