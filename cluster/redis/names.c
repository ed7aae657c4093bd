/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cluster/redis/url.h"

/* The asker's and the thread's: the last of the two gives it back. */
struct redis_names {
	struct redis_url url; /* without logins */
	int fd;
	_Atomic bool known;
	_Atomic uint32_t users;
};

static void names_leave(struct redis_names *n)
{
	/* acq_rel: what the other one did is done before it is freed */
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

static int names_begin(struct redis_names *n)
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

int redis_names_ask(struct redis_names **out, struct bytes url)
{
	struct redis_names *n = calloc(1, sizeof(*n));
	const char *reason;
	int err = n ? redis_url_read(&n->url, url, &reason) : -ENOMEM;

	if (!err) {
		explicit_bzero(&n->url.login, sizeof(n->url.login));
		explicit_bzero(&n->url.sentinel_login, sizeof(n->url.sentinel_login));
		err = has_names(&n->url) ? names_begin(n) : -ENODATA;
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
