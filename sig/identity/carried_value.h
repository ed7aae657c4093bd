/* SPDX-License-Identifier: Apache-2.0 */
/* One value of what is carried: whether it is one, and how it is told. Pure. */
#ifndef SIG_IDENTITY_CARRIED_VALUE_H
#define SIG_IDENTITY_CARRIED_VALUE_H

#include "sig/identity/policy.h"
#include "sig/sip/message.h"

/* Trimmed, without control characters, and as its grammar has it. */
bool carried_value_is_valid(enum carried kind, struct bytes value);
/* "npdi;rn=+13125550000" of a URI that is a number (RFC 4694); nothing, where it has none of it. */
void carried_number_params(struct writer *w, const struct sip_uri *uri);
/* A URI, in brackets or not, with host[:port] of ours in the place of its own. tel URIs and those at ".invalid" (RFC 3323 4.1.1.3) have
 * nothing to hide. */
void carried_write_hidden(struct writer *w, struct bytes value, struct bytes host);

#endif
