/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One running recording: packets in, octets of its file out. A WAV file has the time of arrival
 * less pauses; in a pcapng each packet is a block. Octets wait at most 400 ms to be written. The
 * recorder's thread.
 */
#ifndef APP_RECORD_RECORDING_H
#define APP_RECORD_RECORDING_H

#include "app/record/disk.h"
#include "app/record/record_facts.h"
#include "app/record/record_voice.h"
#include "app/record/timeline.h"

struct tap_packet;

enum {
	RECORDING_CHUNK_MS = 400,
	RECORDING_PENDING = 20 * 1024, /* octets of pcapng */
	RECORDING_STOPS = 4,           /* pauses that packets under way may belong to */
};

struct recording_stop {
	uint64_t from_ns, to_ns; /* UINT64_MAX: it lasts */
};

struct recording {
	struct recording *next; /* of a slot of the table */
	struct record_terms terms;
	struct disk_file file;
	char file_name[RECORD_FILE_MAX];
	uint64_t begun_ns, ended_ns; /* ended_ns 0: it runs */
	uint64_t flushed_ns;
	bool told;   /* that it began */
	bool failed; /* its file cannot be made: packets are dropped */
	/* pauses, the latest last */
	struct recording_stop stops[RECORDING_STOPS];
	uint32_t stop_count;
	uint64_t paused_ns; /* of all that are over */
	/* of a WAV file */
	bool sounds; /* its kind is known */
	enum wav_sound sound;
	uint32_t rate;
	struct wav_window window;
	struct timeline lines[WAV_SIDES];
	struct record_voice voices[WAV_SIDES];
	int64_t written, dirty; /* frames; dirty: the first one that changed after it was written */
	struct record_message message; /* where terms.message */
	/* of a pcapng */
	struct writer pending;
	uint32_t pending_packets;
	uint64_t pending_lost; /* reported with the next packet */
	uint64_t at;           /* octets of the file */
	/* facts */
	uint64_t packets[WAV_SIDES], undecoded, unwritten_packets, unwritten_ms, untapped;
	uint32_t gap_count, pause_count;
	struct record_gap gaps[RECORD_GAPS_MAX];
	struct record_pause pauses[RECORD_PAUSES_MAX];
};

/* path: of the file. 0 or -ENOMEM. */
int recording_open(struct recording *r, struct disk *d, const struct record_terms *terms,
		   const char *path, uint64_t now_ns) NODISCARD;
void recording_on_packet(struct recording *r, struct disk *d, const struct tap_packet *p);
void recording_pause(struct recording *r, uint64_t at_ns);
void recording_resume(struct recording *r, uint64_t at_ns);
/* Gives the disk all that is old enough. */
void recording_flush(struct recording *r, struct disk *d, uint64_t now_ns);
/* The disk finishes its file and sidecar. call: members of its facts. */
void recording_end(struct recording *r, struct disk *d, uint64_t at_ns, bool last, bool interrupted,
		   struct bytes call);
uint64_t recording_ms(const struct recording *r, uint64_t now_ns); /* of its file */
/* Of a message: whether it has been silent for its limit, and that was not reported yet. */
bool recording_falls_quiet(struct recording *r, uint64_t now_ns);
/* What its file will have by now; false: nothing new. */
bool recording_has_grown(struct recording *r, uint64_t now_ns, uint64_t *ms);
void recording_close(struct recording *r);

#endif
