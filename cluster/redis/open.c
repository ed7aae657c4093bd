/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes links: from settings, beside another link, or to one server of a cluster. It
 * also has their sockets (TCP, Unix or TLS), the back-off, and the asking of Sentinels for the
 * primary's address. Sentinels take turns: one that does not answer or knows no primary is followed
 * by the next. */

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/tls/tls.h"
#include "cluster/redis/link.h"

#define SENTINEL_PACE_NS   (1 * NS_PER_S)
#define SENTINEL_HURRY_NS  (100 * NS_PER_MS)
#define SENTINEL_ANSWER_NS (500 * NS_PER_MS)
#define MISSED_NS          (3 * NS_PER_S)

enum { TURN_ANSWERS = 5 }; /* then another Sentinel has its turn */

/* ---- answers ---- */

/* [host, port]; nil: it knows no such primary. */
static int primary_read(struct addr *out, const struct redisReply *reply)
{
	uint32_t port;

	if (redis_reply_count(reply) != 2 ||
	    addr_parse(out, redis_reply_text(redis_reply_at(reply, 0))) || out->port ||
	    bytes_u32(redis_reply_text(redis_reply_at(reply, 1)), &port) || !port ||
	    port > UINT16_MAX)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

/* Of name, value, name, value, ... */
static int epoch_read(uint64_t *out, const struct redisReply *reply)
{
	for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
		if (bytes_is(redis_reply_text(redis_reply_at(reply, i)), "config-epoch"))
			return bytes_u64(redis_reply_text(redis_reply_at(reply, i + 1)), out);
	}
	return -EINVAL;
}

/* What this one says is of no use. */
static void sentinel_hop(struct redis_sentinel *s)
{
	s->answers = 0;
	redis_link_turn(s->link);
}

static void sentinel_refuse(struct redis_sentinel *s, const struct redisReply *reply)
{
	struct bytes text = { 0 };

	if (!s->missed)
		LOG_WARN("redis", 0, "a Sentinel does not tell an address of the primary",
			 LOG_BYTES("answer",
				   redis_is_error(reply, &text) ? text : (struct bytes){ 0 }),
			 LOG_STR("primary", s->owner->url.primary));
	s->missed = true;
	sentinel_hop(s);
}

/* The owner may be closed when it is told, and this with it. */
static void sentinel_on_answer(struct redis_sentinel *s, uint64_t epoch)
{
	bool changed = !addr_eq(&s->said, &s->primary);

	if (epoch < s->epoch && ++s->older < s->owner->url.sentinel_count) {
		sentinel_hop(s);
		return;
	}
	s->older = 0;
	s->epoch = epoch;
	s->primary = s->said;
	s->received_ns = clock_now_ns();
	s->missed = false;
	if (++s->answers == TURN_ANSWERS)
		sentinel_hop(s);
	if (changed)
		redis_on_primary(s->owner);
}

static void sentinel_on_address(int err, const struct redisReply *reply, void *arg)
{
	struct redis_sentinel *s = arg;

	s->said = (struct addr){ 0 };
	if (!err && primary_read(&s->said, reply))
		sentinel_refuse(s, reply);
}

static void sentinel_on_primary(int err, const struct redisReply *reply, void *arg)
{
	struct redis_sentinel *s = arg;
	uint64_t epoch;

	s->asked = false;
	s->ask_ns = clock_now_ns() + (s->hurry ? SENTINEL_HURRY_NS : SENTINEL_PACE_NS);
	if (err || !s->said.port) {
		if (err == -ETIMEDOUT)
			sentinel_hop(s);
	} else if (epoch_read(&epoch, reply)) {
		sentinel_refuse(s, reply);
	} else {
		sentinel_on_answer(s, epoch);
	}
}

/* ---- questions ---- */

/* Both at once: they are of one moment. A failover under way shows in the first's address. */
static void sentinel_query(struct redis_sentinel *s)
{
	struct bytes name = bytes_str(s->owner->url.primary);
	const struct bytes address[] = { BYTES_LIT("SENTINEL"),
					 BYTES_LIT("GET-MASTER-ADDR-BY-NAME"), name };
	const struct bytes primary[] = { BYTES_LIT("SENTINEL"), BYTES_LIT("MASTER"), name };

	s->asked = !redis_command(s->link, address, COUNT_OF(address), SENTINEL_ANSWER_NS,
				  sentinel_on_address, s) &&
		   !redis_command(s->link, primary, COUNT_OF(primary), SENTINEL_ANSWER_NS,
				  sentinel_on_primary, s);
	redis_flush(s->link);
}

static void miss_log(struct redis_sentinel *s, uint64_t now_ns)
{
	if (s->missed || now_ns < s->received_ns + MISSED_NS)
		return;
	s->missed = true;
	LOG_WARN("redis", 0, "no Sentinel answers: the last address of the primary stays",
		 LOG_STR("primary", s->owner->url.primary));
}

