/* SPDX-License-Identifier: Apache-2.0 */
/* Where Redis is and how we log in there, from the URL of the settings. Holds a password: never log it, wipe it. */
#ifndef CLUSTER_REDIS_URL_H
#define CLUSTER_REDIS_URL_H

#include "base/addr.h"

struct redis_url {
	char path[108]; /* unix socket; empty: TCP */
	char host[254];
	uint16_t port;
	bool tls;
	uint32_t db;
	char user[64]; /* empty: the default user */
	char password[128];
};

/* "unix:/path" or "redis://[[user]:password@]host[:port][/db]", with rediss for TLS; user and password %-encoded (RFC 3986 2.1).
 * 0, or -EINVAL and a constant sentence in *reason. */
int redis_url_read(struct redis_url *out, struct bytes text, const char **reason) NODISCARD;
/* The address of a TCP URL. Asks the resolver for names other than IP literals, so it may block: at start only.
 * 0 or -EHOSTUNREACH. */
int redis_url_resolve(const struct redis_url *url, struct addr *out) NODISCARD;

#endif
