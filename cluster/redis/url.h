/* SPDX-License-Identifier: Apache-2.0 */
/* Place and login of Redis, from the URL of the settings. Has a password: never log it, wipe it. */
#ifndef CLUSTER_REDIS_URL_H
#define CLUSTER_REDIS_URL_H

#include "base/addr.h"
#include "base/bytes.h"

enum { REDIS_SENTINELS_MAX = 7 };

struct redis_server {
	char host[254];
	uint16_t port;
};

struct redis_login {
	char user[64]; /* empty: the default user */
	char password[128];
};

struct redis_url {
	char path[108];             /* unix socket; empty: TCP */
	struct redis_server server; /* empty: it is asked for */
	bool tls;
	bool cluster; /* of Redis Cluster: the keys of one command are of one slot */
	uint32_t db;
	struct redis_login login;
	/* Servers that know the primary of that name; none: the primary is server. */
	struct redis_server sentinels[REDIS_SENTINELS_MAX];
	uint32_t sentinel_count;
	char primary[64];
	struct redis_login sentinel_login;
};

/* Reads "unix:/path" or "redis://[[user]:password@]host[:port][/db]", with rediss for TLS; user and
 * password %-encoded (RFC 3986 2.1). "redis+cluster://" and "rediss+cluster://" likewise, without a
 * db. "sentinel://[[user]:password@]host[:port],host[:port].../primary[?sentinel=[user]:password]",
 * with sentinels for TLS to both: behind the '?' is the login at Sentinel. 0, or -EINVAL and a
 * constant sentence in *reason. */
int redis_url_read(struct redis_url *out, struct bytes text, const char **reason) NODISCARD;
/* The same without logins, as a text for people. */
void redis_url_write(struct writer *w, const struct redis_url *url);
/* Asks the resolver for names that are no IP literals, so it may block. 0 or -EHOSTUNREACH. */
int redis_server_resolve(const struct redis_server *server, struct addr *out) NODISCARD;
/* Whether the names of a redis.url resolve. The resolver of the C library blocks, for many seconds
 * where no name server answers: so it is asked on a thread of its own, which is left alone when the
 * answer is not wanted any more. */

struct redis_names;

/* Asks. 0, -ENODATA: there are no names in it, or -errno. url: valid (cluster/redis/url.h). */
int redis_names_resolve(struct redis_names **out, struct bytes url) NODISCARD;
/* Readable when there is an answer. */
int redis_names_fd(const struct redis_names *n);
/* Then: redis_open finds an address. */
bool redis_names_are_known(const struct redis_names *n);
/* At any time. NULL is fine. */
void redis_names_close(struct redis_names *n);

#endif
