/* SPDX-License-Identifier: Apache-2.0 */
#include "app/effect/lives.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/effect/player.h"
#include "base/log.h"
#include "engine/engine.h"
#include "media/feed.h"
#include "media/tap.h"
#include "sig/sip/id.h"

/* ---- endpoints ---- */

/* The first line of its file. */
static int token_read(const char *path, char out[LIVE_TOKEN_MAX])
{
	struct bytes text, line;
	char *whole;
	size_t n;
	int err;

	explicit_bzero(out, LIVE_TOKEN_MAX);
	if (!path[0])
		return 0;
	err = settings_load(path, &whole, &n);
	if (err)
		return err;
	text = bytes_mem(whole, n);
	if (bytes_cut(&text, '\n', &line))
		err = bytes_cstr(bytes_trim(line), out, LIVE_TOKEN_MAX);
	explicit_bzero(whole, n);
	free(whole);
	return err;
}

static void tokens_read(struct lives *l)
{
	for (uint32_t i = 0; i < l->settings->endpoint_count; i++) {
		const struct settings_live_endpoint *e = &l->settings->endpoints[i];
		int err = token_read(e->token_file, l->tokens[i]);

		if (err)
			LOG_ERROR("live", 0, "the token of an endpoint cannot be read",
				  LOG_STR("endpoint", e->name), LOG_STR("file", e->token_file),
				  LOG_STR("error", strerror(-err)),
				  LOG_STR("next", "let the node's user read the file, then send "
						  "SIGHUP; until then no token is sent"));
	}
}

/* The live thread. */
static uint32_t live_taps_source(void *source, uint32_t max, live_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_LIVE, max, fn, arg);
}

bool lives_configure(struct lives *l, const struct settings_live *settings, struct engine *source)
{
	const struct live_settings live = { .read = live_taps_source,
					    .source = source,
					    .streams = settings->streams,
					    .ca = settings->ca };
	int err;

	l->settings = settings;
	tokens_read(l);
	if (l->live || settings->endpoint_count == 0)
		return false;
	l->listeners = calloc(settings->streams + 1, sizeof(*l->listeners));
	err = l->listeners ? live_open(&l->live, &live) : -ENOMEM;
	if (err) {
		free(l->listeners);
		l->listeners = NULL;
	}
	if (err)
		LOG_ERROR("live", 0, "no live sound: its thread cannot begin",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next", "look whether live.ca can be read, then restart the "
					  "node"));
	return !err;
}

void lives_close(struct lives *l)
{
	live_close(l->live);
	free(l->listeners);
	explicit_bzero(l, sizeof(*l));
}

static bool endpoint_is_for(const struct settings_live_endpoint *e, struct bytes tenant)
{
	for (uint32_t i = 0; i < e->tenant_count; i++) {
		if (bytes_is(tenant, e->tenants[i]))
			return true;
	}
	return e->tenant_count == 0;
}

/* NULL: there is none of that name, or it is not for this tenant. */
static const struct settings_live_endpoint *endpoint_find(const struct lives *l,
							  const struct lives_want *want)
{
	for (uint32_t i = 0; l->settings && i < l->settings->endpoint_count; i++) {
		const struct settings_live_endpoint *e = &l->settings->endpoints[i];

		if (bytes_is(want->endpoint, e->name) && endpoint_is_for(e, want->tenant))
			return e;
	}
	return NULL;
}

bool lives_know(const struct lives *l, struct bytes tenant, struct bytes endpoint)
{
	bool any = false;

	for (uint32_t i = 0; l->settings && i < l->settings->endpoint_count; i++) {
		const struct settings_live_endpoint *e = &l->settings->endpoints[i];

		any |= bytes_is(endpoint, e->name) && (!tenant.n || endpoint_is_for(e, tenant));
	}
	return any;
}

/* ---- streams ---- */

const char *lives_why_failed(const struct live_event *event)
{
	return event->was_up ? "the application was gone for live.give_up"
			     : "the application was not reached in live.connect_timeout";
}

/* Opus is coded at any of our rates, others at their own. */
static uint32_t feed_rate_of(enum media_codec codec, uint32_t rate)
{
	return codec == MEDIA_CODEC_OPUS ? rate : player_rate(codec);
}

/* What a mix is told to an application in: no more than its rate, and no more than 16000 Hz. */
static uint32_t feed_rate_of_room(uint32_t rate_hz)
{
	return rate_hz == 8000 ? 8000 : 16000;
}

