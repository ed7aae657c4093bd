/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorders of all nodes, as control tells them (EFFECT_RECORD), and what must hold of them (docs/adr/0039-recordings.md):
 *  - a recording has one recorder at a time of those who own its shard, and each process that has it writes the next segment: one number
 *    comes twice only where its save was not there when its writer died;
 *  - a call that goes on is recorded on by whoever has it, and what was paused stays paused;
 *  - a party is copied for a recording while that is on and not paused, and only then;
 *  - the CDRs of a call name each recording that the store ever knew of, and no others.
 */
#ifndef TESTS_SIM_RECORDER_H
#define TESTS_SIM_RECORDER_H

#include "sig/host/effect.h"
#include "sig/host/settings.h"

struct sim;
struct node;
struct node_shard;
struct seen;

enum { RECORDER_FILES_MAX = 128 };

struct recorder_file {
	uint64_t call;
	uint8_t number;
	uint16_t segment; /* the newest */
	uint64_t need;    /* version of the record that has that in it; 0: all have */
	uint64_t first;   /* ... that there is a recording at all */
	uint64_t paused_need, ended_need; /* ... whether it is paused, or has ended */
	uint32_t run; /* of the owner that writes it (node_shard.run); 0: nobody does */
	bool paused, ended,
		unknown;    /* unknown: no record knows of it, and its number may come again */
	bool paused_anyhow; /* ... whether it is paused */
	enum { STAYS_ANYHOW, STAYS_ON, STAYS_PAUSED } stays; /* until the step is over */
	bool name;         /* of a member of a conference: no CDR has it */
	bool message;      /* of one party alone, */
	uint64_t begun_ns; /* which speaks from then on, */
	uint64_t here_ns;  /* and is recorded by this process from then on */
	uint32_t silence_ms;
	bool quiet; /* this process has told so */
};

struct recorders {
	struct recorder_file list[RECORDER_FILES_MAX];
	uint32_t count;
	bool on;           /* of seeds: some extensions are recorded */
	uint32_t messages; /* that the application heard of */
};

/* From the seed: which, and when somebody orders what. */
void recorder_start(struct sim *s);
enum record_method recorder_method(const struct sim *s, uint32_t extension);
/* An effect of a shard that is its owner's. */
void recorder_carry(struct node *n, const struct node_shard *shard, const struct effect *e);
/* A process goes on with that version of the call: what was told, and is not in it, is not known any more. */
void recorder_found(struct sim *s, uint64_t call, uint64_t version);
/* The application hears of a message. */
void recorder_message_told(struct sim *s, const struct sig_event *e);
/* After each step of a node. */
void recorder_look(struct sim *s);
/* That one of the call; NULL: none is known. */
struct recorder_file *recorder_file_of(struct sim *s, uint64_t call, uint8_t number);
void recorder_cdrs(struct sim *s, const struct seen *seen, const struct cdr *list, uint32_t n);
/* Recordings that are on, and not paused. */
uint32_t recorder_count(const struct sim *s);

/* ---- recorder_message.c ---- */
/* A process begins with it, or goes on; and has ended it. */
void recorder_message_begin(const struct node *n, struct recorder_file *f, const struct effect *e);
void recorder_message_end(const struct node *n, const struct recorder_file *f);

#endif
