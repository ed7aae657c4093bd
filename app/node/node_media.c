/* SPDX-License-Identifier: Apache-2.0 */
/* Sounds of the node: opens the sound files and one player for each track, gives their work to the
 * engine, and carries the files that extensions have chosen as music. It also starts the
 * applications of live sound, and passes plays of speech to the helper process. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/asked.h"
#include "app/live/live.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/settings/settings.h"
#include "app/sound/sounds.h"
#include "base/log.h"
#include "base/loop.h"
#include "dsp/tone.h"

enum {
	SOUNDS_MAX = 4096, /* as many may hear messages of their own at once */
	SOUNDS_IDLE_MIB = 256,
	SOUNDS_MIB = 2048,
	SPEECH_MS = 5000, /* an engine says a text in less */
};

static_assert((int)SETTINGS_SOUND_MAX == (int)SOUND_NAME_MAX + 1, "a name fits");

/* 0: a file. */
static const uint8_t g_tones[SHARD_TRACKS] = {
#define TONE(suffix, name) [SHARD_TRACK_##suffix] = TONE_##suffix + 1,
#include "sig/host/tones.def"
#undef TONE
};

static void try_all(struct node *n, uint64_t now_ns)
{
	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		player_try(&n->media->players[i], now_ns);
}

static void on_sounds(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	uint64_t now_ns = clock_now_ns();

	(void)fd;
	(void)events;
	(void)sounds_round(n->media->sounds, now_ns);
	try_all(n, now_ns);
	plays_try(&n->media->plays, now_ns);
}

static void live_event_give(struct node *n, const struct live_event *event)
{
	struct reply reply = { .ask = ASK_MEDIA_STREAM, .of = event->call };

	if (event->feed)
		plays_live(&n->media->plays, event);
	else if (lives_stream_outcome(event, &reply.media_stream))
		answers_reply(&n->shards->answers, &reply);
}

static void on_live_events(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct live_event event;

	(void)fd;
	(void)events;
	do {
		while (live_events(n->media->lives.live, &event, 1) == 1)
			live_event_give(n, &event);
	} while (!live_events_wait(n->media->lives.live));
}

/* Applications of live sound, as the settings say. */
static void lives_start(struct node *n)
{
	int err = 0;

	if (lives_configure(&n->media->lives, &n->settings->live, n->media->engine))
		err = loop_watch(live_event_fd(n->media->lives.live), LOOP_READ, on_live_events, n);
	if (err)
		LOG_ERROR("live", 0, "live sound cannot be watched",
			  LOG_STR("error", strerror(-err)));
}

static void on_track(uint32_t number, const struct job_id jobs[MEDIA_CODECS], void *arg)
{
	const struct node *n = arg;
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_track_set(core, (enum shard_track)number, jobs);
}

static void on_track_await(uint32_t number, void *arg)
{
	const struct node *n = arg;
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_track_await(core, (enum shard_track)number);
}

static void on_prompt_work(struct prompt_work *w, void *arg)
{
	if (w->done)
		w->done(w);
	else
		((struct node *)arg)->hooks->prompt_work(arg, w);
}

/* ---- what a speech engine says ---- */

static const char *speech_wrong(const json_t *result)
{
	if (!result)
		return "the speech engine did not say it";
	return json_is_true(json_object_get(result, "said"))
		       ? NULL
		       : "no speech engine is installed: apt install espeak-ng";
}

struct speech_request {
	char hash[PROMPT_HASH_TEXT];
	uint16_t tenant;
	uint64_t begin_ns;
	json_t *row; /* for who looks */
};

static void speech_ask_free(struct speech_request *ask)
{
	json_decref(ask->row);
	free(ask);
}

/* What came of it, for who looks. The text may be a secret. */
static void speech_show(struct node *n, struct speech_request *ask, const json_t *result,
			const char *wrong)
{
	uint64_t ms = (clock_now_ns() - ask->begin_ns) / NS_PER_MS;

	if (ask->row)
		(void)json_object_update_new(ask->row, json_pack("{s:I, s:s}", "ms", (json_int_t)ms,
								 "reason", wrong ? wrong : ""));
	if (ask->row && json_object_get(result, "url"))
		(void)json_object_update_new(ask->row,
					     json_pack("{s:O, s:O, s:O}", "url",
						       json_object_get(result, "url"), "status",
						       json_object_get(result, "status"), "fetch",
						       json_object_get(result, "fetch")));
	asked_put(n->helper_asked, ask->tenant, json_incref(ask->row));
}

static void speech_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct speech_request *ask = arg;
	const char *wrong = speech_wrong(result);

	if (!result)
		LOG_WARN("speech", 0, "a text was not said", LOG_STR("reason", why));
	speech_show(n, ask, result, result ? wrong : why);
	plays_on_rendered(&n->media->plays, ask->hash, wrong, clock_now_ns());
	speech_ask_free(ask);
}

