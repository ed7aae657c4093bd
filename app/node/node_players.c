/* SPDX-License-Identifier: Apache-2.0 */
/* The sounds of the node, and what is played of them. */
#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/sounds.h"
#include "base/log.h"
#include "base/loop.h"
#include "dsp/tone.h"

enum {
	SOUNDS_MAX = 256,
	SOUNDS_OCTETS_MAX = 256 << 20,
};

static_assert((int)SETTINGS_SOUND_MAX == (int)SOUND_NAME_MAX + 1, "a name fits");

/* 0: a file. */
static const uint8_t g_tones[SHARD_TRACKS] = {
	[SHARD_TRACK_RINGBACK] = TONE_RINGBACK + 1,
	[SHARD_TRACK_BUSY] = TONE_BUSY + 1,
	[SHARD_TRACK_CONGESTION] = TONE_CONGESTION + 1,
	[SHARD_TRACK_INFORMATION] = TONE_INFORMATION + 1,
};

static void try_all(struct node *n, uint64_t now_ns)
{
	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		player_try(&n->players[i], now_ns);
}

static void on_sounds(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	uint64_t now_ns = clock_now_ns();

	(void)fd;
	(void)events;
	(void)sounds_round(n->sounds, now_ns);
	try_all(n, now_ns);
}

static void on_track(uint32_t number, const struct job_id jobs[MEDIA_CODECS], void *arg)
{
	struct node *n = arg;

	shard_track_set(n->shard, (enum shard_track)number, jobs);
}

int node_players_open(struct node *n)
{
	const struct sounds_settings settings = { .folder = n->settings.media.sounds,
						  .count = SOUNDS_MAX,
						  .octets_max = SOUNDS_OCTETS_MAX,
						  .again_ns = PLAYER_AGAIN_NS };
	int err = sounds_open(&n->sounds, &settings);

	if (err)
		return err;
	for (uint32_t i = 0; i < SHARD_TRACKS; i++) {
		const struct player_settings player = { .sounds = n->sounds,
							.queue = &n->media_queue,
							.number = i,
							.tenant = NODE_TENANT,
							.tone = g_tones[i],
							.tell = on_track,
							.arg = n };

		player_open(&n->players[i], &player);
	}
	return loop_watch(sounds_fd(n->sounds), LOOP_READ, on_sounds, n);
}

static void tone_start(struct player *p, const char *plan, uint64_t now_ns)
{
	if (strcmp(p->file, plan) != 0)
		player_play(p, plan, now_ns);
}

void node_players_start(struct node *n)
{
	const char *plan = settings_tones(&n->settings);
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		if (g_tones[i])
			tone_start(&n->players[i], plan, now_ns);
	player_play(&n->players[SHARD_TRACK_MUSIC], n->settings.media.music, now_ns);
}

void node_players_event(struct node *n, const struct media_event *event, uint64_t now_ns)
{
	uint32_t number = event->job.slot / PLAYER_JOBS;

	if (number < SHARD_TRACKS)
		player_event(&n->players[number], event, now_ns);
}

void node_players_beat(struct node *n, uint64_t now_ns)
{
	try_all(n, now_ns);
}

void node_players_round(struct node *n)
{
	for (uint32_t i = 0; i < SHARD_TRACKS; i++)
		player_round(&n->players[i]);
}

void node_players_reload(struct node *n)
{
	int err = sounds_folder_set(n->sounds, n->settings.media.sounds);

	if (err)
		LOG_ERROR("node", 0, "media.sounds stays as it was",
			  LOG_STR("error", strerror(-err)));
	node_players_start(n);
}

void node_players_close(struct node *n)
{
	if (!n->sounds)
		return;
	loop_unwatch(sounds_fd(n->sounds));
	sounds_close(n->sounds);
}
