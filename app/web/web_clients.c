/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission and fairness of web connections: places by kind, shares by holder, the choice of the
 * connection that gives way, handshake rates, and the checks of a WebSocket upgrade. web.c calls it
 * before and during each connection. The rule keeps service under attack: an address or tenant with
 * many connections displaces its own first, and refusing costs little.
 */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/web/events.h"
#include "app/web/web_clients.h"
#include "app/web/web_request.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/table.h"

enum {
	SOURCES = 1024,
	SPARE = 64,      /* ending ones keep their places up to the end of the round */
	YOUNG_MS = 1000, /* so long it does not give way to its own holder */
	TURNS = 5,       /* so many times turn_ns it keeps its place while it proves who it is */
};

#define PATIENCE_NS (30 * NS_PER_S)

/* A place is of one kind, so that no kind takes places of another: name, places. STREAM: event
 * streams and WebSockets, which have limits of their own. */
#define CLIENT_KINDS(X)                  \
	X(STRANGER, WEB_CONNECTIONS_MAX) \
	X(KNOWN, WEB_CONNECTIONS_MAX)    \
	X(OPERATOR, WEB_OPERATORS_MAX)   \
	X(PROBE, WEB_PROBES_MAX)         \
	X(STREAM, UINT32_MAX)

enum client_kind {
#define X(id, places) CLIENT_##id,
	CLIENT_KINDS(X)
#undef X
		CLIENT_KIND_COUNT
};

static const uint32_t g_client_places[] = {
#define X(id, places) places,
	CLIENT_KINDS(X)
#undef X
};

enum { KIND_ANY = CLIENT_KIND_COUNT, HOLDER_ANY = WEB_HOLDER_COUNT };

static const char *const g_client_problems[] = {
#define X(id, name, share, words) "too many connections of this " words,
	WEB_HOLDERS(X)
#undef X
};

static const uint32_t g_client_shares[] = {
#define X(id, name, share, words) share,
	WEB_HOLDERS(X)
#undef X
};

struct web_client {
	struct lws *wsi;
	struct web_clients *all;
	struct addr source; /* as addr_source has it */
	uint64_t of[WEB_HOLDER_COUNT];
	uint64_t born_ns, received_ns;
	uint64_t turn_ns; /* its turn began: when it came, or last proved who it is */
	enum client_kind kind;
	bool used;
	bool has_asked; /* a whole request came */
	bool is_idle;   /* its request is answered, and no other came */
	bool trusted;   /* authenticated */
	bool is_doomed;
};

/* Number of a holder's connections. */
struct tally {
	uint64_t of;
	uint32_t count; /* 0: the place is free */
};

struct web_clients {
	struct stream_rate handshakes; /* per_s 0: no limit */
	struct hash_key key;
	uint64_t source_handshakes[SOURCES]; /* buckets of stream_rate, by hash of the address */
	struct tally tallies[SOURCES];       /* while one is looked at */
	uint64_t patience_ns, turn_ns;
	uint32_t max, per_source, listeners;
	uint32_t room; /* of list: max, and some to spare */
	uint32_t top;  /* behind the last used one */
	struct web_client list[];
};

/* Connections that are counted together. */
struct client_group {
	int kind;           /* KIND_ANY: whatever they are */
	int by;             /* HOLDER_ANY: of all */
	uint64_t of;        /* that holder */
	uint64_t before_ns; /* younger ones give way only while idle */
};

/* Their number, and the one that gives way first. NULL: none may. */
struct crowd {
	uint32_t count;
	struct web_client *first;
};

static struct {
	metric_id full, source, heads, hurried, shares[WEB_HOLDER_COUNT];
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
	static const char *const shares[] = {
#define X(id, name, share, words) "reason=\"share_of_" name "\"",
		WEB_HOLDERS(X)
#undef X
	};

	g_client_metrics.full = client_refusal("reason=\"connections_full\"");
	g_client_metrics.source = client_refusal("reason=\"source_full\"");
	g_client_metrics.heads = client_refusal("reason=\"requests_of_source\"");
	g_client_metrics.hurried = client_refusal("reason=\"handshakes_of_source\"");
	for (int i = 0; i < WEB_HOLDER_COUNT; i++)
		g_client_metrics.shares[i] = client_refusal(shares[i]);
	g_client_metrics.made_room = ended("reason=\"made_room\"");
	g_client_metrics.silent = ended("reason=\"no_request\"");
}

