/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays files, spoken texts and applications to single callers and to conferences, and keeps the
 * streams of live applications. effects.c calls it for plays of calls and rooms. A play waits for
 * its file (app/sound), or for a speech engine that makes it, then opens a job; its result goes
 * back to the call as an answer. A feed shared with the live thread is freed only when both the job
 * and the stream are gone.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/effect/player.h"
#include "app/effect/plays.h"
#include "app/sound/sound_prompt.h"
#include "app/sound/sounds.h"
#include "base/log.h"
#include "base/metric.h"
#include "engine/engine.h"
#include "media/feed.h"
#include "media/job.h"
#include "media/tap.h"
#include "sig/call/prompts.h"
#include "sig/host/effect.h"
#include "sig/host/spoken_value.h"
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

/* NULL: no endpoint of that name, or not for this tenant. */
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

/* The reason of a LIVE_FAILED. */
static const char *lives_why_failed(const struct live_event *event)
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

static const char *const g_no_endpoint =
	"live.endpoints has no endpoint of that name for this tenant";

static const char *refusal_of(int err)
{
	return err == -ENOSPC ? "too many streams: see live.streams" : "no memory";
}

static const struct stream_carrier *g_carrier; /* NULL: none */

void plays_carry(const struct stream_carrier *carrier)
{
	g_carrier = carrier;
}

static bool stream_is_carried(const struct lives_want *want)
{
	return want->room.generation && g_carrier && g_carrier->takes(want->endpoint);
}

static const char *carried_open(const struct lives_want *want, struct media_work *out)
{
	const struct live_terms terms = { .feed = media_feed_make(),
					  .feed_rate = feed_rate_of_room(want->rate_hz) };
	const char *reason =
		terms.feed ? g_carrier->open(want, terms.feed, terms.feed_rate) : "no memory";

	if (reason)
		media_feed_free(terms.feed);
	else
		*out = feed_work(want, &terms);
	return reason;
}

/* 0 and the job to open; LIVE_GONE follows lives_end, and out->feed.feed is freed then.
 * Else the reason. */
static const char *lives_open(struct lives *l, const struct lives_want *want,
			      struct media_work *out)
{
	const struct settings_live_endpoint *e = endpoint_find(l, want);
	struct live_terms terms;
	int err;

	if (stream_is_carried(want))
		return carried_open(want, out);
	if (!e || !l->live)
		return g_no_endpoint;
	terms_fill(l, want, e, &terms);
	terms.feed_rate = want->room.generation ? feed_rate_of_room(want->rate_hz)
						: feed_rate_of(want->codec, terms.rate);
	terms.feed = media_feed_make();
	err = terms.feed && terms.feed_rate ? live_stream_open(l->live, &terms) : -ENOMEM;
	explicit_bzero(terms.token, sizeof(terms.token));
	if (err) {
		media_feed_free(terms.feed);
		return refusal_of(err);
	}
	*out = feed_work(want, &terms);
	return NULL;
}

/* ---- streams that only listen ---- */

const char *lives_stream_open(struct lives *l, const struct lives_want *want)
{
	const struct settings_live_endpoint *e = endpoint_find(l, want);
	struct live_terms terms;
	int err;

	if (!e || !l->live)
		return g_no_endpoint;
	terms_fill(l, want, e, &terms);
	err = live_stream_open(l->live, &terms);
	explicit_bzero(terms.token, sizeof(terms.token));
	if (err)
		return refusal_of(err);
	l->listeners[l->listener_count++] =
		(struct lives_listener){ .id = want->id, .call = want->call };
	return NULL;
}

void lives_stream_close(struct lives *l, uint64_t id, struct bytes reason)
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
			lives_stream_close(l, l->listeners[i].id, BYTES_LIT("moved"));
	}
}

