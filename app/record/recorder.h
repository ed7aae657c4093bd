/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: files of media that parties send and hear. The engine copies packets into rings; the
 * thread `recorder` reads those and writes files with io_uring. A slow or full disk never affects a
 * call: pending octets are bounded, others are left out, and the sidecar says where.
 *
 * A recording is a number (1 to 255) of a call. Each process that continues it writes a segment, a
 * file of its own:
 *
 *   FOLDER/TENANT/2026-11-25/CALL-NUMBER.SEGMENT.wav (or .pcapng): mode 0600, locked by flock(2)
 *   FOLDER/TENANT/2026-11-25/CALL-NUMBER.SEGMENT.wav.json: by rename, when the file is finished
 *
 * Spoken names of conference members are in FOLDER/.names/TENANT instead, and are no recordings.
 *
 * All functions are the control thread's, and return at once.
 */
#ifndef APP_RECORD_RECORDER_H
#define APP_RECORD_RECORDER_H

#include "base/bytes.h"

struct recorder;
struct tap_packet;

enum {
	RECORD_TENANT_MAX = 32,
	RECORD_FOLDER_MAX = 512,
	RECORD_FILE_MAX = 64,         /* CALL-NUMBER.SEGMENT.pcapng */
	RECORD_FACTS_MAX = 16 * 1024, /* octets of the call's own facts */
	RECORDINGS_MAX = 16384,       /* at one time */
};

#define RECORD_NAMES ".names"

enum record_format { RECORD_WAV, RECORD_PCAPNG };

/* Source of packets: up to max, each valid during the call (engine_tapped). Returns their number.
 * The recorder's thread. */
typedef void recorder_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t recorder_source_fn(void *source, uint32_t max, recorder_packet_fn *fn, void *arg);

struct recorder_settings {
	recorder_source_fn *read;
	void *source;
	char folder[RECORD_FOLDER_MAX]; /* is made where it is missing */
	uint32_t memory_mib;            /* of all pending octets */
	uint32_t recordings_max;        /* at one time; up to RECORDINGS_MAX */
};

struct record_terms {
	uint64_t call;
	uint8_t number;
	uint16_t segment; /* from 1 */
	char tenant[RECORD_TENANT_MAX];
	enum record_format format;
	uint64_t begun_utc_ms;
	uint64_t day_utc_ms; /* day of its folder; 0: the day of its start */
	/* The party's own sound, mono, without silence at its ends (record_voice.h).
	 * A WAV file, whatever format says. */
	bool message;
	bool name;           /* a message that is a name: stored apart, and no recording */
	bool mix;            /* of a conference: its mix, mono, as a WAV file */
	uint32_t silence_ms; /* of a message: RECORDER_QUIET after so long; 0: never */
};

enum recorder_event {
	RECORDER_BEGUN,  /* its file is there */
	RECORDER_FAILED, /* no file, or it could not be finished; see error */
	RECORDER_ENDED,  /* file and sidecar are on the disk */
	RECORDER_GROWN,  /* a message: duration_ms so far, each time it grew by a chunk */
	RECORDER_QUIET,  /* a message: silence for silence_ms */
};

struct recorder_results {
	enum recorder_event event;
	uint64_t call;
	uint8_t number;
	uint16_t segment;
	int error; /* -errno; -EMFILE: too many at one time; -ENOENT: none of that name */
	bool message;
	uint64_t duration_ms, octets;
	char file[RECORD_FILE_MAX]; /* its name without the folder */
};

void recorder_setup(void); /* registers the metrics; main thread, once */
/* Starts the thread, and finishes files that an earlier process left. 0 or -errno. */
int recorder_open(struct recorder **out, const struct recorder_settings *settings) NODISCARD;
/* Ends running recordings as interrupted, and the thread; before the engine closes. Waits for the
 * disk, with a limit. NULL is fine. */
void recorder_close(struct recorder *r);

/* Before the flow has its tap. False: 16384 orders wait: try again in a moment. A segment that
 * exists already becomes the next one: see recorder_results. facts: as of recorder_end, for the
 * sidecar if the process is killed. */
bool recorder_start(struct recorder *r, const struct record_terms *terms, struct bytes facts);
/* Media from now on until recorder_resume is in no file. */
bool recorder_pause(struct recorder *r, uint64_t call, uint8_t number);
bool recorder_resume(struct recorder *r, uint64_t call, uint8_t number);
/* Its facts have changed: in place of those of recorder_start. */
bool recorder_note(struct recorder *r, uint64_t call, uint8_t number, struct bytes facts);
/* facts: members of a JSON object without its braces, "\"from\":\"1001\",\"to\":\"1002\"", or
 * empty: copied to the sidecar. last: no process continues it. */
bool recorder_end(struct recorder *r, uint64_t call, uint8_t number, bool last, struct bytes facts);

/* Deletes a name. False: as above. */
bool recorder_forget(struct recorder *r, const struct record_terms *terms);

/* Results in order. Returns their number. */
uint32_t recorder_results(struct recorder *r, struct recorder_results *out, uint32_t max);
/* The disk refuses recordings with that -errno, or does not answer (-ETIMEDOUT): recordings have
 * gaps soon, or already. 0: it works. Any thread. */
int recorder_trouble(const struct recorder *r);
/* This descriptor is readable while results wait; recorder_results drains it. */
int recorder_told_fd(const struct recorder *r);

#endif
