/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads sound files (RIFF WAVE, Ogg Opus) into samples at the wanted rate. The helper thread calls
 * it for every file that is played. Files are a tenant's: names cannot leave the folder, links and
 * pipes are not opened, sizes and durations are bounded, and each fault has its position for the
 * tenant to find.
 */

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sound/sound_file.h"
#include "dsp/codec/codec.h"
#include "dsp/codec/decoder.h"
#include "dsp/file/ogg.h"
#include "dsp/file/wav.h"
#include "dsp/resample.h"

struct opus_work {
	struct decoder *decoder;
	struct ogg_packets packets;
	int16_t pcm[CODEC_SAMPLES_MAX];
	uint32_t skip; /* samples of pre-skip still to drop */
};

/* Behind the samples copied before. */
static void opus_samples_copy(struct opus_work *o, uint32_t n, struct media_sound *s,
			      uint32_t *taken)
{
	uint32_t from = o->skip < n ? o->skip : n, count = n - from;

	o->skip -= from;
	if (count > s->length - *taken)
		count = s->length - *taken;
	memcpy(s->samples + *taken, o->pcm + from, count * sizeof(o->pcm[0]));
	*taken += count;
}

static bool packets_decode(struct opus_work *o, struct media_sound *s, struct sound_fault *fault)
{
	uint32_t taken = 0;
	struct bytes packet;
	size_t at;

	while (taken < s->length && ogg_packets_next(&o->packets, &packet, &at)) {
		int n = decoder_frame(o->decoder, packet, o->pcm, CODEC_SAMPLES_MAX);

		if (n < 0) {
			*fault = (struct sound_fault){
				.reason = "what ends here is no packet of Opus", .at = at
			};
			return false;
		}
		opus_samples_copy(o, (uint32_t)n, s, &taken);
	}
	return true;
}

/* RFC 7845 5.1: 1/256 dB. */
static void gain_apply(struct media_sound *s, int16_t gain)
{
	double factor = pow(10, gain / (20.0 * 256));

	for (uint32_t i = 0; gain && i < s->length; i++) {
		double v = round(s->samples[i] * factor);

		s->samples[i] = (int16_t)(v < INT16_MIN   ? INT16_MIN
					  : v > INT16_MAX ? INT16_MAX
							  : v);
	}
}

static struct media_sound *opus_decode_all(struct opus_work *o, const struct ogg *ogg,
					   uint32_t rate_hz, struct sound_fault *fault)
{
	size_t length = resample_count((size_t)ogg->samples, OGG_RATE, rate_hz);
	struct media_sound *s = media_sound_make(rate_hz, (uint32_t)length);

	if (!s) {
		fault->reason = "no memory";
		return NULL;
	}
	o->skip = ogg->pre_skip / (OGG_RATE / rate_hz);
	ogg_packets_open(&o->packets, ogg);
	if (packets_decode(o, s, fault)) {
		gain_apply(s, ogg->gain);
		return s;
	}
	media_sound_unref(s);
	return NULL;
}

/* With one reference; NULL: see fault. A rate of Opus: 8000, 12000, 16000, 24000 or 48000. */
static struct media_sound *sound_opus_make(struct bytes file, uint32_t rate_hz,
					   struct sound_fault *fault)
{
	const struct decoder_settings settings = { .codec = "opus", .rate = rate_hz };
	struct media_sound *s = NULL;
	struct opus_work *o;
	struct ogg_error error;
	struct ogg ogg;

	if (ogg_parse(&ogg, file, &error)) {
		*fault = (struct sound_fault){ .reason = error.reason, .at = error.at };
		return NULL;
	}
	if (ogg.samples > (uint64_t)OGG_RATE * SOUND_SECONDS_MAX) {
		fault->reason = SOUND_TOO_LONG;
		return NULL;
	}
	o = malloc(sizeof(*o));
	if (o && decoder_open(&o->decoder, &settings) == 0) {
		s = opus_decode_all(o, &ogg, rate_hz, fault);
		decoder_close(o->decoder);
	} else {
		fault->reason = "no memory";
	}
	free(o);
	return s;
}

const char SOUND_TOO_LONG[] = "longer than 10 minutes";
const char SOUND_NO_FILE[] = "no such file";

static bool name_copy(char out[SOUND_NAME_MAX + 1], struct bytes name)
{
	if (name.n == 0 || name.n > SOUND_NAME_MAX || name.p[0] == '.' || !bytes_are_plain(name))
		return false;
	memcpy(out, name.p, name.n);
	return true;
}

bool sound_language_is_good(struct bytes language)
{
	for (size_t i = 0; i < language.n; i++) {
		uint8_t c = language.p[i];

		if (!octet_is_plain(c) || c == '.' || c == '_')
			return false;
	}
	return language.n < LANGUAGE_MAX;
}

const char *sound_shown(const struct sound_name *name)
{
	return name->kind == SOUND_SAID_VALUE || name->kind == SOUND_SPEECH ? "said:" : name->file;
}

bool sound_name_set(struct sound_name *out, struct bytes tenant, struct bytes file,
		    uint32_t rate_hz)
{
	memset(out, 0, sizeof(*out)); /* names are compared as octets */
	out->rate_hz = rate_hz;
	return name_copy(out->tenant, tenant) && name_copy(out->file, file);
}

/* ---- the file ---- */

