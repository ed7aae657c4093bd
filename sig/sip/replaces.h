/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces (RFC 3891): the dialog that somebody else is to take over, also as a header in a URI (RFC 3261 19.1.1). Pure. */
#ifndef SIG_SIP_REPLACES_H
#define SIG_SIP_REPLACES_H

#include "base/bytes.h"

struct replaces {
	struct bytes call_id, to_tag, from_tag; /* as seen by who receives it */
	bool early_only;
};

enum { REPLACES_MAX = 1024 };

/* 0 or -EINVAL: something is missing, twice there, or no token. */
int replaces_parse(struct replaces *out, struct bytes value) NODISCARD;
/* The one among the headers of a URI; space: where it is unescaped to. 0, -ENOENT (there is none) or -EINVAL. */
int replaces_of_uri(struct replaces *out, struct bytes headers, char space[REPLACES_MAX]) NODISCARD;

#endif
