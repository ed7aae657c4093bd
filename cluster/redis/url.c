/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses redis.url with its four schemes, writes it without logins for people, and resolves its
 * names. Settings are checked with it, and open.c dials what it yields. The thread for names exists
 * because getaddrinfo(3) blocks: it and the asker share one block of memory, which the last of the
 * two frees.
 */

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/redis/url.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379, DB_MAX = 65535 };

/* The last c: a password may hold an unescaped '@'. a.n: absent. */
static size_t find_last(struct bytes a, uint8_t c)
{
	for (size_t i = a.n; i > 0; i--) {
		if (a.p[i - 1] == c)
			return i - 1;
	}
	return a.n;
}

/* %-decodes into out with a NUL at the end. 0 or -EINVAL. */
static int decode(struct bytes in, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		size_t one;

		if (c == '%') {
			if (i + 2 >= in.n || hex_decode(bytes_sub(in, i + 1, 2), &c, 1, &one) != 0)
				return -EINVAL;
			i += 2;
		}
		if (c == 0 || n + 1 >= cap)
			return -EINVAL;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return 0;
}

static const char *login_read(struct redis_login *out, struct bytes login)
{
	size_t colon = bytes_find(login, ':');

	if (colon == login.n)
		return "a login is user:password or :password";
	if (decode(bytes_sub(login, 0, colon), out->user, sizeof(out->user)) != 0)
		return "the user is too long or badly escaped";
	if (decode(bytes_from(login, colon + 1), out->password, sizeof(out->password)) != 0)
		return "the password is too long or badly escaped";
	return out->password[0] ? NULL : "the password is empty";
}

/* host, host:port, [v6] or [v6]:port */
static const char *url_host_read(struct redis_server *out, struct bytes in, uint32_t number)
{
	struct bytes host, port;

	if (bytes_starts(in, "[")) {
		size_t end = bytes_find(in, ']');

		host = bytes_sub(in, 1, end - 1);
		port = bytes_from(in, end + 1);
		if (end == in.n || (port.n && port.p[0] != ':'))
			return "the host is no address in brackets";
	} else {
		host = bytes_sub(in, 0, bytes_find(in, ':'));
		port = bytes_from(in, host.n);
	}
	if (port.n &&
	    (bytes_u32(bytes_from(port, 1), &number) != 0 || !number || number > UINT16_MAX))
		return "the port is no number from 1 to 65535";
	out->port = (uint16_t)number;
	if (host.n == 0 || bytes_cstr(host, out->host, sizeof(out->host)) != 0)
		return "the host is missing or too long";
	return NULL;
}

/* What stands behind the login, if there is one. */
static const char *url_login_cut(struct redis_url *out, struct bytes *rest)
{
	size_t at = find_last(*rest, '@');
	const char *fault = NULL;

	if (at < rest->n) {
		fault = login_read(&out->login, bytes_sub(*rest, 0, at));
		*rest = bytes_from(*rest, at + 1);
	}
	return fault;
}

static const char *url_tcp_read(struct redis_url *out, struct bytes rest)
{
	const char *fault = url_login_cut(out, &rest);
	size_t slash = bytes_find(rest, '/');
	struct bytes db = bytes_from(rest, slash + 1);

	if (!fault && db.n && (bytes_u32(db, &out->db) != 0 || out->db > DB_MAX))
		fault = "the database is no small number";
	return fault ? fault : url_host_read(&out->server, bytes_sub(rest, 0, slash), REDIS_PORT);
}

/* It has one database. */
static const char *url_cluster_read(struct redis_url *out, struct bytes rest)
{
	const char *fault = url_tcp_read(out, rest);

	out->cluster = true;
	return fault || !out->db ? fault : "Redis Cluster has no other database than 0";
}

/* As Sentinel allows it. */
static bool is_primary_name(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
			return false;
	}
	return name.n > 0;
}

