/* SPDX-License-Identifier: Apache-2.0 */
/* The user that a URI means. Pure: known facts go in, a decision comes out; the shard looks things
 * up. */
#ifndef SIG_HOST_ROUTE_URI_H
#define SIG_HOST_ROUTE_URI_H

#include "sig/sip/gruu.h"

struct shard_settings;

enum { ROUTE_USER_MAX = GRUU_USER_MAX };

enum route_verdict {
	ROUTE_OK,
	ROUTE_SCHEME,         /* 416: neither sip nor tel */
	ROUTE_NOT_FOUND,      /* 404 */
	ROUTE_NO_GRUU,        /* 404: a GRUU (RFC 5627) that is invalid, or no longer valid */
	ROUTE_FOREIGN,        /* 404: of another domain, and there is no way there */
	ROUTE_NOT_REGISTERED, /* 480 */
	ROUTE_REMOTE,         /* 480: its phones are there, and another node alone reaches them */
	ROUTE_LOOP,           /* 482: the contact is one of our own addresses */
};

/* The user a URI names, unescaped: the key of an extension. Returns ROUTE_OK, ROUTE_SCHEME or
 * ROUTE_NOT_FOUND. */
enum route_verdict route_user(const struct sip_uri *uri, char user[ROUTE_USER_MAX]);
/* The same, and which of the user's phones; *gruu is empty if all are meant. Also returns
 * ROUTE_NO_GRUU. */
enum route_verdict route_phone(const struct sip_uri *uri, uint16_t tenant,
			       const struct shard_settings *settings, char user[ROUTE_USER_MAX],
			       struct gruu *gruu);
/* A numeric host that is one of ours, by whatever port. */
bool route_is_own_address(struct bytes host, const struct shard_settings *settings);
/* Whether a received URI names a user of the tenant: by a domain of it, by an address of ours, or
 * without host (tel). The realm and sip.domains are names of the default tenant. Domains of other
 * tenants do not count. */
bool route_is_ours(const struct sip_uri *uri, uint16_t tenant,
		   const struct shard_settings *settings);
/* The same, or an unknown host that the sender itself uses: a phone calls its neighbours at the
 * domain by which it reached us, whatever name that is. */
bool route_is_near(const struct sip_uri *uri, const struct sip_uri *sender, uint16_t tenant,
		   const struct shard_settings *settings);

#endif
