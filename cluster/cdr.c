/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cdr.h"

#include <errno.h>

enum { CDR_LENGTH_SIZE = 4 };

void cdr_field_write(struct writer *w, const struct cdr_field *field)
{
	writer_be32(w, (uint32_t)field->name.n);
	writer_bytes(w, field->name);
	writer_be32(w, (uint32_t)field->value.n);
	writer_bytes(w, field->value);
}

size_t cdr_field_size(const struct cdr_field *field)
{
	return CDR_LENGTH_SIZE + field->name.n + CDR_LENGTH_SIZE + field->value.n;
}

static bool text_cut(struct bytes *rest, struct bytes *out)
{
	size_t n;

	if (rest->n < CDR_LENGTH_SIZE)
		return false;
	n = be32_get(rest->p);
	if (n > rest->n - CDR_LENGTH_SIZE)
		return false;
	*out = bytes_sub(*rest, CDR_LENGTH_SIZE, n);
	*rest = bytes_from(*rest, CDR_LENGTH_SIZE + n);
	return true;
}

int cdr_field_next(struct bytes *rest, struct cdr_field *out)
{
	struct bytes left = *rest;
	struct cdr_field field;

	if (left.n == 0)
		return 0;
	if (!text_cut(&left, &field.name) || !text_cut(&left, &field.value))
		return -EBADMSG;
	*rest = left;
	*out = field;
	return 1;
}

bool cdr_next(struct bytes *rest, struct bytes *out, size_t *fields)
{
	struct bytes left = *rest, before = left;
	struct cdr_field field;
	size_t n = 0;

	while (cdr_field_next(&left, &field) > 0 && (n == 0 || !bytes_is(field.name, CDR_ID))) {
		before = left;
		n++;
	}
	*out = bytes_sub(*rest, 0, rest->n - before.n);
	*rest = n ? before : (struct bytes){ 0 };
	*fields = n;
	return n > 0;
}

struct bytes cdr_toll_day(struct bytes fields)
{
	struct cdr_field field;

	while (cdr_field_next(&fields, &field) > 0) {
		if (bytes_is(field.name, CDR_TOLL))
			return bytes_sub(field.value, 0, bytes_find(field.value, ' '));
	}
	return (struct bytes){ 0 };
}

uint32_t cdr_count(struct bytes fields)
{
	struct bytes one;
	uint32_t count = 0;
	size_t n;

	while (cdr_next(&fields, &one, &n))
		count++;
	return count ? count : 1;
}
