/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/web/events.h"
#include "app/web/web_clients.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/table.h"

enum {
	SOURCES = 1024,
	SPARE = 64,      /* those that are ending keep their places up to the end of the round */
	YOUNG_MS = 1000, /* for so long nobody of the same address goes for another */
};

#define PATIENCE_NS (30 * NS_PER_S)

struct web_client {
	struct lws *wsi;
	struct addr source; /* as addr_source has it */
	uint64_t born_ns, received_ns;
	uint16_t bucket; /* of its address */
	bool used;
	bool is_head;   /* it has not said what it wants */
	bool has_asked; /* a whole request came */
	bool trusted;
	bool is_doomed;
};

/* How many strangers an address has. source NULL: none. */
struct tally {
	const struct addr *source;
	uint32_t count;
};

struct web_clients {
	struct stream_rate handshakes; /* per_s 0: no limit */
	struct hash_key key;
	uint64_t source_handshakes[SOURCES]; /* buckets of stream_rate, by hash of the address */
	struct tally tallies[SOURCES];       /* while one is looked at */
	uint64_t patience_ns;
	uint32_t max, per_source, listeners;
	uint32_t room; /* of list: max, and some to spare */
	uint32_t top;  /* behind the last one that is used: who comes costs a look at all before */
	struct web_client list[];
};

/* How many, and which stranger among them goes first: one that has asked for nothing yet, else who has asked for the longest time. */
struct crowd {
	uint32_t count;
	struct web_client *first;
};

static struct {
	metric_id full, source, heads, hurried;
	metric_id made_room, silent;
} g_client_metrics;

static metric_id client_refusal(const char *labels)
{
	return metric_register(METRIC_COUNTER, "tandem_http_refused_total", labels,
			       "Connections of the web listener not taken");
}

static metric_id ended(const char *labels)
{
	return metric_register(METRIC_COUNTER, "tandem_http_ended_total", labels,
			       "Connections of the web listener that the node ended");
}

void web_clients_setup(void)
{
	g_client_metrics.full = client_refusal("reason=\"connections_full\"");
	g_client_metrics.source = client_refusal("reason=\"source_full\"");
	g_client_metrics.heads = client_refusal("reason=\"requests_of_source\"");
	g_client_metrics.hurried = client_refusal("reason=\"handshakes_of_source\"");
	g_client_metrics.made_room = ended("reason=\"made_room\"");
	g_client_metrics.silent = ended("reason=\"no_request\"");
}

int web_clients_open(struct web_clients **out, const struct web_settings *settings)
{
	uint32_t listeners = settings->door ? EVENTS_LISTENERS_MAX : 0;
	uint32_t max = WEB_CONNECTIONS_MAX + listeners + (settings->link ? settings->places : 0);
	struct web_clients *c = calloc(1, sizeof(*c) + (max + SPARE) * sizeof(c->list[0]));
	struct rand_source rand;

	if (!c)
		return -ENOMEM;
	c->max = max;
	c->listeners = listeners;
	c->room = max + SPARE;
	c->per_source = settings->per_source;
	c->patience_ns = settings->patience_ns ? settings->patience_ns : PATIENCE_NS;
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
	return c->room;
}

/* The library keeps the head of one that listens to Server-Sent Events. */
uint32_t web_clients_heads_max(const struct web_clients *c)
{
	return WEB_CONNECTIONS_MAX + SPARE + c->listeners;
}

/* ---- the rule ---- */

static bool client_is_stranger(const struct web_client *client)
{
	return client->used && !client->is_doomed && client->is_head && !client->trusted;
}

static bool client_goes_before(const struct web_client *a, const struct web_client *b)
{
	return a->has_asked != b->has_asked ? b->has_asked : a->received_ns < b->received_ns;
}

/* source, as addr_source has it: of it; NULL: of all. heads: those alone that have not said what they want. Who came before_ns or later
 * does not go. */