static const char *sentinel_hosts_read(struct redis_url *out, struct bytes hosts)
{
	const char *fault = NULL;
	struct bytes host;

	if (hosts.n && hosts.p[hosts.n - 1] == ',')
		return "the last Sentinel is missing";
	while (!fault && bytes_cut(&hosts, ',', &host)) {
		if (out->sentinel_count == REDIS_SENTINELS_MAX)
			return "there are more than 7 Sentinels";
		fault = url_host_read(&out->sentinels[out->sentinel_count++], host, SENTINEL_PORT);
	}
	return fault;
}

/* sentinel=[user]:password */
static const char *sentinel_login_read(struct redis_url *out, struct bytes query)
{
	if (!bytes_starts(query, "sentinel="))
		return "behind the '?' stands only sentinel=user:password";
	return login_read(&out->sentinel_login, bytes_from(query, strlen("sentinel=")));
}

static const char *url_sentinel_read(struct redis_url *out, struct bytes rest)
{
	const char *fault = url_login_cut(out, &rest);
	size_t slash = bytes_find(rest, '/');
	struct bytes name = bytes_from(rest, slash + 1);
	size_t question = bytes_find(name, '?');

	if (!fault)
		fault = sentinel_hosts_read(out, bytes_sub(rest, 0, slash));
	if (!fault && question < name.n)
		fault = sentinel_login_read(out, bytes_from(name, question + 1));
	name = bytes_sub(name, 0, question);
	if (!fault &&
	    (!is_primary_name(name) || bytes_cstr(name, out->primary, sizeof(out->primary)) != 0))
		fault = "the name of the primary is missing, too long or has other characters "
			"than letters, digits, '.', '-' and '_'";
	if (!fault && !out->sentinel_count)
		fault = "the Sentinels are missing";
	return fault;
}

static const char *unix_read(struct redis_url *out, struct bytes path)
{
	if (!bytes_starts(path, "/"))
		return "the path of a unix socket starts with a slash";
	if (bytes_cstr(path, out->path, sizeof(out->path)) != 0)
		return "the path of a unix socket has at most 107 characters";
	return NULL;
}

int redis_url_read(struct redis_url *out, struct bytes text, const char **reason)
{
	*out = (struct redis_url){ 0 };
	if (memchr(text.p ? text.p : (const uint8_t *)"", 0, text.n)) {
		*reason = "has a NUL byte";
	} else if (bytes_starts(text, "unix:")) {
		*reason = unix_read(out, bytes_from(text, strlen("unix:")));
	} else if (bytes_starts(text, "redis://")) {
		*reason = url_tcp_read(out, bytes_from(text, strlen("redis://")));
	} else if (bytes_starts(text, "rediss://")) {
		out->tls = true;
		*reason = url_tcp_read(out, bytes_from(text, strlen("rediss://")));
	} else if (bytes_starts(text, "redis+cluster://")) {
		*reason = url_cluster_read(out, bytes_from(text, strlen("redis+cluster://")));
	} else if (bytes_starts(text, "rediss+cluster://")) {
		out->tls = true;
		*reason = url_cluster_read(out, bytes_from(text, strlen("rediss+cluster://")));
	} else if (bytes_starts(text, "sentinel://")) {
		*reason = url_sentinel_read(out, bytes_from(text, strlen("sentinel://")));
	} else if (bytes_starts(text, "sentinels://")) {
		out->tls = true;
		*reason = url_sentinel_read(out, bytes_from(text, strlen("sentinels://")));
	} else {
		*reason = "starts neither with unix: nor with redis://, rediss://, sentinel://, "
			  "sentinels://, redis+cluster:// or rediss+cluster://";
	}
	return *reason ? -EINVAL : 0;
}

static void url_host_write(struct writer *w, const struct redis_server *server)
{
	bool v6 = bytes_find(bytes_str(server->host), ':') < strlen(server->host);

	writer_fmt(w, "%s%s%s:%u", v6 ? "[" : "", server->host, v6 ? "]" : "",
		   (unsigned)server->port);
}

static void url_sentinel_write(struct writer *w, const struct redis_url *url)
{
	writer_str(w, url->tls ? "sentinels://" : "sentinel://");
	for (uint32_t i = 0; i < url->sentinel_count; i++) {
		writer_str(w, i ? "," : "");
		url_host_write(w, &url->sentinels[i]);
	}
	writer_fmt(w, "/%s", url->primary);
}