bool lives_stream_outcome(const struct live_event *event, struct media_stream_reply *out)
{
	*out = (struct media_stream_reply){ .serial = event->id };
	switch (event->kind) {
	case LIVE_STARTED:
		out->kind = MEDIA_STREAM_STARTED;
		return true;
	case LIVE_ENDED:
		out->kind = MEDIA_STREAM_ENDED;
		return true;
	case LIVE_FAILED:
		out->kind = MEDIA_STREAM_FAILED;
		out->reason = lives_why_failed(event);
		return true;
	case LIVE_GONE:
		break;
	}
	return false;
}

enum { PLAYED_MS = 20, PLACE_MS = 1000, ECHO_MS_MIN = 100, ECHO_MS_MAX = 5000 };

static struct {
	metric_id begun, failed, running;
} g_plays_metrics;

void plays_setup(void)
{
	g_plays_metrics.begun = metric_register(METRIC_COUNTER, "tandem_plays_total", NULL,
						"Files that calls asked to play.");
	g_plays_metrics.failed =
		metric_register(METRIC_COUNTER, "tandem_plays_failed_total", NULL,
				"Files that could not be played, or of which there "
				"were too many at once.");
	g_plays_metrics.running = metric_register(METRIC_GAUGE, "tandem_plays", NULL,
						  "Files that are played to one caller each.");
}

int plays_open(struct plays *p, uint32_t first_slot, uint32_t capacity)
{
	*p = (struct plays){ .first_slot = first_slot, .capacity = capacity };
	p->list = calloc(capacity, sizeof(*p->list));
	return p->list ? 0 : -ENOMEM;
}

void plays_close(struct plays *p)
{
	for (uint32_t i = 0; p->list && i < p->capacity; i++) {
		media_feed_free(p->list[i].feed);
		text_wipe(&p->list[i].said);
	}
	free(p->list);
	*p = (struct plays){ 0 };
}

static void play_tell_why(const struct plays *p, const struct play *y, enum prompt_reply_kind kind,
			  const char *why)
{
	struct reply reply = { .ask = ASK_PLAY,
			       .of = y->call,
			       .play = { .kind = kind,
					 .serial = y->serial,
					 .job = y->job,
					 .codec = y->codec,
					 .why = why } };

	if (kind == PROMPT_REPLY_OPEN && y->name.kind == SOUND_PROMPT)
		(void)bytes_cstr(bytes_str(sounds_hash(p->sounds, &y->name)), reply.play.pinned,
				 sizeof(reply.play.pinned));
	if (kind == PROMPT_REPLY_FAILED && !y->is_no_fault)
		metric_add(g_plays_metrics.failed, 1);
	answers_reply(p->answers, &reply);
}

static void play_notify(const struct plays *p, const struct play *y, enum prompt_reply_kind kind)
{
	play_tell_why(p, y, kind, NULL);
}

static void play_stream_end(const struct plays *p, const struct play *y)
{
	if (y->carried)
		g_carrier->end(y->serial);
	else
		live_end(p->lives->live, y->serial, "over");
}

/* With an application it is released when neither thread uses its feed. */
static void play_release(struct plays *p, struct play *y)
{
	if (y->feed && !y->live_gone) {
		if (!y->job_gone && y->state != PLAY_LEFT && y->state != PLAY_CLOSING)
			play_stream_end(p, y);
		y->job_gone = true;
		y->state = PLAY_CLOSING;
		return;
	}
	media_feed_free(y->feed);
	text_wipe(&y->said);
	*y = (struct play){ 0 };
	p->used--;
	metric_set(g_plays_metrics.running, p->used);
}

static void play_leave(struct plays *p, struct play *y)
{
	y->state = PLAY_LEFT;
	p->left++;
	if (y->feed)
		play_stream_end(p, y);
}

static bool play_command_put(struct plays *p, const struct media_command *c)
{
	struct media_command *copy = malloc(sizeof(*copy));

	if (!copy)
		return false;
	*copy = *c;
	if (media_queue_put(p->queue, copy) == 0)
		return true;
	free(copy);
	return false;
}

