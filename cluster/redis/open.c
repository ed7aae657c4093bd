/* SPDX-License-Identifier: Apache-2.0 */
/* A link from its settings, and its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "cluster/redis/link.h"

enum {
	OUT_MAX = 1 << 24,
	GREETINGS_MAX = 3,
	PENDING_PRESET = 4096,
};

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

static int redis_setup(struct redis *r)
{
	const char *reason;
	int err = redis_url_read(&r->url, bytes_str(r->settings.place.url), &reason);

	if (err) {
		LOG_ERROR("redis", 0, "bad url", LOG_STR("reason", reason));
	} else if (!r->url.path[0]) {
		err = redis_server_resolve(&r->url.server, &r->addr);
	}
	settings_complete(&r->settings);
	if (!err && r->url.tls)
		err = tls_setup(r);
	if (err)
		return err;
	rand_open_system(&r->rand);
	r->backoff = (struct redis_backoff){ .max_ns = r->settings.reconnect_max_ns };
	r->metrics = redis_metrics_register(r->settings.labels);
	return redis_queue_open(&r->queue, r->settings.pending_max + GREETINGS_MAX);
}

int redis_open(struct redis **out, const struct redis_settings *settings, redis_state_fn *state,
	       void *arg)
{
	struct redis *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->settings = *settings;
	r->state_fn = state;
	r->arg = arg;
	r->socket.fd = -1;
	r->out.max = OUT_MAX;
	err = redis_setup(r);
	if (err) {
		redis_link_destroy(r);
		return err;
	}
	*out = r;
	redis_expire(r, clock_now_ns()); /* dials: wake_ns has come */
	return 0;
}

void redis_link_destroy(struct redis *r)
{
	redis_queue_close(&r->queue);
	tls_close(r->tls);
	explicit_bzero(r, sizeof(*r)); /* the password */
	free(r);
}
