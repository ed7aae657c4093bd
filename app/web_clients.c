/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web_clients.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/metric.h"
#include "base/rand.h"

enum { SOURCES = 1024 };

struct web_client {
	struct addr from;
	bool used;
};

struct web_clients {
	struct stream_rate handshakes; /* per_s 0: no limit */
	struct hash_key key;
	uint64_t source_handshakes[SOURCES]; /* buckets of stream_rate, by hash of the address */
	uint32_t count, max, per_source;
	struct web_client list[];
};

static struct {
	metric_id full, source, hurried;
} g_metrics;

static metric_id refusal(const char *labels)
{
	return metric_register(METRIC_COUNTER, "tandem_http_refused_total", labels,
			       "Connections of the web listener not taken");
}

void web_clients_setup(void)
{
	g_metrics.full = refusal("reason=\"connections_full\"");
	g_metrics.source = refusal("reason=\"source_full\"");
	g_metrics.hurried = refusal("reason=\"handshakes_of_source\"");
}

int web_clients_open(struct web_clients **out, const struct web_settings *settings)
{
	uint32_t max = WEB_CONNECTIONS_MAX + (settings->link ? settings->places : 0);
	struct web_clients *c = calloc(1, sizeof(*c) + max * sizeof(c->list[0]));
	struct rand_source rand;

	if (!c)
		return -ENOMEM;
	c->max = max;
	c->per_source = settings->per_source;
	if (settings->tls)
		c->handshakes = settings->handshakes_per_source;
	rand_open_system(&rand);
	c->key.k0 = rand_u64_from(&rand);
	c->key.k1 = rand_u64_from(&rand);
	*out = c;
	return 0;
}

void web_clients_close(struct web_clients *c)
{
	free(c);
}

uint32_t web_clients_max(const struct web_clients *c)
{
	return c->max;
}

static uint32_t count_of(const struct web_clients *c, const struct addr *source)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->max; i++)
		n += c->list[i].used && addr_ip_eq(&c->list[i].from, source);
	return n;
}

/* One handshake costs as much as hundreds of messages. */
static bool is_hurried(struct web_clients *c, const struct addr *source, uint64_t now_ns)
{
	uint64_t hash = hash_sip(&c->key, bytes_mem(source->ip, sizeof(source->ip)));

	return c->handshakes.per_s &&
	       !stream_rate_take(&c->source_handshakes[hash % SOURCES], &c->handshakes, now_ns);
}

static bool refuse(metric_id why)
{
	metric_add(why, 1);
	return false;
}

bool web_clients_admit(struct web_clients *c, int fd, uint64_t now_ns)
{
	struct addr source;

	if (c->count == c->max)
		return refuse(g_metrics.full);
	if (web_clients_peer(fd, &source) || count_of(c, &source) >= c->per_source)
		return refuse(g_metrics.source);
	if (is_hurried(c, &source, now_ns))
		return refuse(g_metrics.hurried);
	return true;
}

struct web_client *web_clients_add(struct web_clients *c, int fd)
{
	for (uint32_t i = 0; i < c->max; i++) {
		struct web_client *client = &c->list[i];

		if (client->used)
			continue;
		client->used = true;
		if (web_clients_peer(fd, &client->from))
			client->from = (struct addr){ 0 };
		c->count++;
		return client;
	}
	return NULL;
}

void web_clients_remove(struct web_clients *c, struct web_client *client)
{
	client->used = false;
	c->count--;
}

int web_clients_peer(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(out, (const struct sockaddr *)&sa);
}
