/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that name a dialog. Pure. */
#ifndef SIG_SIP_DIALOG_NAME_H
#define SIG_SIP_DIALOG_NAME_H

#include "base/bytes.h"

/* Replaces (RFC 3891): the dialog that the sender is to take over, also as a header in a URI (RFC
 * 3261 19.1.1). */
struct replaces {
	struct bytes call_id, to_tag, from_tag; /* as seen by the receiver */
	bool early_only;
};

enum { REPLACES_MAX = 1024 };

/* 0 or -EINVAL: something is missing, twice there, or no token. */
int replaces_parse(struct replaces *out, struct bytes value) NODISCARD;
/* The Replaces header of a URI; space: for the unescaped text. Returns 0, -ENOENT (absent) or
 * -EINVAL. */
int replaces_of_uri(struct replaces *out, struct bytes headers, char space[REPLACES_MAX]) NODISCARD;

/* Target-Dialog (RFC 4538): the dialog that a request outside of it is about. */
struct target_dialog {
	struct bytes call_id, local_tag, remote_tag; /* as seen by the receiver */
};

/* 0 or -EINVAL: something is missing, twice there, or no token. */
int target_dialog_parse(struct target_dialog *out, struct bytes value) NODISCARD;

#endif