static struct speech_request *speech_ask_new(const struct node *n, const struct play *y,
					     struct bytes language, struct bytes voice,
					     size_t octets)
{
	struct speech_request *ask = calloc(1, sizeof(*ask));
	char id[ID_TEXT_LEN];

	if (!ask)
		return NULL;
	id_call_put(id, y->call);
	memcpy(ask->hash, y->name.hash, sizeof(ask->hash));
	ask->tenant = tenants_find(n->common.tenants, bytes_str(y->name.tenant));
	ask->begin_ns = clock_now_ns();
	ask->row = json_pack("{s:I, s:s, s:s%, s:s%, s:s%, s:I}", "utc_ms",
			     (json_int_t)clock_utc_ms(), "kind", "say", "call", id, sizeof(id),
			     "language", (const char *)language.p, language.n, "voice",
			     (const char *)voice.p, voice.n, "sent", (json_int_t)octets);
	return ask;
}

static bool speech_request(const struct play *y, void *arg)
{
	struct node *n = arg;
	struct bytes text = text_bytes(&y->said), language, voice;
	char file[SETTINGS_PATH_MAX + PROMPT_HASH_TEXT];
	struct speech_request *ask;

	if (y->name.kind == SOUND_RECORDING)
		return n->hooks->fetch(n, y->name.tenant, y->name.file);
	(void)bytes_cut(&text, ':', &language);
	(void)bytes_cut(&text, ':', &voice);
	(void)snprintf(file, sizeof(file), "%s/%s", n->media->speech, y->name.hash);
	ask = speech_ask_new(n, y, language, voice, text.n);
	if (ask && node_helper_request(n, "say",
				       json_pack("{s:s, s:s, s:s%, s:s%, s:s%}", "url",
						 n->settings->media.speech_url, "file", file,
						 "language", (const char *)language.p, language.n,
						 "voice", (const char *)voice.p, voice.n, "text",
						 (const char *)text.p, text.n),
				       ask->tenant, SPEECH_MS, speech_on_answer, ask))
		return true;
	if (ask)
		speech_ask_free(ask);
	return false;
}

int node_players_open(struct node *n)
{
	char prompts[SETTINGS_PATH_MAX];
	const struct sounds_settings settings = { .folder = n->settings->media.sounds,
						  .recordings = n->settings->recordings.folder,
						  .shipped = NODE_SHIPPED_SOUNDS,
						  .prompts = prompts,
						  .speech = n->media->speech,
						  .on_work = on_prompt_work,
						  .arg = n,
						  .count = SOUNDS_MAX,
						  .octets_max = (uint64_t)SOUNDS_MIB << 20,
						  .octets_idle = (uint64_t)SOUNDS_IDLE_MIB << 20,
						  .again_ns = PLAYER_AGAIN_NS };
	int err;

	(void)snprintf(prompts, sizeof(prompts), "%s/prompts", n->settings->node.state_dir);
	(void)snprintf(n->media->speech, sizeof(n->media->speech), "%s/speech",
		       n->settings->node.state_dir);
	err = sounds_open(&n->media->sounds, &settings);
	if (err)
		return err;
	for (uint32_t i = 0; i < SHARD_TRACKS; i++) {
		const struct player_settings player = {
			.sounds = n->media->sounds,
			.queue = &n->media->queue,
			.number = i,
			.tenant = i < SHARD_TRACK_FILES ? NODE_TENANT : n->media->choices[i].tenant,
			.tone = g_tones[i],
			.tell = on_track,
			.await = on_track_await,
			.arg = n
		};

		player_open(&n->media->players[i], &player);
	}
	err = plays_open(&n->media->plays, NODE_SHARED_JOBS, settings_port_pairs(n->settings) / 2);
	if (err)
		return err;
	err = mixers_open(&n->media->mixers, NODE_SHARED_JOBS + n->media->plays.capacity,
			  n->media->plays.capacity);
	if (err)
		return err;
	n->media->mixers.queue = &n->media->queue;
	n->media->mixers.answers = &n->shards->answers;
	n->media->plays.sounds = n->media->sounds;
	n->media->plays.queue = &n->media->queue;
	n->media->plays.answers = &n->shards->answers;
	n->media->plays.lives = &n->media->lives;
	n->media->plays.speak = speech_request;
	n->media->plays.speak_arg = n;
	lives_start(n);
	return loop_watch(sounds_fd(n->media->sounds), LOOP_READ, on_sounds, n);
}

static void tone_start(struct player *p, const char *plan, uint64_t now_ns)
{
	if (strcmp(p->file, plan) != 0)
		player_play(p, plan, now_ns);
}

