/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a fetched recording while it grows, resamples it and appends it to a sound that is already
 * played. sounds.c steps it on the helper thread. The lock file of copy_fetch.c tells whether more
 * will come: without the lock what is there is all. A segment that cannot be read is skipped, so
 * that one bad file does not end the playback.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sound/sound_stream.h"
#include "base/file.h"
#include "base/log.h"
#include "dsp/file/wav.h"
#include "dsp/resample.h"

enum {
	STREAM_OCTETS = 16384, /* read at once */
	STREAM_SEGMENTS_MAX = 32,
	STREAM_FILE_MAX = SOUND_NAME_MAX + 32,
};

struct sound_stream {
	struct media_sound *sound;
	struct sound_name name;
	DIR *tenant;
	int lock;
	uint32_t segment; /* segment being read, from 1 on */
	bool alone;       /* ... is the only one */
	int fd;           /* -1: it is not there yet */
	bool begun;       /* its head was read */
	struct wav wav;
	uint64_t at, end; /* octets of the file: of the next sample, behind the last one */
	struct resampler *resampler; /* NULL: none is needed, or there is no rate yet */
	uint32_t resampled_hz;       /* from */
	uint8_t octets[STREAM_OCTETS];
	int16_t pcm[STREAM_OCTETS];
};

/* ---- files ---- */