static struct media_work feed_work(const struct lives_want *want, const struct live_terms *terms)
{
	if (want->room.generation)
		return (struct media_work){ .kind = MEDIA_WORK_ROOM_FEED,
					    .room_feed = { .room = want->room,
							   .feed = terms->feed,
							   .rate_hz = terms->feed_rate } };
	return (struct media_work){
		.kind = MEDIA_WORK_FEED,
		.feed = { .feed = terms->feed, .codec = want->codec, .rate_hz = terms->feed_rate }
	};
}

static void terms_fill(const struct lives *l, const struct lives_want *want,
		       const struct settings_live_endpoint *e, struct live_terms *out)
{
	const char *token = l->tokens[e - l->settings->endpoints];

	*out = (struct live_terms){
		.id = want->id,
		.call = want->call,
		.leg = want->leg ? want->leg : 'a',
		.resumed = want->resumed,
		.said = want->said,
		.heard = want->heard,
		.tap_number = want->tap_number,
		.format = e->format ? LIVE_ULAW : LIVE_L16,
		.rate = e->format ? 8000 : e->rate,
		.times = { .connect = l->settings->connect, .give_up = l->settings->give_up },
	};
	(void)bytes_cstr(want->tenant, out->tenant, sizeof(out->tenant));
	memcpy(out->endpoint, e->name, sizeof(e->name));
	memcpy(out->url, e->url, sizeof(e->url));
	memcpy(out->token, token, LIVE_TOKEN_MAX);
}

static const char *const g_no_endpoint = "live.endpoints has none of that name for this tenant";

static const char *refusal_of(int err)
{
	return err == -ENOSPC ? "too many streams: see live.streams" : "no memory";
}

const char *lives_begin(struct lives *l, const struct lives_want *want, struct media_work *out)
{
	const struct settings_live_endpoint *e = endpoint_find(l, want);
	struct live_terms terms;
	int err;

	if (!e || !l->live)
		return g_no_endpoint;
	terms_fill(l, want, e, &terms);
	terms.feed_rate = want->room.generation ? feed_rate_of_room(want->rate_hz)
						: feed_rate_of(want->codec, terms.rate);
	terms.feed = media_feed_make();
	err = terms.feed && terms.feed_rate ? live_begin(l->live, &terms) : -ENOMEM;
	explicit_bzero(terms.token, sizeof(terms.token));
	if (err) {
		media_feed_free(terms.feed);
		return refusal_of(err);
	}
	*out = feed_work(want, &terms);
	return NULL;
}

/* ---- who is not alone ---- */

const char *lives_listen(struct lives *l, const struct lives_want *want)
{
	const struct settings_live_endpoint *e = endpoint_find(l, want);
	struct live_terms terms;
	int err;

	if (!e || !l->live)
		return g_no_endpoint;
	terms_fill(l, want, e, &terms);
	err = live_begin(l->live, &terms);
	explicit_bzero(terms.token, sizeof(terms.token));
	if (err)
		return refusal_of(err);
	l->listeners[l->listener_count++] =
		(struct lives_listener){ .id = want->id, .call = want->call };
	return NULL;
}

void lives_listen_end(struct lives *l, uint64_t id, struct bytes reason)
{
	char word[LIVE_REASON_MAX] = "";
	uint32_t i = 0;

	while (i < l->listener_count && l->listeners[i].id != id)
		i++;
	if (i == l->listener_count)
		return;
	l->listeners[i] = l->listeners[--l->listener_count];
	(void)bytes_cstr(reason, word, sizeof(word));
	live_end(l->live, id, word[0] ? word : "over");
}

void lives_leave(struct lives *l, uint16_t shard)
{
	for (uint32_t i = l->listener_count; i-- > 0;) {
		if (id_shard(l->listeners[i].call) == shard)
			lives_listen_end(l, l->listeners[i].id, BYTES_LIT("moved"));
	}
}

bool lives_listen_news(const struct live_event *event, struct listen_news *out)
{
	*out = (struct listen_news){ .serial = event->id };
	switch (event->kind) {
	case LIVE_STARTED:
		out->kind = LISTEN_STARTED;
		return true;
	case LIVE_ENDED:
		out->kind = LISTEN_ENDED;
		return true;
	case LIVE_FAILED:
		out->kind = LISTEN_FAILED;
		out->reason = lives_why_failed(event);
		return true;
	case LIVE_GONE:
		break;
	}
	return false;
}