/* The reference of a sound goes along. */
static void play_job_open(struct plays *p, struct play *y, const struct media_work *work)
{
	struct media_command c = {
		.kind = MEDIA_JOB_OPEN,
		.rtp_fd = -1,
		.rtcp_fd = -1,
		.call = y->call,
		.work = *work,
	};

	if (++p->generation == 0)
		p->generation = 1;
	y->job = (struct job_id){ .slot = p->first_slot + (uint32_t)(y - p->list),
				  .generation = p->generation };
	c.job = y->job;
	if (play_command_put(p, &c)) {
		y->state = PLAY_OPEN;
		play_notify(p, y, PROMPT_REPLY_OPEN);
		return;
	}
	media_sound_unref(media_work_sound(work));
	play_notify(p, y, PROMPT_REPLY_FAILED);
	play_release(p, y);
}

static struct media_work play_work(const struct play *y, struct media_sound *sound, uint32_t start)
{
	if (y->room.generation)
		return (struct media_work){
			.kind = MEDIA_WORK_ROOM_PLAY,
			.play = { .room = y->room, .sound = sound, .start = start }
		};
	return (struct media_work){
		.track = { .codec = y->codec,
			   .packet_ms = PLAYED_MS,
			   .sound = sound,
			   .start = start,
			   .report_ms =
				   media_sound_state(sound) == MEDIA_SOUND_ARRIVES ? PLACE_MS : 0 }
	};
}

/* From where it is to begin; behind its end it is over. */
static void play_sound(struct plays *p, struct play *y, struct media_sound *s)
{
	uint64_t start = y->start_ms * s->rate_hz / 1000;
	struct media_work work;

	if (start < s->length) {
		work = play_work(y, s, (uint32_t)start);
		play_job_open(p, y, &work);
		return;
	}
	media_sound_unref(s);
	play_notify(p, y, PROMPT_REPLY_ENDED);
	play_release(p, y);
}

/* A tenant knows about its own files; files of the node have to be installed by an operator. */
static void play_missing(struct plays *p, const struct sound_name *name,
			 const struct sound_fault *fault)
{
	if (name->kind == SOUND_SAID_VALUE)
		(void)snprintf(p->missing, sizeof(p->missing), "said: %s", fault->reason);
	if (name->kind == SOUND_PROMPT || name->kind == SOUND_DIGITS)
		(void)snprintf(p->missing, sizeof(p->missing), "%s%s: %s",
			       name->kind == SOUND_DIGITS ? SOUND_DIGITS_MARK : SOUND_PROMPT_MARK,
			       name->kind == SOUND_DIGITS ? "" : name->file, fault->reason);
}

/* An engine speaks the same text for another play. */
static bool play_is_spoken(const struct plays *p, const struct play *y)
{
	for (uint32_t i = 0; i < p->capacity; i++) {
		if (p->list[i].speaking && !strcmp(p->list[i].name.hash, y->name.hash))
			return true;
	}
	return false;
}

/* Asks the speech engine for a text without a file; its answer may come before this returns.
 * False: no engine. */
static bool play_speak(struct plays *p, struct play *y)
{
	bool spoken = play_is_spoken(p, y);

	if (!y->said.n)
		return false;
	y->speaking = true;
	if (spoken || (p->speak && p->speak(y, p->speak_arg)))
		return true;
	y->speaking = false;
	return false;
}

static void play_fail(struct plays *p, struct play *y, const struct sound_fault *fault)
{
	y->is_no_fault = y->spared && fault->absent;
	if (!y->is_no_fault) {
		play_missing(p, &y->name, fault);
		LOG_WARN("play", y->call, "a file cannot be played",
			 LOG_STR("file", sound_shown(&y->name)), LOG_STR("reason", fault->reason),
			 LOG_U64("at", fault->at),
			 LOG_STR("next", fault->absent ? "put it into media.sounds, and reload"
						       : "mend the file, and reload"));
	}
	play_tell_why(p, y, PROMPT_REPLY_FAILED, fault->reason);
	play_release(p, y);
}

