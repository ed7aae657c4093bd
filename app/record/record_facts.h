/* SPDX-License-Identifier: Apache-2.0 */
/* The sidecar of a recording: the file's own facts, and those of the call unchanged. Pure. */
#ifndef APP_RECORD_RECORD_FACTS_H
#define APP_RECORD_RECORD_FACTS_H

#include "app/record/recorder.h"
#include "base/bytes.h"

enum {
	RECORD_GAPS_MAX = 200, /* that are named; all are counted */
	RECORD_PAUSES_MAX = 100,
	RECORD_SIDECAR_MAX = 48 * 1024, /* octets of the JSON text */
};

enum record_side { RECORD_FROM_PARTY, RECORD_TO_PARTY, RECORD_BOTH };
enum record_cause {
	RECORD_LOST, /* packets that never came, or had no room before the recorder */
	RECORD_DISK, /* the disk took nothing, and memory was full */
};

struct record_gap {
	uint64_t at_ms, ms; /* in the file */
	enum record_side side;
	enum record_cause cause;
};

struct record_pause {
	uint64_t at_ms; /* position in the file; it stands still */
	uint64_t ms;    /* how long it was on the clock */
};

struct record_facts {
	const struct record_terms *terms;
	const char *file;  /* its name without the folder */
	const char *codec; /* "PCMU", "PCMA", "L16"; "" of a pcapng */
	uint32_t rate, channels;
	uint64_t ended_utc_ms, duration_ms, octets;
	bool last, interrupted;
	uint64_t lost_packets, unwritten_ms, unwritten_packets, undecoded_packets;
	uint64_t packets[2];             /* said, heard */
	uint32_t gap_count, pause_count; /* all; those named are bounded */
	const struct record_gap *gaps;
	const struct record_pause *pauses;
	struct bytes call; /* members of its own, or empty */
};

/* It has one channel, the party's own sound or the mix. */
static inline bool record_is_mono(const struct record_terms *t)
{
	return t->message || t->mix;
}

/* CALL-NUMBER.SEGMENT.FORMAT */
void record_file_name(char out[RECORD_FILE_MAX], const struct record_terms *t);
void record_facts_write(struct writer *w, const struct record_facts *f);

/* A recording without a sidecar and without its process, which was killed or had a full disk. The
 * file is whole as far as it goes: it gets the right sizes in its head, and a sidecar with
 * "interrupted". A writer holds the file's lock, so no work of others is touched. */

/* Finishes FOLDER/NAME of the tenant.
 * 0; -EBUSY: in use, or just now; -EINVAL: no name of a recording; -errno. */
int left_file(const char *folder, const char *name, const char *tenant, struct record_terms *terms,
	      uint64_t *octets) NODISCARD;

/*
 * The head of a WAV file: left the party's own sound, right what it hears; or the former alone.
 * While it grows its sizes are 2^32-1, as programs write them that cannot seek: readers go to the
 * end of the file. G.711 keeps the wire's octets (tags 6 and 7); all else is PCM of 16 bits. It has
 * the start time, too (INFO, ICRD), for a file without a sidecar. Pure.
 *
 *   RIFF size WAVE | fmt  18 | fact 4 | LIST 38 INFO ICRD 25+1 | data size | samples
 */

enum wav_sound { WAV_SOUND_ULAW, WAV_SOUND_ALAW, WAV_SOUND_PCM };

enum {
	WAV_HEAD_LEN = 104,
	WAV_SIDES = 2,
	WAV_TIME_LEN = 24, /* 2026-11-25T00:00:00.000Z */
};

struct wav_head {
	enum wav_sound sound;
	bool mono; /* what the party said, alone */
	uint32_t rate;
	uint64_t data_octets; /* behind the head; UINT64_MAX: it grows */
	char begun[WAV_TIME_LEN + 1];
};

/* Octets of one sample of one side; what silence is, in each of them. */
uint32_t wav_sound_octets(enum wav_sound sound);
uint8_t wav_sound_silence(enum wav_sound sound);

void wav_head_write(uint8_t out[WAV_HEAD_LEN], const struct wav_head *h);
/* Parses a head of wav_head_write; data_octets as in it. 0 or -EBADMSG: not one of ours. */
int wav_head_parse(struct wav_head *out, struct bytes in) NODISCARD;
/* RFC 3339 in UTC, with milliseconds. */
void wav_time_put(char out[WAV_TIME_LEN + 1], uint64_t utc_ms);

#endif