/* Those with a request, or about to send one. */
static uint32_t heads_max(void)
{
	uint32_t max = 0;

	for (int kind = 0; kind < CLIENT_STREAM; kind++)
		max += g_client_places[kind];
	return max;
}

int web_clients_open(struct web_clients **out, const struct web_settings *settings)
{
	uint32_t listeners = settings->door ? EVENTS_LISTENERS_MAX : 0;
	uint32_t max = heads_max() + listeners + (settings->link ? settings->places : 0);
	struct web_clients *c = calloc(1, sizeof(*c) + (max + SPARE) * sizeof(c->list[0]));
	struct rand_source rand;

	if (!c)
		return -ENOMEM;
	c->max = max;
	c->listeners = listeners;
	c->room = max + SPARE;
	c->per_source = settings->per_source;
	c->patience_ns = settings->patience_ns ? settings->patience_ns : PATIENCE_NS;
	c->turn_ns = settings->turn_ns;
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

/* The library keeps the head of an SSE listener. */
uint32_t web_clients_heads_max(const struct web_clients *c)
{
	return heads_max() + SPARE + c->listeners;
}

/* ---- the rule ---- */

static bool client_is_in(const struct web_client *client, const struct client_group *g)
{
	return client->used && !client->is_doomed &&
	       (g->kind == KIND_ANY || client->kind == (enum client_kind)g->kind) &&
	       (g->by == HOLDER_ANY || client->of[g->by] == g->of);
}

static bool client_may_go(const struct web_client *client, const struct client_group *g)
{
	uint64_t since_ns = client->kind == CLIENT_STRANGER ? client->born_ns : client->received_ns;

	return client->is_idle || (!client->trusted && since_ns < g->before_ns);
}

/* Of strangers those without any request go first, of others the idle ones;
 * then the one that came or asked first. */
static bool client_goes_before(const struct web_client *a, const struct web_client *b)
{
	bool strangers = a->kind == CLIENT_STRANGER && b->kind == CLIENT_STRANGER;

	if (strangers && a->has_asked != b->has_asked)
		return b->has_asked;
	if (!strangers && a->is_idle != b->is_idle)
		return a->is_idle;
	return a->received_ns < b->received_ns;
}

/* Except self. */
static struct crowd crowd_of(struct web_clients *c, const struct client_group *g,
			     const struct web_client *self)
{
	struct crowd crowd = { 0 };

	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (!client_is_in(client, g))
			continue;
		crowd.count++;
		if (client != self && client_may_go(client, g) &&
		    (!crowd.first || client_goes_before(client, crowd.first)))
			crowd.first = client;
	}
	return crowd;
}

/* A kind has fewer connections than places. */
static struct tally *tally_of(struct tally all[SOURCES], uint64_t of)
{
	uint64_t at = of % SOURCES;

	while (all[at].count && all[at].of != of)
		at = (at + 1) % SOURCES;
	all[at].of = of;
	return &all[at];
}

static_assert(WEB_CONNECTIONS_MAX + SPARE < SOURCES, "a tally has a place for each");

/* Its tenant, or its address without a token. */
static uint64_t client_owner(const struct web_client *client)
{
	uint64_t tenant = client->of[WEB_HOLDER_TENANT];

	return client->kind != CLIENT_STRANGER && tenant ? tenant : client->of[WEB_HOLDER_SOURCE];
}

/* A stranger that is the only one of its address, while all places are taken. A thousand that come
 * at once would else push each other out in the middle of a handshake, and none would get on. */
static bool client_has_turn(const struct web_client *client, uint32_t of_owner, uint64_t now_ns)
{
	return client->kind == CLIENT_STRANGER && of_owner == 1 &&
	       now_ns - client->turn_ns < client->all->turn_ns &&
	       now_ns - client->born_ns < TURNS * client->all->turn_ns;
}

/* The connection that gives way to one more of that owner when a kind is full: the first one of the
 * owner with the most. Strangers do not displace an owner that has as few: addresses that reconnect
 * again and again get no more, and refusing one is cheap. */