static struct crowd crowd_of(struct web_clients *c, const struct addr *source, bool heads,
			     uint64_t before_ns)
{
	struct crowd crowd = { 0 };

	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (!client->used || client->is_doomed || (heads && !client->is_head) ||
		    (source && !addr_ip_eq(&client->source, source)))
			continue;
		crowd.count++;
		if (!client->trusted && client->born_ns < before_ns &&
		    (!crowd.first || client_goes_before(client, crowd.first)))
			crowd.first = client;
	}
	return crowd;
}

/* There are fewer strangers than places. */
static struct tally *tally_of(struct tally all[SOURCES], uint32_t bucket, const struct addr *source)
{
	while (all[bucket].source && !addr_ip_eq(all[bucket].source, source))
		bucket = (bucket + 1) % SOURCES;
	all[bucket].source = source;
	return &all[bucket];
}

/*
 * Who goes when there are too many strangers: the first one of the address that has the most of them, and nobody where the newcomer's has as
 * many. So addresses that open connections again and again do not get more of them, and refusing one costs little.
 */
static struct web_client *stranger_of_most(struct web_clients *c, uint16_t bucket,
					   const struct addr *source)
{
	struct tally *all = c->tallies, *own;
	struct web_client *first = NULL;
	uint32_t most = 0;

	memset(c->tallies, 0, sizeof(c->tallies));
	own = tally_of(all, bucket, source);
	for (uint32_t i = 0; i < c->top; i++) {
		const struct web_client *client = &c->list[i];

		if (client_is_stranger(client)) {
			struct tally *t = tally_of(all, client->bucket, &client->source);

			most = ++t->count > most ? t->count : most;
		}
	}
	if (own->count && own->count + 1 >= most)
		return NULL;
	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (client_is_stranger(client) &&
		    tally_of(all, client->bucket, &client->source)->count == most &&
		    (!first || client_goes_before(client, first)))
			first = client;
	}
	return first;
}

static_assert(WEB_CONNECTIONS_MAX + SPARE < SOURCES, "a tally has a place for each");