void redis_sentinel_expire(struct redis_sentinel *s, uint64_t now_ns)
{
	if (!s->link)
		return;
	if (redis_is_connected(s->link) && !s->asked && now_ns >= s->ask_ns)
		sentinel_query(s);
	miss_log(s, now_ns);
	redis_expire(s->link, now_ns);
}

uint64_t redis_sentinel_next_ns(const struct redis_sentinel *s)
{
	uint64_t next_ns;

	if (!s->link)
		return UINT64_MAX;
	next_ns = redis_next_ns(s->link);
	if (redis_is_connected(s->link) && !s->asked && s->ask_ns < next_ns)
		next_ns = s->ask_ns;
	return !s->missed && s->received_ns + MISSED_NS < next_ns ? s->received_ns + MISSED_NS
								  : next_ns;
}

void redis_sentinel_hurry(struct redis_sentinel *s, bool hurry, uint64_t now_ns)
{
	if (hurry && !s->hurry)
		s->ask_ns = now_ns;
	s->hurry = hurry;
}

/* ---- open and close ---- */

static void redis_sentinel_open(struct redis_sentinel *s, struct redis *owner, struct redis *link,
				uint64_t now_ns)
{
	*s = (struct redis_sentinel){
		.link = link, .owner = owner, .received_ns = now_ns, .hurry = true
	};
}

void redis_sentinel_close(struct redis_sentinel *s)
{
	redis_close(s->link);
	s->link = NULL;
}

int redis_socket_secure(struct redis_socket *s, struct tls *tls, const char *host)
{
	return tls_connect_host(&s->tls, tls, s->fd, host);
}

int redis_socket_handshake(struct redis_socket *s, const char **why)
{
	enum tls_failure failure;
	int err = tls_handshake(s->tls, &failure);

	if (err == -EPROTO)
		*why = tls_failure_name(failure);
	return err;
}

static ssize_t plain_outcome(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

ssize_t redis_socket_read(struct redis_socket *s, void *p, size_t n)
{
	return s->tls ? tls_read(s->tls, p, n) : plain_outcome(recv(s->fd, p, n, MSG_DONTWAIT));
}

ssize_t redis_socket_write(struct redis_socket *s, const void *p, size_t n)
{
	return s->tls ? tls_write(s->tls, p, n)
		      : plain_outcome(send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT));
}

bool redis_socket_wants_write(const struct redis_socket *s)
{
	return s->tls && tls_wants_write(s->tls);
}

void redis_socket_close(struct redis_socket *s)
{
	tls_link_close(s->tls);
	if (s->fd >= 0)
		(void)close(s->fd);
	*s = (struct redis_socket){ .fd = -1 };
}

#define BACKOFF_FIRST_NS (20 * NS_PER_MS)
#define BACKOFF_HELD_NS  NS_PER_S

static int connect_start(int fd, const struct sockaddr *sa, socklen_t size)
{
	int err;

	if (connect(fd, sa, size) == 0 || errno == EINPROGRESS)
		return fd;
	err = -errno; /* of a unix socket EAGAIN: its backlog is full */
	(void)close(fd);
	return err;
}

static int dial_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	return connect_start(fd, (const struct sockaddr *)&sun, sizeof(sun));
}

