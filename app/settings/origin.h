/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins of pages that open a WebSocket (RFC 6455 10.2, RFC 6454): browsers let any page try, and
 * name it. The check keeps a foreign page from using a browser's place in the network, where
 * addresses are trusted. Pure.
 */
#ifndef APP_SETTINGS_ORIGIN_H
#define APP_SETTINGS_ORIGIN_H

#include "base/bytes.h"

enum { ORIGIN_MAX = 128 };

/* "*", or an origin as a browser writes it: "https://host[:port]". */
bool origin_is_pattern(struct bytes text);

struct origin_request {
	struct bytes origin; /* header Origin; absent: p NULL, as of clients that are no browsers */
	struct bytes host;   /* header Host */
	bool secure;         /* it came over TLS: the certificate vouches for host */
};

/* patterns: of the settings; count 0: only pages of the host itself. */
bool origin_is_allowed(const struct origin_request *request, const char (*patterns)[ORIGIN_MAX],
		       uint32_t count);

/* "sip" is in a list of sub-protocols (RFC 6455 4.1; their case matters). */
bool origin_offers(struct bytes list, const char *protocol);

#endif
