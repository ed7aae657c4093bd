/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Redis is. What is taken is within its bounds, and the same again when it is written with all that may be left out, and with each
 * octet of a login escaped.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/redis/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096 };

static void escaped_write(struct writer *w, const char *text)
{
	for (; *text; text++) {
		writer_u8(w, '%');
		writer_hex(w, bytes_mem(text, 1));
	}
}

static void login_write(struct writer *w, const struct redis_login *l, const char *end)
{
	if (!l->password[0])
		return;
	escaped_write(w, l->user);
	writer_u8(w, ':');
	escaped_write(w, l->password);
	writer_str(w, end);
}

static void server_write(struct writer *w, const struct redis_server *s)
{
	bool brackets = strchr(s->host, ':') || s->host[0] == '[';

	writer_fmt(w, brackets ? "[%s]:%u" : "%s:%u", s->host, s->port);
}

static void sentinels_write(struct writer *w, const struct redis_url *u)
{
	writer_str(w, u->tls ? "sentinels://" : "sentinel://");
	login_write(w, &u->login, "@");
	for (uint32_t i = 0; i < u->sentinel_count; i++) {
		writer_str(w, i ? "," : "");
		server_write(w, &u->sentinels[i]);
	}
	writer_fmt(w, "/%s", u->primary);
	writer_str(w, u->sentinel_login.password[0] ? "?sentinel=" : "");
	login_write(w, &u->sentinel_login, "");
}

static void url_write(struct writer *w, const struct redis_url *u)
{
	if (u->path[0]) {
		writer_fmt(w, "unix:%s", u->path);
	} else if (u->sentinel_count) {
		sentinels_write(w, u);
	} else {
		writer_str(w, u->tls ? "rediss" : "redis");
		writer_str(w, u->cluster ? "+cluster://" : "://");
		login_write(w, &u->login, "@");
		server_write(w, &u->server);
		writer_fmt(w, "/%u", u->db);
	}
}

static void url_check(const struct redis_url *u)
{
	bool one = !u->path[0] != !u->server.host[0];

	assert(u->sentinel_count ? !u->path[0] && !u->server.host[0] : one);
	assert(u->sentinel_count <= REDIS_SENTINELS_MAX && !u->sentinel_count == !u->primary[0]);
	for (uint32_t i = 0; i < u->sentinel_count; i++)
		assert(u->sentinels[i].host[0] && u->sentinels[i].port);
	assert(u->path[0] || u->sentinel_count || u->server.port);
	assert(!u->cluster || (u->server.host[0] && !u->db));
	assert(!u->login.user[0] || u->login.password[0]);
	assert(!u->sentinel_login.user[0] || u->sentinel_login.password[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redis_url url, again;
	char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	const char *reason = NULL;

	if (redis_url_read(&url, bytes_mem(data, size), &reason)) {
		assert(reason && reason[0]);
		return 0;
	}
	assert(!reason);
	url_check(&url);
	url_write(&w, &url);
	/* a host that has a bracket inside is read from the left */
	for (uint32_t i = 0; i < url.sentinel_count; i++) {
		if (strpbrk(url.sentinels[i].host, "[]@/,"))
			return 0;
	}
	if (w.overflow || strpbrk(url.server.host, "[]@/,"))
		return 0;
	assert(redis_url_read(&again, writer_done(&w), &reason) == 0);
	assert(memcmp(&url, &again, sizeof(url)) == 0);
	return 0;
}