static void try_one(struct plays *p, struct play *y, uint64_t now_ns)
{
	struct media_sound *sound;
	struct sound_fault fault;

	if (y->speaking)
		return;
	switch (sounds_get(p->sounds, &y->name, now_ns, &sound, &fault)) {
	case SOUNDS_HERE:
		play_sound(p, y, sound);
		return;
	case SOUNDS_LATER:
		return;
	case SOUNDS_NONE:
		if (!fault.absent || !play_speak(p, y))
			play_fail(p, y, &fault);
		return;
	}
}

static struct play *play_place_find(struct plays *p)
{
	for (uint32_t i = 0; p->used < p->capacity && i < p->capacity; i++) {
		if (p->list[i].state == PLAY_FREE)
			return &p->list[i];
	}
	return NULL;
}

/* It has that place from now on. */
static void play_put(struct plays *p, struct play *y, const struct play *wanted)
{
	*y = *wanted;
	p->used++;
	metric_set(g_plays_metrics.running, p->used);
}

/* "echo-2000": the caller's own sound, 2,000 ms later. */
static bool work_of_word(struct bytes name, struct media_work *out)
{
	struct bytes word;

	*out = (struct media_work){ .kind = MEDIA_WORK_DELAY };
	return bytes_cut(&name, '-', &word) && bytes_is(word, PROMPT_ECHO) &&
	       bytes_u32(name, &out->delay.ms) == 0 && out->delay.ms >= ECHO_MS_MIN &&
	       out->delay.ms <= ECHO_MS_MAX;
}

static bool play_name_set(struct sound_name *out, const struct play_wanted *w,
			  char said[SPEECH_TEXT_MAX])
{
	uint32_t rate_hz = w->room.generation ? w->rate_hz : player_rate(w->codec);

	if (rate_hz && sound_recording_set(out, w->tenant, w->file, rate_hz)) {
		/* another node may have it */
		if (out->kind == SOUND_RECORDING)
			(void)snprintf(said, SPEECH_TEXT_MAX, "%s", out->file);
		return true;
	}
	return rate_hz && (sound_beep_set(out, w->file, rate_hz) ||
			   sound_prompt_set(out, w->tenant, w->language, w->file, rate_hz) ||
			   sound_speech_set(out, w->tenant, w->language, w->file, rate_hz, said) ||
			   sound_name_set(out, w->tenant, w->file, rate_hz));
}

static void play_refused(struct plays *p, const struct play *wanted, struct bytes file,
			 const char *reason)
{
	if (spoken_value_is(file))
		file = BYTES_LIT(PROMPT_VALUE);
	LOG_WARN("play", wanted->call, "a file cannot be played", LOG_BYTES("file", file),
		 LOG_STR("reason", reason));
	play_tell_why(p, wanted, PROMPT_REPLY_FAILED, reason);
}

/* "live-bot": the caller is with the application of that endpoint. */
static void live_begin_at(struct plays *p, struct play *y, const struct play *one,
			  const struct play_wanted *wanted)
{
	const struct lives_want ask = { .id = one->serial,
					.call = one->call,
					.tenant = wanted->tenant,
					.endpoint = bytes_from(wanted->file, strlen(PROMPT_LIVE)),
					.codec = wanted->codec,
					.resumed = wanted->resumed,
					.room = wanted->room,
					.rate_hz = wanted->rate_hz };
	struct media_work work;
	const char *reason = lives_open(p->lives, &ask, &work);

	if (reason) {
		play_refused(p, one, wanted->file, reason);
		return;
	}
	play_put(p, y, one);
	y->feed = wanted->room.generation ? work.room_feed.feed : work.feed.feed;
	y->carried = stream_is_carried(&ask);
	play_job_open(p, y, &work);
}

