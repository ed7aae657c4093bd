/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between application and node about live sound over a WebSocket. Text messages are JSON
 * objects with a member "event"; binary ones are 20 ms of sound each. Pure.
 */
#ifndef APP_LIVE_LIVE_WIRE_H
#define APP_LIVE_LIVE_WIRE_H

#include "base/bytes.h"

enum {
	LIVE_TEXT_MAX = 1024, /* octets of a message of an application */
	LIVE_MARK_MAX = 64,   /* octets of the name of a mark */
	LIVE_WRITE_MAX = 1024,
};

/* Of the binary messages. */
enum live_format {
	LIVE_L16,  /* 16 bits, signed, the low octet first: as programs have them in memory */
	LIVE_ULAW, /* G.711, at 8000 Hz */
};

/* ---- messages of the node ---- */

struct live_start {
	const char *call; /* its id */
	char leg;
	const char *tenant, *endpoint;
	enum live_format format;
	uint32_t rate;
	bool said, heard; /* channels, in this order: what the party says, and what it hears */
	bool listens;     /* the application only listens */
	/* The application was connected to this stream before, or to a former process. */
	bool resumed;
	uint32_t times; /* that it was connected, with this time */
};

/* Each into a writer with room for LIVE_WRITE_MAX. */
void live_write_start(struct writer *w, const struct live_start *s);
void live_write_mark(struct writer *w, const char *name);
/* So many frames of the party were not sent. */
void live_write_missed(struct writer *w, uint32_t frames, uint32_t ms);
/* So many octets of the application were not taken. */
void live_write_refused(struct writer *w, uint64_t octets, uint32_t ms);
void live_write_digit(struct writer *w, char digit);
void live_write_stop(struct writer *w, const char *reason);

/* ---- messages of the application ---- */

enum live_said_kind {
	LIVE_SAID_STARTED, /* it has understood; not asked for */
	LIVE_SAID_MARK,    /* reported when all before it was played */
	LIVE_SAID_CLEAR,   /* drops what was not played yet */
	LIVE_SAID_STOP,    /* it has done */
};

struct live_audio {
	enum live_said_kind kind;
	char name[LIVE_MARK_MAX + 1]; /* of MARK: UTF-8 without control characters */
};

/* 0; -EBADMSG: no such message; -EMSGSIZE. *out is untouched then. Unknown members are ignored. */
int live_said_parse(struct live_audio *out, struct bytes text) NODISCARD;

#endif
