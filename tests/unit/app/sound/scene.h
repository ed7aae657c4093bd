/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of sounds of a tenant, and what asks for them. */
#ifndef TANDEM_TESTS_SCENE_H
#define TANDEM_TESTS_SCENE_H

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sound/sounds.h"
#include "base/clock.h"
#include "tests/unit/test.h"

enum { RATE = 8000, LENGTH = 800, HEAD = 44, WAIT_MS = 5000 };

#define AGAIN_NS (10 * NS_PER_S)

struct scene {
	char folder[32];
	struct sounds *sounds;
	uint64_t now_ns;
};

static inline void path_of(const struct scene *s, char out[160], const char *tenant,
			   const char *file)
{
	(void)snprintf(out, 160, "%s/%s%s%s", s->folder, tenant, *file ? "/" : "", file);
}

static inline void file_put(const struct scene *s, const char *file, const void *octets, size_t n)
{
	char path[160];
	int fd;

	path_of(s, path, "acme", file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, n), n);
	assert_int_equal(close(fd), 0);
}

static inline void le_put(uint8_t *p, uint32_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* RIFF, 16 bits, one channel: samples first, first + 1, ... Its octets, malloc'ed. */
static inline uint8_t *wav_make(uint32_t samples, int16_t first, size_t *n)
{
	uint8_t *w = calloc(1, HEAD + 2 * (size_t)samples);

	assert_non_null(w);
	*n = HEAD + 2 * (size_t)samples;
	memcpy(w, "RIFF    WAVEfmt ", 16);
	le_put(w + 4, (uint32_t)*n - 8, 4);
	le_put(w + 16, 16, 4);
	le_put(w + 20, 1, 2);
	le_put(w + 22, 1, 2);
	le_put(w + 24, RATE, 4);
	le_put(w + 28, 2 * RATE, 4);
	le_put(w + 32, 2, 2);
	le_put(w + 34, 16, 2);
	memcpy(w + 36, "data", 4);
	le_put(w + 40, 2 * samples, 4);
	for (uint32_t i = 0; i < samples; i++)
		le_put(w + HEAD + 2 * (size_t)i, (uint16_t)(first + (int)i), 2);
	return w;
}

static inline void wav_put(const struct scene *s, const char *file, uint32_t samples, int16_t first)
{
	size_t n;
	uint8_t *w = wav_make(samples, first, &n);

	file_put(s, file, w, n);
	free(w);
}

static inline struct scene *scene_open_idle(uint32_t count, uint64_t octets_max,
					    uint64_t octets_idle)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct sounds_settings settings = { .count = count,
					    .octets_max = octets_max,
					    .octets_idle = octets_idle,
					    .again_ns = AGAIN_NS };
	char path[160];

	assert_non_null(s);
	memcpy(s->folder, "/tmp/sounds-XXXXXX", sizeof("/tmp/sounds-XXXXXX"));
	assert_non_null(mkdtemp(s->folder));
	path_of(s, path, "acme", "");
	assert_int_equal(mkdir(path, 0700), 0);
	settings.folder = s->folder;
	s->now_ns = 1000 * NS_PER_S;
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	return s;
}

static inline struct scene *scene_open(uint32_t count, uint64_t octets_max)
{
	return scene_open_idle(count, octets_max, octets_max);
}

static inline int path_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void scene_close(struct scene *s)
{
	sounds_close(s->sounds);
	assert_int_equal(nftw(s->folder, path_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(s);
}

static inline struct sound_name name_of(const char *file, uint32_t rate_hz)
{
	struct sound_name name;

	assert_true(sound_name_set(&name, BYTES_LIT("acme"), bytes_str(file), rate_hz));
	return name;
}

static inline enum sounds_answer get(struct scene *s, const char *file, uint32_t rate_hz,
				     struct media_sound **out, struct sound_fault *fault)
{
	struct sound_name name = name_of(file, rate_hz);

	return sounds_get(s->sounds, &name, s->now_ns, out, fault);
}

/* As control waits. */
static inline enum sounds_answer get_wait(struct scene *s, const char *file, uint32_t rate_hz,
					  struct media_sound **out, struct sound_fault *fault)
{
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };
	enum sounds_answer a;

	while ((a = get(s, file, rate_hz, out, fault)) == SOUNDS_LATER) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(sounds_round(s->sounds, s->now_ns), 1);
	}
	return a;
}

static inline struct media_sound *here(struct scene *s, const char *file, uint32_t rate_hz)
{
	struct media_sound *sound = NULL;
	struct sound_fault fault = { 0 };

	assert_int_equal(get_wait(s, file, rate_hz, &sound, &fault), SOUNDS_HERE);
	assert_int_equal(sound->rate_hz, rate_hz);
	return sound;
}

static inline void is_none(struct scene *s, const char *file, const char *reason)
{
	struct media_sound *sound = NULL;
	struct sound_fault fault = { 0 };

	assert_int_equal(get_wait(s, file, RATE, &sound, &fault), SOUNDS_NONE);
	assert_string_equal(fault.reason, reason);
	assert_null(sound);
}

#endif
