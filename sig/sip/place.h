/* SPDX-License-Identifier: Apache-2.0 */
/* A host that settings and documents name, as hostport is written (RFC 3261 25.1). */
#ifndef SIG_SIP_PLACE_H
#define SIG_SIP_PLACE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"

enum { SIP_PLACE_HOST_MAX = 128 };

/* A host by name or address. */
struct sip_place {
	char host[SIP_PLACE_HOST_MAX];
	uint16_t port; /* 0: as RFC 3263 says; of an address that of its transport */
};

/* "host", "host:port", "[v6]:port". 0 or -EINVAL. */
int sip_place_read(struct sip_place *out, struct bytes text) NODISCARD;

#endif
