/* SPDX-License-Identifier: Apache-2.0 */
/* Finding headers in a parsed message (message.h). Pure. */
#include <errno.h>

#include "sig/sip/lex.h"
#include "sig/sip/message_head.h"

enum { TOKENS_MAX = 256 }; /* of a list that are looked at: no phone has so many to say */

static bool line_is(const struct header_line *line, enum header_id id, struct bytes name)
{
	if (id != HEADER_OTHER)
		return line->id == id;
	return line->id == HEADER_OTHER && bytes_ieq(line->name, name);
}

bool message_header(const struct sip_message *m, const char *name, unsigned i, struct bytes *value)
{
	struct bytes wanted = bytes_str(name);
	enum header_id id = header_id_of(wanted);

	for (uint32_t at = 0; at < m->head->count; at++) {
		const struct header_line *line = &m->head->lines[at];

		if (line_is(line, id, wanted) && i-- == 0) {
			*value = line->value;
			return true;
		}
	}
	return false;
}

bool message_line(const struct sip_message *m, unsigned i, struct bytes *name, struct bytes *value)
{
	if (i >= m->head->count)
		return false;
	*name = m->head->lines[i].name;
	*value = m->head->lines[i].value;
	return true;
}

bool message_has_token(const struct sip_message *m, const char *name, const char *token)
{
	struct bytes rest;
	struct bytes element;
	unsigned n = 0;

	for (unsigned i = 0; message_header(m, name, i, &rest); i++) {
		while (n++ < TOKENS_MAX && lex_element(&rest, &element)) {
			if (bytes_iis(element, token))
				return true;
		}
	}
	return false;
}

/* RFC 3261 20.33: "18000;duration=3600" */
uint32_t message_retry_after_s(const struct sip_message *m)
{
	struct bytes value;
	uint32_t s = 0;
	size_t n = 0;

	if (!message_header(m, "Retry-After", 0, &value))
		return 0;
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	(void)bytes_u32(bytes_sub(value, 0, n), &s);
	return s;
}

int64_t message_expires(const struct sip_message *m)
{
	const struct header_line *line = message_head_line(m->head, HEADER_EXPIRES, 0);
	uint64_t v;
	int err = line ? bytes_u64(line->value, &v) : -EINVAL;

	if (err == -ERANGE || (!err && v > UINT32_MAX))
		return UINT32_MAX;    /* RFC 4475 3.1.2.4: a big one is just long */
	return err ? -1 : (int64_t)v; /* RFC 3261 20.19: a malformed one counts as absent */
}

/* *cursor: where to go on in the copy, counted from its start. */
int message_name_addr_next(const struct sip_message *m, const char *name, unsigned *cursor,
			   struct sip_name_addr *out)
{
	struct bytes wanted = bytes_str(name);
	enum header_id id = header_id_of(wanted);

	for (uint32_t i = 0; i < m->head->count; i++) {
		const struct header_line *line = &m->head->lines[i];
		size_t start = (size_t)(line->value.p - m->head->raw.p);
		struct bytes element = { 0 };
		struct bytes rest = line->value;

		if (!line_is(line, id, wanted) || *cursor > start + line->value.n)
			continue;
		if (*cursor > start)
			rest = bytes_from(rest, *cursor - start);
		(void)lex_element(&rest, &element);
		/* after the last one: one past the line's end */
		*cursor = (unsigned)(rest.n ? (size_t)(rest.p - m->head->raw.p)
					    : start + line->value.n + 1);
		return sip_name_addr_parse(out, element) ? -EBADMSG : 1;
	}
	return 0;
}
