/* SPDX-License-Identifier: Apache-2.0 */
/* For which domains a certificate speaks in SIP (RFC 5922 7). Pure. */
#ifndef BASE_TLS_IDENTITY_H
#define BASE_TLS_IDENTITY_H

#include "base/bytes.h"

struct x509_st;

/* It is for that domain: one of its SIP URIs without a user, or where it has none, one of its DNS names. As a whole, without a wildcard,
 * and case makes no difference (7.2). */
bool tls_identity_is(const struct x509_st *certificate, const char *domain);
/* Which ones those are, joined by ','; what does not fit is left out. */
void tls_identities_write(struct writer *w, const struct x509_st *certificate);

#endif
