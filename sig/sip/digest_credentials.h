/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of an Authorization header (RFC 7616 3.4), read and checked; private to digest*.c. */
#ifndef SIG_SIP_DIGEST_CREDENTIALS_H
#define SIG_SIP_DIGEST_CREDENTIALS_H

#include "sig/sip/digest.h"

/* Credentials of our realm in (Proxy-)Authorization. 1: *out filled, 0: none, -EBADMSG: they do not read well. */
int digest_credentials_find(struct digest_credentials *out, const struct sip_message *m, bool proxy,
			    struct bytes realm);
/* Whether the uri parameter and the request are about the same thing. */
bool digest_credentials_fit(const struct digest_credentials *c, const struct sip_message *m);

#endif
