/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of two nodes' processes about copies of recordings that are not stored yet
 * (docs/adr/0048): the owner asks, its neighbour answers each, one after the other. Pure.
 */
#ifndef APP_DELIVER_COPY_H
#define APP_DELIVER_COPY_H

#include "app/deliver/job.h"
#include "base/bytes.h"

enum {
	COPY_DATA_MAX = 60000, /* octets of a file in one message */
	COPY_FIRST = 16000,    /* with so much of it playback can begin */
	COPY_HEAD_MAX = 1 + 1 + 8 + 2 + QUEUE_PATH_MAX,
	COPY_MESSAGE_MAX = COPY_HEAD_MAX + COPY_DATA_MAX,
};

enum copy_kind {
	COPY_LIST = 1, /* what do you have? COPY_HAS for each, then COPY_DONE */
	COPY_DATA,     /* octets of a file */
	COPY_FINISH,   /* it has at octets, and is whole */
	COPY_DROP,     /* it is stored, or gone */
	COPY_BEAT,     /* the owner lives */
	COPY_HAS,
	COPY_DONE,
	COPY_FULL, /* no room: the owner may try later */
	COPY_FAILED,
	/* Finds whole files of TENANT/ANY DATE/CALL-NUMBER: COPY_HAS for each, then COPY_DONE. */
	COPY_FIND,
	COPY_READ, /* octets of a file from at on: COPY_DATA; without any at its end */
	COPY_KINDS,
};

enum copy_part {
	COPY_SOUND,   /* the recording */
	COPY_SIDECAR, /* of one that is finished */
	COPY_EARLY,   /* NAME.json.new: what is known while it runs */
	COPY_PARTS,
};

struct copy_message {
	enum copy_kind kind;
	enum copy_part part;
	bool whole;                /* COPY_HAS; COPY_READ: COPY_FIRST octets are enough */
	uint64_t at;               /* COPY_DATA: where; COPY_FINISH, COPY_HAS: how many */
	char path[QUEUE_PATH_MAX]; /* TENANT/DATE/NAME */
	struct bytes data;
};

/* out: COPY_MESSAGE_MAX. */
void copy_message_write(struct writer *w, const struct copy_message *m);
/* data lies in text. 0 or -EBADMSG: out is undefined then. */
int copy_message_read(struct copy_message *out, struct bytes text) NODISCARD;
/* Name ending of a part in a folder of copies; that of a sidecar is not whole yet. */
const char *copy_ending(enum copy_part part);

#endif