void redis_url_write(struct writer *w, const struct redis_url *url)
{
	if (url->path[0]) {
		writer_fmt(w, "unix:%s", url->path);
	} else if (url->sentinel_count) {
		url_sentinel_write(w, url);
	} else {
		writer_fmt(w, "redis%s%s://", url->tls ? "s" : "", url->cluster ? "+cluster" : "");
		url_host_write(w, &url->server);
		if (url->db)
			writer_fmt(w, "/%u", (unsigned)url->db);
	}
}

static int redis_server_query(const struct redis_server *server, struct addr *out)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int err;

	if (getaddrinfo(server->host, NULL, &hints, &found) != 0)
		return -EHOSTUNREACH;
	err = addr_from_sockaddr(out, found->ai_addr);
	freeaddrinfo(found);
	return err;
}

int redis_server_resolve(const struct redis_server *server, struct addr *out)
{
	struct bytes host = bytes_str(server->host);
	int err = addr_parse(out, bytes_is(host, "localhost") ? BYTES_LIT("127.0.0.1") : host);

	if (err)
		err = redis_server_query(server, out);
	out->port = server->port;
	return err;
}

/* Shared by the asker and the thread: the last of the two frees it. */
struct redis_names {
	struct redis_url url; /* without logins */
	int fd;
	_Atomic bool known;
	_Atomic uint32_t users;
};

static void names_leave(struct redis_names *n)
{
	/* acq_rel: writes of the other one happen before the free */
	if (atomic_fetch_sub_explicit(&n->users, 1, memory_order_acq_rel) > 1)
		return;
	(void)close(n->fd);
	free(n);
}

static bool is_known(const struct redis_url *url)
{
	bool known = false;
	struct addr addr;

	if (!url->sentinel_count)
		return redis_server_resolve(&url->server, &addr) == 0;
	for (uint32_t i = 0; i < url->sentinel_count; i++)
		known |= redis_server_resolve(&url->sentinels[i], &addr) == 0;
	return known;
}

static void *names_run(void *arg)
{
	struct redis_names *n = arg;

	/* relaxed: the descriptor orders it */
	atomic_store_explicit(&n->known, is_known(&n->url), memory_order_relaxed);
	(void)!eventfd_write(n->fd, 1);
	names_leave(n);
	return NULL;
}

static bool server_is_name(const struct redis_server *server)
{
	struct bytes host = bytes_str(server->host);
	struct addr addr;

	return host.n && !bytes_is(host, "localhost") && addr_parse(&addr, host);
}

static bool has_names(const struct redis_url *url)
{
	bool any = server_is_name(&url->server);

	for (uint32_t i = 0; i < url->sentinel_count; i++)
		any |= server_is_name(&url->sentinels[i]);
	return any;
}

static int names_start(struct redis_names *n)
{
	pthread_t thread;
	int err;

	n->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->fd < 0)
		return -errno;
	atomic_init(&n->users, 2);
	err = -pthread_create(&thread, NULL, names_run, n);
	if (err)
		(void)close(n->fd);
	else
		(void)pthread_detach(thread);
	return err;
}

int redis_names_resolve(struct redis_names **out, struct bytes url)
{
	struct redis_names *n = calloc(1, sizeof(*n));
	const char *reason;
	int err = n ? redis_url_read(&n->url, url, &reason) : -ENOMEM;

	if (!err) {
		explicit_bzero(&n->url.login, sizeof(n->url.login));
		explicit_bzero(&n->url.sentinel_login, sizeof(n->url.sentinel_login));
		err = has_names(&n->url) ? names_start(n) : -ENODATA;
	}
	if (err) {
		free(n);
		return err;
	}
	*out = n;
	return 0;
}

int redis_names_fd(const struct redis_names *n)
{
	return n->fd;
}

bool redis_names_are_known(const struct redis_names *n)
{
	return atomic_load_explicit(&n->known, memory_order_relaxed);
}

void redis_names_close(struct redis_names *n)
{
	if (n)
		names_leave(n);
}