/* No link leads out of the folder, and no pipe blocks the thread. -1: none. */
static int sound_file_open(int folder, const char *const *parts, size_t count)
{
	int at = folder;

	for (size_t i = 0; i < count && at >= 0; i++) {
		int flags = i + 1 < count ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK;
		int next = openat(at, parts[i], flags | O_NOFOLLOW | O_CLOEXEC), error = errno;

		if (at != folder)
			(void)close(at);
		errno = error;
		at = next;
	}
	return at;
}

static const char *size_check(int fd, size_t max, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "not a plain file";
	if (st.st_size == 0)
		return "empty";
	if ((uint64_t)st.st_size > max)
		return max == SOUND_FILE_MAX ? "longer than 64 MiB" : "longer than 1 MiB";
	*size = (size_t)st.st_size;
	return NULL;
}

/* As much as it has now. */
static size_t octets_read(int fd, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t more = read(fd, out + n, size - n);

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			break;
		n += (size_t)more;
	}
	return n;
}

const char *sound_fd_load(int fd, size_t max, uint8_t **out, size_t *n)
{
	const char *reason = size_check(fd, max, n);

	if (reason)
		return reason;
	*out = malloc(*n);
	if (!*out)
		return "no memory";
	*n = octets_read(fd, *out, *n);
	return NULL;
}

const char *sound_path_load(int folder, const char *const *parts, size_t count, size_t max,
			    uint8_t **out, size_t *n)
{
	int fd = sound_file_open(folder, parts, count);
	const char *reason;

	if (fd < 0)
		return errno == ENOENT ? SOUND_NO_FILE : "cannot be opened";
	reason = sound_fd_load(fd, max, out, n);
	(void)close(fd);
	return reason;
}

/* ---- the sound ---- */

static struct media_sound *same_rate(const struct wav *w)
{
	struct media_sound *s = media_sound_make(w->rate, (uint32_t)w->samples);

	if (s)
		wav_read(w, 0, s->samples, s->length);
	return s;
}

static struct media_sound *another_rate(const struct wav *w, uint32_t rate_hz)
{
	size_t n = resample_count((size_t)w->samples, w->rate, rate_hz);
	struct media_sound *s = media_sound_make(rate_hz, (uint32_t)n);
	int16_t *pcm = malloc((size_t)w->samples * sizeof(*pcm));

	if (s && pcm) {
		wav_read(w, 0, pcm, (uint32_t)w->samples);
		if (resample_whole(pcm, (size_t)w->samples, w->rate, s->samples, rate_hz) == 0) {
			free(pcm);
			return s;
		}
	}
	free(pcm);
	media_sound_unref(s);
	return NULL;
}

static struct media_sound *sound_wav_make(struct bytes file, uint32_t rate_hz,
					  struct sound_fault *fault)
{
	struct media_sound *s;
	struct wav_error error;
	struct wav w;

	if (wav_parse(&w, file, &error)) {
		*fault = (struct sound_fault){ .reason = error.reason, .at = error.at };
		return NULL;
	}
	if (w.samples > (uint64_t)w.rate * SOUND_SECONDS_MAX) {
		fault->reason = SOUND_TOO_LONG;
		return NULL;
	}
	s = w.rate == rate_hz ? same_rate(&w) : another_rate(&w, rate_hz);
	if (!s)
		fault->reason = "no memory";
	return s;
}

/* ID3v2, or a frame's sync of layer III. */
static bool is_mp3(struct bytes file)
{
	return bytes_starts(file, "ID3") ||
	       (file.n > 1 && file.p[0] == 0xff && (file.p[1] & 0xe6) == 0xe2);
}

struct media_sound *sound_octets_read(struct bytes file, uint32_t rate_hz,
				      struct sound_fault *fault)
{
	if (bytes_starts(file, "OggS"))
		return sound_opus_make(file, rate_hz, fault);
	if (bytes_starts(file, "RIFF"))
		return sound_wav_make(file, rate_hz, fault);
	fault->reason = is_mp3(file) ? "MP3, which is not played: make Opus in Ogg of it, or WAV"
				     : "neither a WAV file nor Opus in Ogg";
	return NULL;
}

struct media_sound *sound_path_read(int folder, const char *const *parts, size_t count,
				    uint32_t rate_hz, struct sound_fault *fault)
{
	struct media_sound *s = NULL;
	uint8_t *octets = NULL;
	size_t n = 0;

	*fault = (struct sound_fault){ .reason = sound_path_load(folder, parts, count,
								 SOUND_FILE_MAX, &octets, &n) };
	fault->absent = fault->reason == SOUND_NO_FILE;
	if (!fault->reason)
		s = sound_octets_read(bytes_mem(octets, n), rate_hz, fault);
	free(octets);
	return s;
}

struct media_sound *sounds_join(struct media_sound *const *parts, size_t count, uint32_t rate_hz)
{
	struct media_sound *s;
	uint32_t length = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		length += parts[i]->length;
	s = media_sound_make(rate_hz, length);
	for (size_t i = 0; s && i < count; i++) {
		memcpy(s->samples + at, parts[i]->samples,
		       parts[i]->length * sizeof(s->samples[0]));
		at += parts[i]->length;
	}
	return s;
}

struct media_sound *sound_file_read(int folder, const struct sound_name *name,
				    struct sound_fault *fault)
{
	const char *const parts[] = { name->tenant, name->file };

	return sound_path_read(folder, parts, COUNT_OF(parts), name->rate_hz, fault);
}