void plays_start(struct plays *p, uint64_t call, uint64_t serial, const struct play_wanted *wanted,
		 uint64_t now_ns)
{
	struct play one = { .state = PLAY_WAITS,
			    .call = call,
			    .serial = serial,
			    .codec = wanted->codec,
			    .start_ms = wanted->start_ms,
			    .room = wanted->room,
			    .rate_hz = wanted->rate_hz,
			    .spared = wanted->spared };
	struct play *y = play_place_find(p);
	struct media_work work;
	char said[SPEECH_TEXT_MAX] = "";

	metric_add(g_plays_metrics.begun, 1);
	if (y && bytes_starts(wanted->file, PROMPT_LIVE)) {
		live_begin_at(p, y, &one, wanted);
		return;
	}
	if (y && !wanted->room.generation && work_of_word(wanted->file, &work)) {
		play_put(p, y, &one);
		play_job_open(p, y, &work);
		return;
	}
	if (!y || !play_name_set(&one.name, wanted, said)) {
		play_refused(p, &one, wanted->file,
			     y ? "no name of a file" : "too many are played");
		return;
	}
	if (text_set(&one.said, bytes_str(said))) {
		play_refused(p, &one, wanted->file, "no memory");
		return;
	}
	explicit_bzero(said, sizeof(said));
	play_put(p, y, &one);
	try_one(p, y, now_ns);
}

/* ---- of a conference ---- */

void plays_room(struct plays *p, const struct effect *e, uint64_t now_ns)
{
	const struct request_room_play *play = e->request;
	const struct play_wanted wanted = { .tenant = text_bytes(&play->tenant),
					    .language = text_bytes(&play->language),
					    .file = text_bytes(&play->file),
					    .start_ms = play->begin_ms,
					    .resumed = play->resumed,
					    .room = play->job,
					    .rate_hz = play->rate_hz };

	plays_start(p, e->call, e->serial, &wanted, now_ns);
}

void plays_room_tap(struct plays *p, const struct effect *e)
{
	const struct request_room_tap *tap = e->request;
	const struct play one = { .call = e->call, .serial = e->serial, .room = tap->job };
	const struct media_work work = {
		.kind = MEDIA_WORK_ROOM_TAP,
		.tap = { .room = tap->job, .number = tap->number, .tone = tap->tone }
	};
	struct play *y = play_place_find(p);

	if (!y) {
		play_notify(p, &one, PROMPT_REPLY_FAILED);
		return;
	}
	play_put(p, y, &one);
	play_job_open(p, y, &work);
}

void plays_stop(struct plays *p, uint64_t call, uint64_t serial)
{
	for (uint32_t i = 0; i < p->capacity; i++) {
		struct play *y = &p->list[i];

		if (y->state == PLAY_FREE || y->call != call || y->serial != serial)
			continue;
		if (y->state == PLAY_WAITS)
			play_release(p, y);
		else if (y->state == PLAY_OPEN)
			play_leave(p, y);
		return;
	}
}

static struct play *play_of_serial(struct plays *p, uint64_t serial)
{
	for (uint32_t i = 0; i < p->capacity; i++) {
		if (p->list[i].state != PLAY_FREE && p->list[i].serial == serial)
			return &p->list[i];
	}
	return NULL;
}

void plays_live(struct plays *p, const struct live_event *event)
{
	struct play *y = play_of_serial(p, event->id);
	bool is_open = y && y->state == PLAY_OPEN;

	switch (event->kind) {
	case LIVE_STARTED:
		return;
	case LIVE_ENDED:
	case LIVE_FAILED:
		if (!is_open)
			return;
		play_tell_why(p, y,
			      event->kind == LIVE_ENDED ? PROMPT_REPLY_ENDED : PROMPT_REPLY_FAILED,
			      lives_why_failed(event));
		play_leave(p, y);
		return;
	case LIVE_GONE:
		assert(y && y->feed == event->feed);
		y->live_gone = true;
		if (y->job_gone)
			play_release(p, y);
		return;
	}
}