static struct web_client *client_of_most(struct web_clients *c, enum client_kind kind,
					 uint64_t owner, uint64_t now_ns,
					 const struct web_client *self)
{
	const struct client_group g = { .kind = kind, .by = HOLDER_ANY, .before_ns = now_ns };
	struct web_client *first = NULL;
	uint32_t own, most = 0, n;

	memset(c->tallies, 0, sizeof(c->tallies));
	for (uint32_t i = 0; i < c->top; i++) {
		if (client_is_in(&c->list[i], &g))
			tally_of(c->tallies, client_owner(&c->list[i]))->count++;
	}
	own = tally_of(c->tallies, owner)->count;
	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (client == self || !client_is_in(client, &g) || !client_may_go(client, &g))
			continue;
		n = tally_of(c->tallies, client_owner(client))->count;
		if (client_has_turn(client, n, now_ns))
			continue;
		if (n > most || (n == most && client_goes_before(client, first)))
			first = client;
		most = n > most ? n : most;
	}
	return kind == CLIENT_STRANGER && own && own + 1 >= most ? NULL : first;
}

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

/* Above limit: the first one goes. */
static bool clients_make_room(struct crowd crowd, uint32_t limit, metric_id why)
{
	if (crowd.count < limit)
		return true;
	if (!crowd.first)
		return client_refuse(why);
	client_doom(crowd.first, g_client_metrics.made_room);
	return true;
}

static uint64_t source_hash(const struct web_clients *c, const struct addr *source)
{
	return hash_sip(&c->key, bytes_mem(source->ip, sizeof(source->ip)));
}

