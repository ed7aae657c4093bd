/* SPDX-License-Identifier: Apache-2.0 */
/* Who was called before: what our plan has done, behind what the caller's side said of the time before (RFC 5806, RFC 7044, RFC 7544). */
#ifndef SIG_CALL_DIVERTED_H
#define SIG_CALL_DIVERTED_H

#include "sig/model/start.h"

/* Header lines of the first INVITE to a leg. */
void diverted_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg);

#endif
