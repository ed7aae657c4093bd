/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of digest authentication compute (RFC 7616 3.4.1); private to digest*.c. */
#ifndef SIG_SIP_DIGEST_RESPONSE_H
#define SIG_SIP_DIGEST_RESPONSE_H

#include "sig/sip/digest_hash.h"

/* Of the request, as sent. */
struct digest_body {
	struct bytes method, body; /* body: counts for auth-int alone */
};

/* Of user, nonce, uri, cnonce and counts of c, and not of its response. False: OpenSSL does not have the hash. */
bool digest_response(const struct digest_credentials *c, const struct digest_secret *secret,
		     const struct digest_body *of, struct digest_text *out) NODISCARD;

#endif