/* One handshake costs as much as hundreds of messages. */
static bool is_hurried(struct web_clients *c, uint64_t source, uint64_t now_ns)
{
	return c->handshakes.per_s &&
	       !stream_rate_spend(&c->source_handshakes[source % SOURCES], &c->handshakes, now_ns);
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

static bool strangers_make_room(struct web_clients *c, uint64_t source, uint64_t now_ns)
{
	const struct client_group all = { .kind = CLIENT_STRANGER, .by = HOLDER_ANY };
	struct crowd crowd = crowd_of(c, &all, NULL);

	if (crowd.count >= g_client_places[CLIENT_STRANGER])
		crowd.first = client_of_most(c, CLIENT_STRANGER, source, now_ns, NULL);
	return clients_make_room(crowd, g_client_places[CLIENT_STRANGER], g_client_metrics.full);
}

/* The address's own limits come first, so that one of many connections takes no other's place. */
bool web_clients_admit(struct web_clients *c, int fd, uint64_t now_ns)
{
	struct client_group heads = { .kind = CLIENT_STRANGER,
				      .by = WEB_HOLDER_SOURCE,
				      .before_ns = now_ns - YOUNG_MS * NS_PER_MS };
	struct client_group whole = { .kind = KIND_ANY,
				      .by = WEB_HOLDER_SOURCE,
				      .before_ns = now_ns };
	const struct client_group all = { .kind = KIND_ANY, .by = HOLDER_ANY, .before_ns = now_ns };
	struct addr source;

	if (web_clients_peer(fd, &source))
		return client_refuse(g_client_metrics.source);
	source = addr_source(&source);
	if (!free_client(c))
		return client_refuse(g_client_metrics.full);
	heads.of = whole.of = source_hash(c, &source);
	if (!clients_make_room(crowd_of(c, &heads, NULL), WEB_HEADS_OF_SOURCE,
			       g_client_metrics.heads) ||
	    !clients_make_room(crowd_of(c, &whole, NULL), c->per_source, g_client_metrics.source))
		return false;
	if (is_hurried(c, heads.of, now_ns))
		return client_refuse(g_client_metrics.hurried);
	return strangers_make_room(c, heads.of, now_ns) &&
	       clients_make_room(crowd_of(c, &all, NULL), c->max, g_client_metrics.full);
}

struct web_client *web_clients_add(struct web_clients *c, struct lws *wsi, uint64_t now_ns)
{
	struct web_client *client = free_client(c);

	if (!client)
		return NULL;
	if (client == &c->list[c->top])
		c->top++;
	*client = (struct web_client){ .wsi = wsi,
				       .all = c,
				       .used = true,
				       .born_ns = now_ns,
				       .received_ns = now_ns,
				       .turn_ns = now_ns };
	if (web_clients_peer(lws_get_socket_fd(wsi), &client->source))
		client->source = (struct addr){ 0 };
	client->source = addr_source(&client->source);
	client->of[WEB_HOLDER_SOURCE] = source_hash(c, &client->source);
	return client;
}

void web_clients_remove(struct web_clients *c, struct web_client *client)
{
	client->used = false;
	while (c->top && !c->list[c->top - 1].used)
		c->top--;
}

/* ---- requests ---- */

void web_client_on_request(struct web_client *client, uint64_t now_ns)
{
	client->has_asked = true;
	client->is_idle = false;
	client->received_ns = now_ns;
}

void web_client_answered(struct web_client *client)
{
	client->is_idle = client->kind != CLIENT_STREAM;
}

void web_client_upgraded(struct web_client *client)
{
	client->kind = CLIENT_STREAM;
	client->has_asked = true;
	client->is_idle = false;
}

void web_client_proven(struct web_client *client, uint64_t now_ns)
{
	client->turn_ns = now_ns;
}

void web_client_trust(struct web_client *client)
{
	client->trusted = true;
}

void web_client_forget(struct web_client *client)
{
	memset(client->of + 1, 0, sizeof(client->of) - sizeof(client->of[0]));
	client->kind = CLIENT_STRANGER;
	client->trusted = false;
}

/* A refused one ends, and may give way until then. */
static const char *client_turn_away(struct web_client *client, metric_id why, const char *words)
{
	web_client_forget(client);
	client->is_idle = true;
	(void)client_refuse(why);
	return words;
}

static const char *client_take_place(struct web_client *client, uint64_t now_ns)
{
	struct web_clients *c = client->all;
	struct client_group g = { .kind = (int)client->kind,
				  .before_ns = now_ns - YOUNG_MS * NS_PER_MS };
	struct crowd crowd;

	for (g.by = 0; g.by < WEB_HOLDER_COUNT; g.by++) {
		g.of = client->of[g.by];
		if (!g.of)
			continue;
		crowd = crowd_of(c, &g, client);
		if (!clients_make_room(crowd, g_client_shares[g.by] + 1,
				       g_client_metrics.shares[g.by]))
			return client_turn_away(client, g_client_metrics.shares[g.by],
						g_client_problems[g.by]);
	}
	crowd = crowd_of(c, &g, client);
	if (crowd.count > g_client_places[client->kind])
		crowd.first = client_of_most(c, client->kind, client_owner(client), now_ns, client);
	if (!clients_make_room(crowd, g_client_places[client->kind] + 1, g_client_metrics.full))
		return client_turn_away(client, g_client_metrics.full, "too many connections");
	return NULL;
}

const char *web_client_hold(struct web_client *client, const struct web_holders *who)
{
	memcpy(client->of + 1, who->of + 1, sizeof(client->of) - sizeof(client->of[0]));
	client->kind = who->is_operator ? CLIENT_OPERATOR : CLIENT_KNOWN;
	client->trusted = true;
	return client_take_place(client, clock_now_ns());
}

const char *web_client_probe(struct web_client *client)
{
	web_client_forget(client);
	client->kind = CLIENT_PROBE;
	return client_take_place(client, clock_now_ns());
}

uint32_t web_holder_share(enum web_holder by)
{
	return g_client_shares[by];
}

/* A WebSocket has limits of its own (web_sip.c). */
void web_clients_expire(struct web_clients *c, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->top; i++) {
		struct web_client *client = &c->list[i];

		if (client->used && client->kind != CLIENT_STREAM && !client->is_doomed &&
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

static const char *const g_refusal_hints[] = {
#define X(id, name, status, hint) hint,
	REFUSALS(X)
#undef X
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

/* p NULL: absent; n 0: longer than any acceptable value. */
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

/* The library would accept HTTP/2, too, with uncounted connections inside (RFC 9110 7.8). */
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

/* Logs it; the peer's text is cut, as the peer chose its length. */
static void log_refused(enum refusal why, struct lws *wsi)
{
	static const char *const names[] = {
#define X(id, name, status, hint) name,
		REFUSALS(X)
#undef X
	};
	char origin[ORIGIN_MAX + 1], path[64];
	struct addr source = { 0 };

	if (web_clients_peer(lws_get_socket_fd(wsi), &source))
		source = (struct addr){ 0 }; /* it has gone meanwhile */
	LOG_INFO("web", 0, "WebSocket refused", LOG_STR("reason", names[why]),
		 LOG_STR("hint", g_refusal_hints[why]),
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
	(void)web_problem_send(wsi, statuses[why], g_refusal_hints[why]);
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
