/* SPDX-License-Identifier: Apache-2.0 */
/* Records with keys in them: the whole is sealed (base/seal.h), and only id and version are left to be seen. */
#ifndef SIG_RECORD_CALL_SEAL_H
#define SIG_RECORD_CALL_SEAL_H

#include "sig/call.pb-c.h"
#include "sig/record/call_record.h"

/* *record is wiped and replaced. 0 or -ENOMEM: it is empty. */
int call_seal(const struct call_host *h, const struct call *c, struct text *record) NODISCARD;
/* *in is exchanged for what was sealed in it; NULL when that is no call. NULL, or what is wrong; *later: sealed by a later program. */
const char *call_unseal(const struct call_host *h, Tandem__Call__Call **in, bool *later);

#endif
