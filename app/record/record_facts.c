/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of WAV files, the JSON sidecar of a recording, and the finishing of files that a killed
 * process left. The recorder writes both when a recording ends; its finder thread calls left_file
 * at the start. Sizes in a head are exact only at the end; until then they are 2^32-1, so a cut
 * file can still be played to its end.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/record/disk.h"
#include "app/record/record_facts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

enum {
	TAG_OF_PCM = 1,
	TAG_OF_ALAW = 6,
	TAG_OF_ULAW = 7,
	FMT_LEN = 18,
	FACT_LEN = 4,
	WAV_DATE_LEN = WAV_TIME_LEN + 2, /* with a NUL, and even */
	LIST_LEN = 4 + 8 + WAV_DATE_LEN,
};

static_assert(WAV_HEAD_LEN == 12 + 8 + FMT_LEN + 8 + FACT_LEN + 8 + LIST_LEN + 8, "all chunks");

uint32_t wav_sound_octets(enum wav_sound sound)
{
	return sound == WAV_SOUND_PCM ? 2 : 1;
}

uint8_t wav_sound_silence(enum wav_sound sound)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		return 0xff;
	case WAV_SOUND_ALAW:
		return 0xd5;
	case WAV_SOUND_PCM:
		break;
	}
	return 0;
}

static uint32_t wav_sides(const struct wav_head *h)
{
	return h->mono ? 1 : WAV_SIDES;
}

/* Octets of a sample of each side. */
static uint32_t wav_frame_octets(const struct wav_head *h)
{
	return wav_sides(h) * wav_sound_octets(h->sound);
}

static uint16_t wav_sound_tag(enum wav_sound sound)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		return TAG_OF_ULAW;
	case WAV_SOUND_ALAW:
		return TAG_OF_ALAW;
	case WAV_SOUND_PCM:
		break;
	}
	return TAG_OF_PCM;
}

