/* SPDX-License-Identifier: Apache-2.0 */
/* An authority of the node's own and a server certificate that it signed: ECDSA P-256, PEM. For tandemctl init. */
#ifndef APP_CTL_CERTIFICATE_H
#define APP_CTL_CERTIFICATE_H

#include "base/bytes.h"

enum { CERTIFICATE_NAMES_MAX = 64 };

/* Whom the certificate is for: host names and addresses (subject alternative names). */
struct certificate_names {
	const char *list[CERTIFICATE_NAMES_MAX];
	uint32_t count;
};

/* Makes dir (0700) with ca.pem, ca.key, node.pem (the certificate and the authority's) and node.key; keys are 0600. 0, -EEXIST (one of
 * them is there: nothing is touched), -EINVAL (OpenSSL refused), or -errno. What was made before an error is taken away. */
int certificates_make(const char *dir, const struct certificate_names *names) NODISCARD;

#endif