static void client_doom(struct web_client *client, metric_id why)
{
	client->is_doomed = true;
	metric_add(why, 1);
	lws_set_timeout(client->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static bool client_refuse(metric_id why)
{
	metric_add(why, 1);
	return false;
}

/* One more than limit: a stranger goes. */
static bool clients_make_room(struct crowd crowd, uint32_t limit, metric_id why)
{
	if (crowd.count < limit)
		return true;
	if (!crowd.first)
		return client_refuse(why);
	client_doom(crowd.first, g_client_metrics.made_room);
	return true;
}

static uint16_t bucket_of(const struct web_clients *c, const struct addr *source)
{
	return (uint16_t)(hash_sip(&c->key, bytes_mem(source->ip, sizeof(source->ip))) % SOURCES);
}

/* One handshake costs as much as hundreds of messages. */
static bool is_hurried(struct web_clients *c, uint16_t bucket, uint64_t now_ns)
{
	return c->handshakes.per_s &&
	       !stream_rate_spend(&c->source_handshakes[bucket], &c->handshakes, now_ns);
}

static struct web_client *free_client(struct web_clients *c)
{
	uint32_t i = 0;

	while (i < c->top && c->list[i].used)
		i++;
	return i < c->room ? &c->list[i] : NULL;
}

bool web_clients_have_room(struct web_clients *c)
{
	return free_client(c) != NULL;
}

/* What an address may have comes first, so that one of many connections takes nobody else's place. */
bool web_clients_admit(struct web_clients *c, int fd, uint64_t now_ns)
{
	uint64_t young_ns = now_ns - YOUNG_MS * NS_PER_MS;
	struct crowd heads;
	struct addr source;
	uint16_t bucket;

	if (web_clients_peer(fd, &source))
		return client_refuse(g_client_metrics.source);
	source = addr_source(&source);
	if (!free_client(c))
		return client_refuse(g_client_metrics.full);
	if (!clients_make_room(crowd_of(c, &source, true, young_ns), WEB_HEADS_OF_SOURCE,
			       g_client_metrics.heads) ||
	    !clients_make_room(crowd_of(c, &source, false, now_ns), c->per_source,
			       g_client_metrics.source))
		return false;
	bucket = bucket_of(c, &source);
	if (is_hurried(c, bucket, now_ns))
		return client_refuse(g_client_metrics.hurried);
	heads = crowd_of(c, NULL, true, now_ns);
	if (heads.count >= WEB_CONNECTIONS_MAX)
		heads.first = stranger_of_most(c, bucket, &source);
	return clients_make_room(heads, WEB_CONNECTIONS_MAX, g_client_metrics.full) &&
	       clients_make_room(crowd_of(c, NULL, false, now_ns), c->max, g_client_metrics.full);
}

struct web_client *web_clients_add(struct web_clients *c, struct lws *wsi, uint64_t now_ns)
{
	struct web_client *client = free_client(c);

	if (!client)
		return NULL;
	if (client == &c->list[c->top])
		c->top++;
	*client = (struct web_client){
		.wsi = wsi, .used = true, .is_head = true, .born_ns = now_ns, .received_ns = now_ns
	};
	if (web_clients_peer(lws_get_socket_fd(wsi), &client->source))
		client->source = (struct addr){ 0 };
	client->source = addr_source(&client->source);
	client->bucket = bucket_of(c, &client->source);
	return client;
}

void web_clients_remove(struct web_clients *c, struct web_client *client)
{
	client->used = false;
	while (c->top && !c->list[c->top - 1].used)
		c->top--;
}

void web_client_on_request(struct web_client *client, uint64_t now_ns)
{
	client->has_asked = true;
	client->received_ns = now_ns;
}

void web_client_upgraded(struct web_client *client)
{
	client->is_head = false;
	client->has_asked = true;
}

void web_client_trust(struct web_client *client)
{
	client->trusted = true;
}

/* A WebSocket has limits of its own (web_sip.c). */
void web_clients_expire(struct web_clients *c, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (client->used && client->is_head && !client->is_doomed &&
		    client->received_ns + c->patience_ns <= now_ns)
			client_doom(client, g_client_metrics.silent);
	}
}

int web_clients_peer(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(out, (const struct sockaddr *)&sa);
}

/* id, name, status, what to look at */
#define REFUSALS(X)                                                                  \
	X(PATH, "path", 404, "the path of SIP is " WEB_ADMIT_PATH)                   \
	X(PROTOCOL, "protocol", 400, "the sub-protocol must be " WEB_ADMIT_PROTOCOL) \
	X(ORIGIN, "origin", 403, "the page's origin is not in http.origins")         \
	X(FULL, "connections_full", 503, "limits.websockets is reached")

enum refusal {
#define X(id, name, status, hint) REFUSED_##id,
	REFUSALS(X)
#undef X
		REFUSAL_COUNT
};

static metric_id g_refused[REFUSAL_COUNT];

void web_admit_setup(void)
{
	static const char *const labels[] = {
#define X(id, name, status, hint) "reason=\"" name "\"",
		REFUSALS(X)
#undef X
	};

	for (int i = 0; i < REFUSAL_COUNT; i++) {
		g_refused[i] = metric_register(METRIC_COUNTER, "tandem_sip_ws_refused_total",
					       labels[i], "WebSockets not taken");
	}
}

/* p NULL: there is none; n 0: it is longer than all we would take. */
static struct bytes header(struct lws *wsi, enum lws_token_indexes token, char *space, int size)
{
	int n = lws_hdr_total_length(wsi, token);

	if (n <= 0)
		return (struct bytes){ 0 };
	n = lws_hdr_copy(wsi, space, size, token);
	return bytes_mem(space, n > 0 ? (size_t)n : 0);
}

static bool path_is_fine(struct lws *wsi)
{
	char path[sizeof(WEB_ADMIT_PATH) + 1];

	return bytes_is(header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)), WEB_ADMIT_PATH);
}

/* The library would take HTTP/2 as well, and in it connections that nobody counts (RFC 9110 7.8). */
static bool upgrade_is_fine(struct lws *wsi)
{
	static const char websocket[] = "websocket";
	char name[sizeof(websocket) + 1];

	return bytes_iis(header(wsi, WSI_TOKEN_UPGRADE, name, sizeof(name)), websocket);
}