void node_players_start(struct node *n)
{
	const char *plan = settings_tones(n->settings);
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		if (g_tones[i])
			tone_start(&n->media->players[i], plan, now_ns);
	player_play(&n->media->players[SHARD_TRACK_MUSIC], n->settings->media.music, now_ns);
	for (uint32_t i = SHARD_TRACK_FILES; i < SHARD_TRACKS; i++)
		if (n->media->choices[i].users)
			player_play(&n->media->players[i], n->media->choices[i].file, now_ns);
	n->media->players_started = true;
}

/* The first sine of its country's tone, and a second time where that comes twice. */
void node_call_waiting_tone(const struct node *n, struct shard_settings *out)
{
	const struct tone_plan *p = tone_plan_find(bytes_str(settings_tones(n->settings)));
	const struct tone *t = p ? &p->tones[TONE_CALL_WAITING] : NULL;

	out->call_waiting_tone = (struct media_overlay){ 0 };
	if (!t)
		return;
	out->call_waiting_tone.every_ms = tone_period_ms(t);
	out->call_waiting_tone.tone =
		(struct media_tone){ .hz = t->steps[0].parts[0].hz,
				     .level = t->steps[0].parts[0].level,
				     .ms = t->steps[0].ms,
				     .gap_ms = t->count == 4 ? t->steps[1].ms : 0 };
}

/* ---- files that extensions chose ---- */

/* SHARD_TRACKS: none. */
static uint32_t choice_find(const struct node *n, const char *tenant, const char *file)
{
	uint32_t i = SHARD_TRACK_FILES;

	while (i < SHARD_TRACKS &&
	       !(n->media->choices[i].users && !strcmp(n->media->choices[i].tenant, tenant) &&
		 !strcmp(n->media->choices[i].file, file)))
		i++;
	return i;
}

static uint32_t choice_free(const struct node *n)
{
	uint32_t i = SHARD_TRACK_FILES;

	while (i < SHARD_TRACKS && n->media->choices[i].users)
		i++;
	return i;
}

static void choice_play(struct node *n, uint32_t i, const char *file)
{
	(void)snprintf(n->media->choices[i].file, sizeof(n->media->choices[i].file), "%s", file);
	if (n->media->players_started)
		player_play(&n->media->players[i], file, clock_now_ns());
}

uint8_t node_music_track(struct node *n, const char *tenant, const char *file)
{
	uint32_t i = choice_find(n, tenant, file);

	if (!file[0])
		return SHARD_TRACK_MUSIC;
	if (!strcmp(file, MUSIC_OFF))
		return SHARD_TRACK_NONE;
	if (i == SHARD_TRACKS && (i = choice_free(n)) < SHARD_TRACKS) {
		(void)snprintf(n->media->choices[i].tenant, sizeof(n->media->choices[i].tenant),
			       "%s", tenant);
		choice_play(n, i, file);
	}
	if (i == SHARD_TRACKS) {
		LOG_ERROR("music", 0, "too many files of hold music, media.music is played instead",
			  LOG_STR("file", file), LOG_U64("most", SHARD_TRACKS - SHARD_TRACK_FILES));
		return SHARD_TRACK_MUSIC;
	}
	n->media->choices[i].users++;
	return (uint8_t)i;
}

void node_music_leave(struct node *n, const char *tenant, const char *file)
{
	uint32_t i = choice_find(n, tenant, file);

	if (i < SHARD_TRACKS && --n->media->choices[i].users == 0)
		choice_play(n, i, "");
}

void node_players_event(struct node *n, const struct media_event *event, uint64_t now_ns)
{
	uint32_t number = event->job.slot / PLAYER_JOBS;

	if (number < SHARD_TRACKS)
		player_event(&n->media->players[number], event, now_ns);
	else if (!mixers_event(&n->media->mixers, event))
		plays_event(&n->media->plays, event);
}

void node_players_beat(struct node *n, uint64_t now_ns)
{
	try_all(n, now_ns);
}

void node_players_round(struct node *n)
{
	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		player_round(&n->media->players[i]);
	plays_round(&n->media->plays);
	mixers_round(&n->media->mixers);
}

void node_players_reload(struct node *n)
{
	int err = sounds_folder_set(n->media->sounds, n->settings->media.sounds);

	n->media->plays.missing[0] = '\0'; /* until it is wanted again */
	if (err)
		LOG_ERROR("node", 0, "media.sounds stays as it was",
			  LOG_STR("error", strerror(-err)));
	node_players_start(n);
	lives_start(n);
}

void node_lives_close(struct node *n)
{
	if (n->media->lives.live)
		loop_unwatch(live_event_fd(n->media->lives.live));
	lives_close(&n->media->lives);
}

void node_players_close(struct node *n)
{
	if (!n->media->sounds)
		return;
	loop_unwatch(sounds_fd(n->media->sounds));
	plays_close(&n->media->plays);
	mixers_close(&n->media->mixers);
	sounds_close(n->media->sounds);
}
