/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a URI means. Pure: in goes what is known, out comes a decision; the shard looks things up. */
#ifndef SIG_HOST_ROUTE_URI_H
#define SIG_HOST_ROUTE_URI_H

#include "sig/host/settings.h"

enum { ROUTE_USER_MAX = 64 };

enum route_verdict {
	ROUTE_OK,
	ROUTE_SCHEME,         /* 416: neither sip nor tel */
	ROUTE_NOT_FOUND,      /* 404 */
	ROUTE_FOREIGN,        /* 404: of another domain, and there is no way there */
	ROUTE_NOT_REGISTERED, /* 480 */
	ROUTE_LOOP,           /* 482: the contact is one of our own addresses */
};

/* The user a URI names, unescaped: the key of an extension. ROUTE_OK, ROUTE_SCHEME or ROUTE_NOT_FOUND. */
enum route_verdict route_user(const struct sip_uri *uri, char user[ROUTE_USER_MAX]);
/* Whether a URI that came from somewhere names one of us: by an address or a name of ours, or it has no host (tel). */
bool route_is_ours(const struct sip_uri *uri, const struct shard_settings *settings);
/* Both name the same host. A phone calls its neighbours at the domain that it itself is at, whatever name that reached us by. */
bool route_is_same_domain(const struct sip_uri *a, const struct sip_uri *b);
#endif