/* A process still brings it. Files seen after a false answer are all that it brought. */
static bool stream_arrives(const struct sound_stream *s)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(s->lock, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

/* The process that brought it ended before all was there. */
static bool stream_lacks(const struct sound_stream *s)
{
	struct stat st;

	return fstat(s->lock, &st) < 0 || st.st_nlink > 0;
}

/* Of any day. */
static int stream_file_open(const struct sound_stream *s, const char *file)
{
	char path[STREAM_FILE_MAX + 16];
	const struct dirent *day;
	int fd = -1;

	rewinddir(s->tenant);
	while (fd < 0 && (day = readdir(s->tenant))) {
		if (day->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%.10s/%s", day->d_name, file);
		fd = openat(dirfd(s->tenant), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	return fd;
}

/* First by the name while it arrives, then by the final one: it has one of the two. */
static int stream_kind_open(const struct sound_stream *s, const char *kind)
{
	char file[STREAM_FILE_MAX];
	int fd;

	(void)snprintf(file, sizeof(file), "%s%s.wav.part", s->name.file, kind);
	fd = stream_file_open(s, file);
	(void)snprintf(file, sizeof(file), "%s%s.wav", s->name.file, kind);
	return fd < 0 ? stream_file_open(s, file) : fd;
}

static bool stream_segment_open(struct sound_stream *s)
{
	char kind[16];

	s->fd = s->segment == 1 ? stream_kind_open(s, "") : -1;
	s->alone = s->fd >= 0;
	if (s->fd < 0) {
		(void)snprintf(kind, sizeof(kind), ".%u", s->segment);
		s->fd = stream_kind_open(s, kind);
	}
	if (s->fd < 0) {
		(void)snprintf(kind, sizeof(kind), ".%u.cut", s->segment);
		s->fd = stream_kind_open(s, kind);
	}
	return s->fd >= 0;
}

static void stream_segment_close(struct sound_stream *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->begun = false;
	s->segment++;
}

/* ---- sound ---- */

static enum sound_stream_state stream_cut(struct sound_stream *s, struct sound_fault *fault,
					  const char *reason)
{
	*fault = (struct sound_fault){ .reason = reason, .at = s->at };
	media_sound_over(s->sound, MEDIA_SOUND_CUT);
	return SOUND_STREAM_OVER;
}

static bool stream_rate_set(struct sound_stream *s)
{
	if (s->wav.rate == s->resampled_hz)
		return true;
	resampler_close(s->resampler);
	s->resampler = NULL;
	s->resampled_hz = s->wav.rate;
	return s->wav.rate == s->name.rate_hz ||
	       !resampler_open(&s->resampler, s->wav.rate, s->name.rate_hz);
}

/* Skips an unreadable segment, and goes on with the next. False: it has not arrived. */
static bool stream_head_read(struct sound_stream *s, bool arrives)
{
	ssize_t n = pread(s->fd, s->octets, sizeof(s->octets), 0);
	struct wav_error error;

	if (!wav_parse_head(&s->wav, bytes_mem(s->octets, n > 0 ? (size_t)n : 0), &error)) {
		s->at = (uint64_t)(s->wav.data.p - s->octets);
		s->end = s->at + s->wav.data.n;
		s->begun = true;
		return true;
	}
	if (arrives && n < (ssize_t)sizeof(s->octets))
		return false;
	LOG_WARN("sound", 0, "a segment of a recording cannot be played",
		 LOG_STR("tenant", s->name.tenant), LOG_STR("recording", s->name.file),
		 LOG_U64("segment", s->segment), LOG_STR("reason", error.reason),
		 LOG_U64("at", error.at));
	stream_segment_close(s);
	return true;
}

/* n samples of the file. False: there is no room for more. */
static bool stream_add(struct sound_stream *s, uint32_t n)
{
	uint32_t ready = media_sound_ready(s->sound), room = s->sound->length - ready;

	if (!s->resampler && n <= room)
		memcpy(s->sound->samples + ready, s->pcm, n * sizeof(s->pcm[0]));
	else if (s->resampler && (uint64_t)n * s->name.rate_hz / s->wav.rate + 1 <= room)
		n = resampler_run(s->resampler, s->pcm, n, s->sound->samples + ready, room);
	else
		return false;
	media_sound_grow(s->sound, n);
	return true;
}

static enum sound_stream_state stream_octets(struct sound_stream *s, bool arrives,
					     struct sound_fault *fault)
{
	size_t block = (size_t)s->wav.channels * s->wav.bits / 8,
	       most = STREAM_OCTETS - STREAM_OCTETS % block;
	struct wav w = s->wav;
	ssize_t n;

	if (s->end - s->at < block) {
		stream_segment_close(s);
		return SOUND_STREAM_MORE;
	}
	n = pread(s->fd, s->octets, s->end - s->at < most ? s->end - s->at : most, (off_t)s->at);
	if (n < (ssize_t)block && arrives)
		return SOUND_STREAM_WAITS;
	if (n < (ssize_t)block && stream_lacks(s))
		return stream_cut(s, fault, SOUND_LACKS);
	if (n < (ssize_t)block) { /* its head promises more than it has */
		stream_segment_close(s);
		return SOUND_STREAM_MORE;
	}
	w.samples = (size_t)n / block;
	w.data = bytes_mem(s->octets, w.samples * block);
	wav_read(&w, 0, s->pcm, (uint32_t)w.samples);
	s->at += w.data.n;
	return stream_add(s, (uint32_t)w.samples) ? SOUND_STREAM_MORE
						  : stream_cut(s, fault, SOUND_TOO_LONG);
}

/* The next segment, if there is one. */
static enum sound_stream_state stream_next(struct sound_stream *s, bool arrives,
					   struct sound_fault *fault)
{
	if (!s->alone && s->segment <= STREAM_SEGMENTS_MAX && stream_segment_open(s))
		return SOUND_STREAM_MORE;
	if (arrives && !s->alone)
		return SOUND_STREAM_WAITS;
	if (!media_sound_ready(s->sound))
		return stream_cut(s, fault, SOUND_NO_FILE);
	if (stream_lacks(s))
		return stream_cut(s, fault, SOUND_LACKS);
	media_sound_over(s->sound, MEDIA_SOUND_WHOLE);
	return SOUND_STREAM_OVER;
}

enum sound_stream_state sound_stream_step(struct sound_stream *s, struct sound_fault *fault)
{
	bool arrives = stream_arrives(s);

	*fault = (struct sound_fault){ 0 };
	if (s->fd < 0)
		return stream_next(s, arrives, fault);
	if (s->begun)
		return stream_octets(s, arrives, fault);
	if (!stream_head_read(s, arrives))
		return SOUND_STREAM_WAITS;
	return !s->begun || stream_rate_set(s) ? SOUND_STREAM_MORE
					       : stream_cut(s, fault, "no memory");
}

/* ---- open, close ---- */

/* A stream always has a beginning. */
static bool sound_stream_start(struct sound_stream *s)
{
	struct sound_fault fault;
	enum sound_stream_state state = SOUND_STREAM_MORE;

	while (state == SOUND_STREAM_MORE && !media_sound_ready(s->sound))
		state = sound_stream_step(s, &fault);
	return media_sound_ready(s->sound);
}

static void stream_lock_path(char out[PATH_MAX], const char *folder, const struct sound_name *name)
{
	(void)snprintf(out, PATH_MAX, "%s/%s/0000-00-00/%s.fetch", folder, name->tenant,
		       name->file);
}

bool sound_stream_lacks(const char *folder, const struct sound_name *name)
{
	char path[PATH_MAX];

	stream_lock_path(path, folder, name);
	return access(path, F_OK) == 0;
}

struct sound_stream *sound_stream_open(const char *folder, const struct sound_name *name)
{
	char path[PATH_MAX];
	struct sound_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->name = *name;
	s->fd = -1;
	s->segment = 1;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name->tenant);
	s->tenant = opendir(path);
	stream_lock_path(path, folder, name);
	s->lock = file_read_open(path);
	if (s->tenant && s->lock >= 0 && stream_arrives(s))
		s->sound = media_sound_make(name->rate_hz, name->rate_hz * SOUND_SECONDS_MAX);
	if (s->sound)
		media_sound_arrives(s->sound);
	if (s->sound && sound_stream_start(s))
		return s;
	media_sound_unref(s->sound);
	sound_stream_close(s);
	return NULL;
}

struct media_sound *sound_stream_sound(struct sound_stream *s)
{
	return s->sound;
}

void sound_stream_close(struct sound_stream *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->lock >= 0)
		(void)close(s->lock);
	if (s->tenant)
		(void)closedir(s->tenant);
	resampler_close(s->resampler);
	free(s);
}
