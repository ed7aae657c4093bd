/* SPDX-License-Identifier: Apache-2.0 */
/* Target-Dialog (RFC 4538): the dialog that a request outside of it is about. Pure. */
#ifndef SIG_SIP_TARGET_DIALOG_H
#define SIG_SIP_TARGET_DIALOG_H

#include "base/bytes.h"

struct target_dialog {
	struct bytes call_id, local_tag, remote_tag; /* as seen by who receives it */
};

/* 0 or -EINVAL: something is missing, twice there, or no token. */
int target_dialog_parse(struct target_dialog *out, struct bytes value) NODISCARD;

#endif