void plays_key(struct plays *p, uint64_t call, uint64_t serial, char key)
{
	const struct play *y = play_of_serial(p, serial);

	if (y && y->feed && y->call == call && y->state == PLAY_OPEN)
		live_digit(p->lives->live, serial, key);
}

void plays_leave(struct plays *p, uint16_t shard)
{
	for (uint32_t i = 0; i < p->capacity; i++) {
		const struct play *y = &p->list[i];

		if (y->state != PLAY_FREE && id_shard(y->call) == shard)
			plays_stop(p, y->call, y->serial);
	}
}

void plays_try(struct plays *p, uint64_t now_ns)
{
	for (uint32_t i = 0; p->used && i < p->capacity; i++) {
		if (p->list[i].state == PLAY_WAITS)
			try_one(p, &p->list[i], now_ns);
	}
}

/* Once: one that is still not there has failed. */
void plays_on_rendered(struct plays *p, const char *hash, const char *why, uint64_t now_ns)
{
	const struct sound_fault fault = { .reason = why };

	sounds_on_rendered(p->sounds, hash);
	for (uint32_t i = 0; p->used && i < p->capacity; i++) {
		struct play *y = &p->list[i];

		if (!y->speaking || strcmp(y->name.hash, hash) != 0)
			continue;
		y->speaking = false;
		text_wipe(&y->said);
		if (why)
			play_fail(p, y, &fault);
		else
			try_one(p, y, now_ns);
	}
}

static void play_place_report(const struct plays *p, const struct play *y, uint32_t place)
{
	struct reply reply = { .ask = ASK_PLAY,
			       .of = y->call,
			       .play = { .kind = PROMPT_REPLY_PLACE,
					 .serial = y->serial,
					 .codec = y->codec,
					 .ms = (uint32_t)((uint64_t)place * 1000 /
							  y->name.rate_hz) } };

	answers_reply(p->answers, &reply);
}

static void play_broken(const struct plays *p, const struct play *y)
{
	static const char reason[] = "it did not arrive as a whole";

	LOG_WARN("play", y->call, "a file is not played to its end",
		 LOG_STR("file", sound_shown(&y->name)), LOG_STR("reason", reason));
	play_tell_why(p, y, PROMPT_REPLY_FAILED, reason);
}

void plays_event(struct plays *p, const struct media_event *event)
{
	uint32_t i = event->job.slot - p->first_slot;
	struct play *y = i < p->capacity ? &p->list[i] : NULL;

	if (!y || y->state == PLAY_FREE || !job_id_eq(y->job, event->job))
		return;
	if (event->kind == MEDIA_JOB_PLACE && y->state == PLAY_OPEN)
		play_place_report(p, y, event->place);
	if (event->kind == MEDIA_JOB_ENDED && y->state == PLAY_OPEN) {
		if (event->error)
			play_broken(p, y);
		else
			play_notify(p, y, PROMPT_REPLY_ENDED);
		play_leave(p, y);
	}
	if (event->kind != MEDIA_JOB_CLOSED)
		return;
	if (event->error && y->state == PLAY_OPEN)
		play_notify(p, y, PROMPT_REPLY_FAILED);
	p->left -= y->state == PLAY_LEFT;
	play_release(p, y);
}

void plays_round(struct plays *p)
{
	for (uint32_t i = 0; p->left && i < p->capacity; i++) {
		struct play *y = &p->list[i];
		const struct media_command c = {
			.kind = MEDIA_JOB_CLOSE, .rtp_fd = -1, .rtcp_fd = -1, .job = y->job
		};

		if (y->state != PLAY_LEFT || !play_command_put(p, &c))
			continue;
		y->state = PLAY_CLOSING;
		p->left--;
	}
}