static void put_le(struct writer *w, uint32_t v, uint32_t octets)
{
	for (uint32_t i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

/* Four letters and the size; a size above 32 bits is left unknown. */
static void put_chunk(struct writer *w, const char *name, uint64_t octets)
{
	writer_mem(w, name, 4);
	put_le(w, octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX, 4);
}

static void put_format(struct writer *w, const struct wav_head *h)
{
	uint32_t frame = wav_frame_octets(h);

	put_chunk(w, "fmt ", FMT_LEN);
	put_le(w, wav_sound_tag(h->sound), 2);
	put_le(w, wav_sides(h), 2);
	put_le(w, h->rate, 4);
	put_le(w, h->rate * frame, 4);
	put_le(w, frame, 2);
	put_le(w, wav_sound_octets(h->sound) * 8, 2);
	put_le(w, 0, 2);
}

void wav_head_write(uint8_t out[WAV_HEAD_LEN], const struct wav_head *h)
{
	struct writer w = writer_over(out, WAV_HEAD_LEN);
	bool grows = h->data_octets == UINT64_MAX;
	uint64_t samples = h->data_octets / wav_frame_octets(h);

	put_chunk(&w, "RIFF", grows ? UINT64_MAX : h->data_octets + WAV_HEAD_LEN - 8);
	writer_mem(&w, "WAVE", 4);
	put_format(&w, h);
	put_chunk(&w, "fact", FACT_LEN);
	put_le(&w, samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX, 4);
	put_chunk(&w, "LIST", LIST_LEN);
	writer_mem(&w, "INFO", 4);
	put_chunk(&w, "ICRD", WAV_DATE_LEN);
	writer_mem(&w, h->begun, WAV_TIME_LEN);
	put_le(&w, 0, 2);
	put_chunk(&w, "data", h->data_octets);
	assert(!w.overflow && w.n == WAV_HEAD_LEN);
}

void wav_time_put(char out[WAV_TIME_LEN + 1], uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char day[WAV_TIME_LEN] = "1970-01-01T00:00:00";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && tm.tm_year >= 0 && tm.tm_year < 8000)
		(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, WAV_TIME_LEN + 1, "%.19s.%03uZ", day, (unsigned)(utc_ms % 1000));
}

static const char *record_format_name(enum record_format format)
{
	switch (format) {
	case RECORD_WAV:
		return "wav";
	case RECORD_PCAPNG:
		break;
	}
	return "pcapng";
}

void record_file_name(char out[RECORD_FILE_MAX], const struct record_terms *t)
{
	char call[BASE32_U64_LEN];

	base32_u64_put(call, t->call);
	(void)snprintf(out, RECORD_FILE_MAX, "%.*s-%u.%u.%s", (int)sizeof(call), call, t->number,
		       t->segment, record_format_name(t->format));
}

static const char *side_name(enum record_side side)
{
	switch (side) {
	case RECORD_FROM_PARTY:
		return "said";
	case RECORD_TO_PARTY:
		return "heard";
	case RECORD_BOTH:
		break;
	}
	return "both";
}

static void facts_time(struct writer *w, const char *key, uint64_t utc_ms)
{
	char text[WAV_TIME_LEN + 1];

	wav_time_put(text, utc_ms);
	writer_fmt(w, ",\"%s\":\"%s\"", key, text);
}

static void facts_names(struct writer *w, const struct record_facts *f)
{
	const struct record_terms *t = f->terms;
	char call[BASE32_U64_LEN];

	base32_u64_put(call, t->call);
	writer_fmt(w, "{\"recording\":\"%.*s-%u\",\"call\":\"%.*s\"", (int)sizeof(call), call,
		   t->number, (int)sizeof(call), call);
	writer_fmt(w, ",\"number\":%u,\"segment\":%u,\"last\":%s,\"interrupted\":%s", t->number,
		   t->segment, f->last ? "true" : "false", f->interrupted ? "true" : "false");
	writer_str(w, ",\"tenant\":");
	json_write_text(w, bytes_str(t->tenant));
	writer_fmt(w, ",\"file\":\"%s\",\"format\":\"%s\"", f->file, record_format_name(t->format));
}

static void facts_sound(struct writer *w, const struct record_facts *f)
{
	if (f->codec[0])
		writer_fmt(w, ",\"codec\":\"%s\",\"rate\":%" PRIu32 ",\"channels\":%" PRIu32,
			   f->codec, f->rate, f->channels);
	facts_time(w, "begun", f->terms->begun_utc_ms);
	facts_time(w, "ended", f->ended_utc_ms);
	writer_number(w, ",\"duration_ms\":", f->duration_ms, "");
	writer_number(w, ",\"octets\":", f->octets, "");
	writer_number(w, ",\"said_packets\":", f->packets[0], "");
	writer_number(w, ",\"heard_packets\":", f->packets[1], "");
	writer_number(w, ",\"lost_packets\":", f->lost_packets, "");
	writer_number(w, ",\"undecoded_packets\":", f->undecoded_packets, "");
	writer_number(w, ",\"unwritten_packets\":", f->unwritten_packets, "");
	writer_number(w, ",\"unwritten_ms\":", f->unwritten_ms, "");
}

static void facts_pauses(struct writer *w, const struct record_facts *f)
{
	writer_number(w, ",\"pause_count\":", f->pause_count, ",\"pauses\":[");
	for (uint32_t i = 0; i < f->pause_count && i < RECORD_PAUSES_MAX; i++)
		writer_fmt(w, "%s{\"at_ms\":%" PRIu64 ",\"ms\":%" PRIu64 "}", i ? "," : "",
			   f->pauses[i].at_ms, f->pauses[i].ms);
	writer_str(w, "]");
}

static void facts_gaps(struct writer *w, const struct record_facts *f)
{
	writer_number(w, ",\"gap_count\":", f->gap_count, ",\"gaps\":[");
	for (uint32_t i = 0; i < f->gap_count && i < RECORD_GAPS_MAX; i++) {
		const struct record_gap *g = &f->gaps[i];

		writer_fmt(w,
			   "%s{\"at_ms\":%" PRIu64 ",\"ms\":%" PRIu64
			   ",\"side\":\"%s\",\"cause\":\"%s\"}",
			   i ? "," : "", g->at_ms, g->ms, side_name(g->side),
			   g->cause == RECORD_DISK ? "disk" : "lost");
	}
	writer_str(w, "]");
}

void record_facts_write(struct writer *w, const struct record_facts *f)
{
	facts_names(w, f);
	facts_sound(w, f);
	facts_pauses(w, f);
	facts_gaps(w, f);
	if (f->call.n) {
		writer_str(w, ",");
		writer_bytes(w, f->call);
	}
	writer_str(w, "}\n");
}

enum { YOUNG_MS = 10000 }; /* just made: its lock may come */

struct left {
	struct record_terms terms;
	struct record_facts facts;
	char file[RECORD_FILE_MAX];
	char begun[WAV_TIME_LEN + 1];
};

static bool left_number(struct bytes *rest, uint8_t until, uint32_t most, uint32_t *out)
{
	struct bytes part;

	return bytes_cut(rest, until, &part) && !bytes_u32(part, out) && *out >= 1 && *out <= most;
}

/* CALL-NUMBER.SEGMENT.wav */
static bool left_name(const char *name, struct record_terms *t)
{
	struct bytes rest = bytes_str(name), call;
	uint32_t number, segment;

	if (rest.n >= RECORD_FILE_MAX || !bytes_cut(&rest, '-', &call) ||
	    base32_u64_get(call, &t->call) || !left_number(&rest, '.', UINT8_MAX, &number) ||
	    !left_number(&rest, '.', UINT16_MAX, &segment))
		return false;
	t->number = (uint8_t)number;
	t->segment = (uint16_t)segment;
	t->format = bytes_is(rest, "wav") ? RECORD_WAV : RECORD_PCAPNG;
	return bytes_is(rest, record_format_name(t->format));
}

/* Cuts what is behind the last whole frame. */
static int left_wav(int fd, struct left *l, uint64_t size)
{
	static const char *const names[] = { "PCMU", "PCMA", "L16" };
	uint8_t octets[WAV_HEAD_LEN];
	struct wav_head h;
	uint32_t frame;

	if (pread(fd, octets, sizeof(octets), 0) != (ssize_t)sizeof(octets) ||
	    wav_head_parse(&h, bytes_mem(octets, sizeof(octets))))
		return 0; /* nothing was heard yet */
	frame = wav_frame_octets(&h);
	h.data_octets = (size - WAV_HEAD_LEN) / frame * frame;
	wav_head_write(octets, &h);
	if (pwrite(fd, octets, sizeof(octets), 0) != (ssize_t)sizeof(octets) ||
	    ftruncate(fd, (off_t)(WAV_HEAD_LEN + h.data_octets)))
		return -errno;
	l->facts.codec = names[h.sound];
	l->facts.channels = h.mono ? 1 : WAV_SIDES;
	l->facts.rate = h.rate;
	l->facts.octets = WAV_HEAD_LEN + h.data_octets;
	l->facts.duration_ms = h.rate ? h.data_octets / frame * 1000 / h.rate : 0;
	return 0;
}

/* The members in PATH.json.new, which is written when a recording begins, with a newline at the
 * end. Else empty: incomplete, or another file. out: room for RECORD_FACTS_MAX + 1. */
static struct bytes left_members(const char *path, char *out)
{
	char name[DISK_PATH_MAX];
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "%.*s.json.new", DISK_PATH_MAX - 10, path);
	fd = file_read_open(name);
	n = fd < 0 ? -1 : read(fd, out, RECORD_FACTS_MAX + 1);
	if (fd >= 0)
		(void)close(fd);
	if (n < 2 || out[0] != '"' || out[n - 1] != '\n')
		return (struct bytes){ 0 };
	for (ssize_t i = 0; i < n - 1; i++) {
		if ((uint8_t)out[i] < ' ')
			return (struct bytes){ 0 };
	}
	return bytes_mem(out, (size_t)n - 1);
}

