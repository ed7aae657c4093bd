/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a CDR as bytes: name and value, each behind its length (32 bits, network order). As one value it can wait in a
 * list or a file and be sent field by field later.
 */
#ifndef CLUSTER_CDR_H
#define CLUSTER_CDR_H

#include "base/bytes.h"

enum { CDR_FIELDS_MAX = 100 };
/* CDRs in the stream, or so. */
#define CDR_STREAM_KEPT "1000000"

struct cdr_field {
	struct bytes name, value;
};

void cdr_field_write(struct writer *w, const struct cdr_field *field);
size_t cdr_field_size(const struct cdr_field *field);
/* Cuts the next field off *rest: 1, 0 at the end, or -EBADMSG. */
int cdr_field_next(struct bytes *rest, struct cdr_field *out) NODISCARD;

#endif