static int dial_tcp(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t size = addr_to_sockaddr(addr, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	/* pipelines are written once per round already: waiting for more would only cost time */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	return connect_start(fd, (const struct sockaddr *)&ss, size);
}

int redis_dial(const struct redis_url *url, const struct addr *addr)
{
	return url->path[0] ? dial_unix(url->path) : dial_tcp(addr);
}

uint64_t redis_backoff_next(struct redis_backoff *b, uint64_t up_ns, struct rand_source *rand)
{
	uint64_t wait_ns = BACKOFF_FIRST_NS;

	if (up_ns >= BACKOFF_HELD_NS)
		b->failures = 0;
	for (uint32_t i = 0; i < b->failures && wait_ns < b->max_ns; i++)
		wait_ns *= 2;
	if (wait_ns > b->max_ns)
		wait_ns = b->max_ns;
	b->failures += b->failures < 64;
	return wait_ns -
	       (uint64_t)rand_below(rand, (uint32_t)(wait_ns / NS_PER_US / 2) + 1) * NS_PER_US;
}

enum {
	OUT_MAX = 1 << 24,
	GREETINGS_MAX = 5,
	PENDING_PRESET = 4096,
	ASKER_PENDING = 4,
};

#define ASKER_AGAIN_NS (250 * NS_PER_MS)

#define DEADLINE_PRESET_NS (50 * NS_PER_MS)

static struct redis_metrics redis_metrics_register(const char *labels)
{
	return (struct redis_metrics){
		.commands = metric_register(METRIC_COUNTER, "tandem_redis_commands_total", NULL,
					    "Commands queued for Redis."),
		.errors = metric_register(METRIC_COUNTER, "tandem_redis_errors_total", NULL,
					  "Commands that Redis answered with an error."),
		.timeouts = metric_register(METRIC_COUNTER, "tandem_redis_timeouts_total", NULL,
					    "Commands without an answer within their deadline."),
		.late = metric_register(METRIC_COUNTER, "tandem_redis_late_replies_total", NULL,
					"Answers after their deadline, dropped."),
		.refused = metric_register(METRIC_COUNTER, "tandem_redis_refused_total", NULL,
					   "Commands not queued: link down, or too much pending."),
		.connects = metric_register(METRIC_COUNTER, "tandem_redis_connects_total", NULL,
					    "Times the link to Redis came up."),
		.losses = metric_register(METRIC_COUNTER, "tandem_redis_losses_total", NULL,
					  "Times the link to Redis was lost or not made."),
		.failovers =
			metric_register(METRIC_COUNTER, "tandem_redis_failovers_total", NULL,
					"Times a link heard of another primary from Sentinel."),
		.pending = metric_register(METRIC_GAUGE, "tandem_redis_pending", labels,
					   "Commands that wait for their answer."),
		.up = metric_register(METRIC_GAUGE, "tandem_redis_up", labels,
				      "1 while the link to Redis is up."),
	};
}

static void settings_complete(struct redis_settings *s)
{
	s->deadline_ns = s->deadline_ns ? s->deadline_ns : DEADLINE_PRESET_NS;
	s->pending_max = s->pending_max ? s->pending_max : PENDING_PRESET;
	s->reconnect_max_ns = s->reconnect_max_ns ? s->reconnect_max_ns : NS_PER_S;
	/* read into parts; the password lies there only once */
	explicit_bzero(s->place.url, sizeof(s->place.url));
}

static int tls_setup(struct redis *r)
{
	const struct redis_place *place = &r->settings.place;
	struct tls_settings *files = &r->files;
	char error[TLS_ERROR_MAX];
	int err;

	files->identity_count = place->certificate[0] != '\0';
	memcpy(files->ca, place->ca, sizeof(files->ca));
	memcpy(files->identities[0].certificate, place->certificate, sizeof(place->certificate));
	memcpy(files->identities[0].key, place->key, sizeof(place->key));
	err = tls_open(&r->tls, files, error);
	if (err)
		LOG_ERROR("redis", 0, "no TLS: look at redis.ca, redis.certificate and redis.key",
			  LOG_STR("error", error));
	return err;
}

/* Beside where it is. */
static int link_setup(struct redis *r)
{
	int err = 0;

	settings_complete(&r->settings);
	if (r->url.tls)
		err = tls_setup(r);
	if (err)
		return err;
	rand_open_system(&r->rand);
	r->backoff = (struct redis_backoff){ .max_ns = r->settings.reconnect_max_ns };
	r->metrics = redis_metrics_register(r->settings.labels);
	return redis_queue_open(&r->queue, r->settings.pending_max + GREETINGS_MAX);
}

static struct redis *redis_new(redis_state_fn *state, void *arg)
{
	struct redis *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->state_fn = state;
	r->arg = arg;
	r->socket.fd = -1;
	r->out.max = OUT_MAX;
	return r;
}

/* Sentinels with known names; the others are left out. The caller reports that none is known. */
static int sentinels_resolve(struct redis *asker, const struct redis_url *url)
{
	bool known[REDIS_SENTINELS_MAX];

	for (uint32_t i = 0; i < url->sentinel_count; i++) {
		uint32_t n = asker->sentinel_count;

		known[i] = !redis_server_resolve(&url->sentinels[i], &asker->sentinels[n]);
		if (known[i])
			asker->url.sentinels[n] = url->sentinels[i];
		asker->sentinel_count += known[i];
	}
	for (uint32_t i = 0; asker->sentinel_count && i < url->sentinel_count; i++) {
		if (!known[i])
			LOG_WARN("redis", 0, "a Sentinel's address is not known",
				 LOG_STR("host", url->sentinels[i].host));
	}
	return asker->sentinel_count ? 0 : -EHOSTUNREACH;
}

static int asker_open(struct redis *r)
{
	struct redis *asker = redis_new(NULL, NULL);
	int err;

	if (!asker)
		return -ENOMEM;
	asker->settings = (struct redis_settings){ .place = r->settings.place,
						   .deadline_ns = NS_PER_S,
						   .pending_max = ASKER_PENDING,
						   .reconnect_max_ns = ASKER_AGAIN_NS,
						   .labels = "link=\"sentinel\"" };
	asker->settings.place.meant = NULL; /* those it names are asked */
	asker->url.tls = r->url.tls;
	asker->url.login = r->url.sentinel_login;
	err = sentinels_resolve(asker, &r->url);
	if (!err)
		err = link_setup(asker);
	if (err) {
		redis_link_destroy(asker);
		return err;
	}
	redis_sentinel_open(&r->sentinel, r, asker, clock_now_ns());
	r->settings.reconnect_max_ns = ASKER_AGAIN_NS; /* a failover takes no longer */
	redis_expire(asker, clock_now_ns());
	return 0;
}

void redis_link_names(struct redis *asker, uint32_t i, const struct addr *server)
{
	struct redis_server *named = &asker->url.sentinels[i];
	struct addr host = *server;

	host.port = 0;
	(void)addr_text(&host, named->host);
	named->port = server->port;
	asker->sentinels[i] = *server;
}

/* The server of the url is the first one that is asked. */
static int route_open(struct redis *r)
{
	struct redis *asker = redis_new(NULL, NULL);
	int err = asker ? redis_server_resolve(&r->url.server, &r->addr) : -ENOMEM;

	if (err) {
		free(asker);
		return err;
	}
	asker->settings = r->settings;
	asker->settings.deadline_ns = NS_PER_S;
	asker->settings.pending_max = ASKER_PENDING;
	asker->settings.place.meant = NULL; /* those it names are asked */
	asker->settings.reconnect_max_ns = ASKER_AGAIN_NS;
	asker->settings.labels = "link=\"slots\"";
	asker->url = r->url;
	asker->url.sentinels[0] = r->url.server;
	asker->sentinels[0] = r->addr;
	asker->sentinel_count = 1;
	err = link_setup(asker);
	if (!err)
		err = redis_route_open(r, asker);
	if (err) {
		redis_link_destroy(asker);
		return err;
	}
	r->settings.reconnect_max_ns = ASKER_AGAIN_NS; /* a slot moves, a replica is promoted */
	redis_expire(asker, clock_now_ns());
	return 0;
}

static int redis_setup(struct redis *r)
{
	const char *reason;
	int err = redis_url_read(&r->url, bytes_str(r->settings.place.url), &reason);

	if (err) {
		LOG_ERROR("redis", 0, "bad url", LOG_STR("reason", reason));
	} else if (r->url.sentinel_count) {
		err = asker_open(r);
	} else if (r->url.cluster) {
		err = route_open(r);
	} else if (!r->url.path[0]) {
		err = redis_server_resolve(&r->url.server, &r->addr);
	}
	return err ? err : link_setup(r);
}

int redis_open(struct redis **out, const struct redis_settings *settings, redis_state_fn *state,
	       void *arg)
{
	struct redis *r = redis_new(state, arg);
	int err;

	if (!r)
		return -ENOMEM;
	r->settings = *settings;
	err = redis_setup(r);
	if (err) {
		redis_link_destroy(r);
		return err;
	}
	*out = r;
	redis_expire(r, clock_now_ns()); /* dials: wake_ns has come */
	return 0;
}

/* It begins to live: driven by r from here on. */
static int attached_open(struct redis **out, struct redis *r, struct redis *one)
{
	int err;

	one->settings.place = r->settings.place;
	one->settings.deadline_ns = r->settings.deadline_ns;
	one->settings.pending_max = r->settings.pending_max;
	one->settings.reconnect_max_ns = r->settings.reconnect_max_ns;
	one->url = r->url;
	one->follows = r->route;
	err = link_setup(one);
	if (err) {
		redis_link_destroy(one);
		return err;
	}
	one->attached_next = r->beside;
	r->beside = one;
	*out = one;
	redis_expire(one, clock_now_ns());
	return 0;
}

int redis_open_attached(struct redis **out, struct redis *r, struct bytes key, const char *labels)
{
	struct redis *one = redis_new(NULL, NULL);

	assert(!r->sentinel.link);
	if (!one)
		return -ENOMEM;
	one->settings.labels = labels;
	one->addr = r->addr;
	one->slot = redis_slot(key);
	one->is_of_slot = r->route;
	return attached_open(out, r, one);
}

int redis_open_server(struct redis **out, struct redis *r, const struct addr *server,
		      redis_state_fn *state, void *arg)
{
	struct redis *one = redis_new(state, arg);

	if (!one)
		return -ENOMEM;
	one->settings.labels = r->settings.labels;
	one->addr = *server;
	return attached_open(out, r, one);
}

static void besides_close(struct redis *r)
{
	struct redis *one = r->beside, *next;

	for (; one; one = next) {
		next = one->attached_next;
		redis_close(one);
	}
}

void redis_link_destroy(struct redis *r)
{
	besides_close(r);
	redis_sentinel_close(&r->sentinel);
	redis_route_close(r);
	redis_queue_close(&r->queue);
	tls_close(r->tls);
	explicit_bzero(r, sizeof(*r)); /* the password */
	free(r);
}