static int left_finish(int fd, const char *path, struct left *l)
{
	uint64_t written_ms, now_ms = clock_utc_ms();
	char sidecar[DISK_PATH_MAX], *text;
	struct writer w;
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	written_ms = (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / NS_PER_MS;
	if (written_ms <= now_ms && now_ms - written_ms < YOUNG_MS && st.st_size == 0)
		return -EBUSY;
	l->facts = (struct record_facts){ .terms = &l->terms,
					  .file = l->file,
					  .codec = "",
					  .channels = WAV_SIDES,
					  .octets = (uint64_t)st.st_size,
					  .ended_utc_ms = written_ms,
					  .interrupted = true };
	err = l->terms.format == RECORD_WAV ? left_wav(fd, l, (uint64_t)st.st_size) : 0;
	if (err || fdatasync(fd))
		return err ? err : -errno;
	l->terms.begun_utc_ms = written_ms - l->facts.duration_ms;
	text = malloc(RECORD_SIDECAR_MAX + RECORD_FACTS_MAX + 1);
	if (!text)
		return -ENOMEM;
	l->facts.call = left_members(path, text + RECORD_SIDECAR_MAX);
	w = writer_over(text, RECORD_SIDECAR_MAX);
	record_facts_write(&w, &l->facts);
	(void)snprintf(sidecar, sizeof(sidecar), "%.*s.json", DISK_PATH_MAX - 6, path);
	err = file_replace(sidecar, 0600, writer_done(&w));
	free(text);
	return err;
}

int left_file(const char *folder, const char *name, const char *tenant, struct record_terms *terms,
	      uint64_t *octets)
{
	char path[DISK_PATH_MAX], sidecar[DISK_PATH_MAX];
	struct left l = { .file = "" };
	int fd, err;

	if (!left_name(name, &l.terms))
		return -EINVAL;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(sidecar, sizeof(sidecar), "%s/%s.json", folder, name);
	(void)snprintf(l.file, sizeof(l.file), "%s", name);
	(void)snprintf(l.terms.tenant, sizeof(l.terms.tenant), "%.*s", RECORD_TENANT_MAX - 1,
		       tenant);
	if (access(sidecar, F_OK) == 0)
		return -EBUSY;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -EBUSY;
	err = flock(fd, LOCK_EX | LOCK_NB) ? -EBUSY : 0;
	/* finished a moment ago, and unlocked since */
	if (!err && access(sidecar, F_OK) == 0)
		err = -EBUSY;
	if (!err)
		err = left_finish(fd, path, &l);
	(void)close(fd);
	*terms = l.terms;
	*octets = l.facts.octets;
	return err;
}
