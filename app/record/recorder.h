/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: files of what calls say and hear. The engine copies packets into rings; the thread `recorder` reads those and writes files
 * with io_uring. A disk that stands still or is full never touches a call: what waits is bounded, what has no room is left out, and the
 * file says where.
 *
 * A recording is a number (1 to 255) of a call. Each process that goes on with it writes a segment, a file of its own:
 *
 *   FOLDER/TENANT/2026-11-25/CALL-NUMBER.SEGMENT.wav      (or .pcapng), mode 0600, locked by flock(2) while it is written
 *   FOLDER/TENANT/2026-11-25/CALL-NUMBER.SEGMENT.wav.json by rename: that it is there says that the file is finished
 *
 * What members of conferences say as their names is in FOLDER/.names/TENANT in their place. Who looks for recordings passes that over.
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

/* Where packets come from: up to max of them, each valid during the call (engine_tapped). How many. The recorder's thread. */
typedef void recorder_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t recorder_source_fn(void *source, uint32_t max, recorder_packet_fn *fn, void *arg);

struct recorder_settings {
	recorder_source_fn *read;
	void *source;
	char folder[RECORD_FOLDER_MAX]; /* is made where it is missing */
	uint32_t memory_mib;            /* of all octets that wait for the disk */
	uint32_t recordings_max;        /* at one time; up to RECORDINGS_MAX */
};

struct record_terms {
	uint64_t call;
	uint8_t number;
	uint16_t segment; /* from 1 */
	char tenant[RECORD_TENANT_MAX];
	enum record_format format;
	uint64_t begun_utc_ms;
	uint64_t day_utc_ms; /* it lies in the folder of that day; 0: in which it has begun */
	/* What the party says, alone, without silence at both ends (record_voice.h). A WAV file, whatever format says. */
	bool message;
	bool name; /* a message that is a name: it lies apart, and is no recording to anybody */
	bool mix;  /* of a conference: what is said in it, alone, as a WAV file */
	uint32_t silence_ms; /* of a message: RECORDER_QUIET after so long; 0: never */
};

enum recorder_event {
	RECORDER_BEGUN,  /* its file is there */
	RECORDER_FAILED, /* there is no file, or it could not be finished; error says why */
	RECORDER_ENDED,  /* file and sidecar are on the disk */
	RECORDER_GROWN,  /* a message: duration_ms so far, each time it grew by a chunk */
	RECORDER_QUIET,  /* a message: nothing was heard for silence_ms */
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
/* Starts the thread, and looks after what an earlier process left behind. 0 or -errno. */
int recorder_open(struct recorder **out, const struct recorder_settings *settings) NODISCARD;
/* Ends what runs as interrupted, and the thread; before the engine closes. Waits for the disk, but not for ever. NULL is fine. */
void recorder_close(struct recorder *r);

/* Before the flow has its tap. False: 16384 orders wait already; the same again a moment later. A segment whose file is there already becomes
 * the next one: recorder_results says which. facts: as of recorder_end, for the sidecar of a file that a kill cuts. */
bool recorder_begin(struct recorder *r, const struct record_terms *terms, struct bytes facts);
/* What comes from now on until recorder_resume is in no file. */
bool recorder_pause(struct recorder *r, uint64_t call, uint8_t number);
bool recorder_resume(struct recorder *r, uint64_t call, uint8_t number);
/* What it is of has changed: facts in place of those of recorder_begin. */
bool recorder_note(struct recorder *r, uint64_t call, uint8_t number, struct bytes facts);
/* facts: members of a JSON object without its braces, "\"from\":\"1001\",\"to\":\"1002\"", or empty: they stand in the sidecar as they are.
 * last: no process goes on with it. */
bool recorder_end(struct recorder *r, uint64_t call, uint8_t number, bool last, struct bytes facts);

/* A name goes. False: as above. */
bool recorder_forget(struct recorder *r, const struct record_terms *terms);

/* What became of them, in order. How many. */
uint32_t recorder_results(struct recorder *r, struct recorder_results *out, uint32_t max);
/* The disk refuses what is recorded, for that -errno, or does not answer, -ETIMEDOUT: recordings have gaps soon, or have them already. 0: it
 * does. Any thread. */
int recorder_trouble(const struct recorder *r);
/* This descriptor is readable while results wait; recorder_results drains it. */
int recorder_told_fd(const struct recorder *r);

#endif
