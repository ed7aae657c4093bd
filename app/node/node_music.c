/* SPDX-License-Identifier: Apache-2.0 */
/* The sounds of the node, and the music of those who are held. */
#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/sounds.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	SOUNDS_MAX = 256,
	SOUNDS_OCTETS_MAX = 256 << 20,
};

static_assert((int)SETTINGS_SOUND_MAX == (int)SOUND_NAME_MAX + 1, "a name fits");

static void on_sounds(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	uint64_t now_ns = clock_now_ns();

	(void)fd;
	(void)events;
	(void)sounds_round(n->sounds, now_ns);
	music_try(&n->music, now_ns);
}

static void on_music(const struct job_id jobs[MEDIA_CODECS], void *arg)
{
	struct node *n = arg;

	shard_track_set(n->shard, SHARD_TRACK_MUSIC, jobs);
}

int node_music_open(struct node *n)
{
	const struct sounds_settings settings = { .folder = n->settings.media.sounds,
						  .count = SOUNDS_MAX,
						  .octets_max = SOUNDS_OCTETS_MAX,
						  .again_ns = MUSIC_AGAIN_NS };
	int err = sounds_open(&n->sounds, &settings);

	if (err)
		return err;
	music_open(&n->music, n->sounds, &n->media_queue, NODE_TENANT, on_music, n);
	return loop_watch(sounds_fd(n->sounds), LOOP_READ, on_sounds, n);
}

void node_music_start(struct node *n)
{
	music_file_set(&n->music, n->settings.media.music, clock_now_ns());
}

void node_music_reload(struct node *n)
{
	int err = sounds_folder_set(n->sounds, n->settings.media.sounds);

	if (err)
		LOG_ERROR("node", 0, "media.sounds stays as it was",
			  LOG_STR("error", strerror(-err)));
	node_music_start(n);
}

void node_music_close(struct node *n)
{
	if (!n->sounds)
		return;
	loop_unwatch(sounds_fd(n->sounds));
	sounds_close(n->sounds);
}