static bool protocol_is_fine(struct lws *wsi)
{
	char list[256];

	return origin_offers(header(wsi, WSI_TOKEN_PROTOCOL, list, sizeof(list)),
			     WEB_ADMIT_PROTOCOL);
}

static bool origin_is_fine(const struct web_settings *settings,
			   const struct web_origins_list *origins, struct lws *wsi)
{
	char origin[ORIGIN_MAX + 1], host[ORIGIN_MAX + 1];
	const struct origin_request r = {
		.origin = header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)),
		.host = header(wsi, WSI_TOKEN_HOST, host, sizeof(host)),
		.secure = settings->tls != NULL,
	};

	return origin_is_allowed(&r, origins->list, origins->count);
}

static enum refusal web_admit_judge(const struct web_settings *settings,
				    const struct web_origins_list *origins, bool has_place,
				    struct lws *wsi)
{
	if (!path_is_fine(wsi))
		return REFUSED_PATH;
	if (!upgrade_is_fine(wsi) || !protocol_is_fine(wsi))
		return REFUSED_PROTOCOL;
	if (!origin_is_fine(settings, origins, wsi))
		return REFUSED_ORIGIN;
	return has_place ? REFUSAL_COUNT : REFUSED_FULL;
}

/* What the peer said is cut: it chose how long. */
static void log_refused(enum refusal why, struct lws *wsi)
{
	static const char *const names[] = {
#define X(id, name, status, hint) name,
		REFUSALS(X)
#undef X
	};
	static const char *const hints[] = {
#define X(id, name, status, hint) hint,
		REFUSALS(X)
#undef X
	};
	char origin[ORIGIN_MAX + 1], path[64];
	struct addr source = { 0 };

	if (web_clients_peer(lws_get_socket_fd(wsi), &source))
		source = (struct addr){ 0 }; /* it has gone meanwhile */
	LOG_INFO("web", 0, "WebSocket refused", LOG_STR("reason", names[why]),
		 LOG_STR("hint", hints[why]),
		 LOG_BYTES("origin", header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin))),
		 LOG_BYTES("path", header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path))),
		 LOG_ADDR("source", &source));
}

bool web_admit(const struct web_settings *settings, const struct web_origins_list *origins,
	       bool has_place, struct lws *wsi)
{
	static const unsigned statuses[] = {
#define X(id, name, status, hint) status,
		REFUSALS(X)
#undef X
	};
	enum refusal why = web_admit_judge(settings, origins, has_place, wsi);

	if (why == REFUSAL_COUNT)
		return true;
	metric_add(g_refused[why], 1);
	log_refused(why, wsi);
	(void)lws_return_http_status(wsi, statuses[why], NULL);
	return false;
}

void web_admit_lost(void)
{
	metric_add(g_refused[REFUSED_FULL], 1);
}

static void list_fill(struct web_origins_list *to, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	assert(count <= WEB_ORIGINS_MAX);
	to->count = count;
	if (count)
		memcpy(to->list, list, count * sizeof(to->list[0]));
}

void web_origins_open(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	list_fill(&o->now, list, count);
}

void web_origins_close(struct web_origins *o)
{
	/* acquire: pairs with the release in web_origins_renew */
	free(atomic_exchange_explicit(&o->fresh, NULL, memory_order_acquire));
}

void web_origins_renew(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	struct web_origins_list *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return;
	list_fill(fresh, list, count);
	/* release: pairs with the acquire in web_origins_refresh */
	free(atomic_exchange_explicit(&o->fresh, fresh, memory_order_acq_rel));
}

void web_origins_refresh(struct web_origins *o)
{
	/* acquire: pairs with the release in web_origins_renew */
	struct web_origins_list *fresh =
		atomic_exchange_explicit(&o->fresh, NULL, memory_order_acquire);

	if (fresh)
		o->now = *fresh;
	free(fresh);
}
