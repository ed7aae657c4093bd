/* SPDX-License-Identifier: Apache-2.0 */
/* Phones with lamps of each other, and calls between them: how late each lamp is told of each change, and how late calls are set up. */
#ifndef BENCH_BLF_BLF_H
#define BENCH_BLF_BLF_H

#include <netinet/in.h>

#include "base/clock.h"
#include "bench/load/latency.h"
#include "sig/sip/message.h"

enum {
	BLF_TEXT_MAX = 4096,
	BLF_HEARD_MAX = 16384, /* the first document of a list of fifty */
	BLF_SOCKETS_MAX = 256,
	BLF_CALLS_MAX = 4096,
	BLF_TAG_MAX = 80,
	BLF_URI_MAX = 160,
	BLF_LAMPS_MAX = 256, /* of a phone */
};

/* What of a call is told (RFC 4235 3.7.1). */
enum blf_watch_phase { PHASE_TRYING, PHASE_EARLY, PHASE_CONFIRMED, PHASE_TERMINATED, PHASES };

struct phone {
	bool talks;
	uint32_t turn;          /* of its calls */
	uint64_t at_ns[PHASES]; /* when each phase of its last call began */
	uint32_t owed;          /* changes of it that its lamps were not told yet */
	uint8_t phase;          /* what its lamps are to show */
};

struct blf_watch {
	enum {
		BLF_WATCH_DARK,
		BLF_WATCH_ASKED,
		BLF_WATCH_ACCEPTED,
		BLF_WATCH_ON,
		BLF_WATCH_LEAVES
	} state;
	uint32_t dialogs, cseq; /* how many it had; number of its SUBSCRIBE */
	uint32_t heard;         /* of the newest NOTIFY */
	uint32_t version;       /* of the newest document of a list */
	bool whole;             /* its own state was notified since the kill */
	bool named;             /* of a list: a document that names all came since the kill */
	uint8_t shows;          /* enum blf_watch_phase */
	uint32_t turn;          /* of the watched phone's calls: what it was told of that one */
	uint8_t told;
	uint64_t again_ns;
	char to_tag[BLF_TAG_MAX], target[BLF_URI_MAX];
};

struct blf_call {
	enum {
		CALL_NONE,
		CALL_ASKED,
		CALL_RINGS,
		CALL_ANSWERED,
		CALL_TALKS,
		CALL_LEAVES,
		CALL_CANCELLED
	} state;
	bool heard; /* its INVITE was answered, provisionally at least */
	uint32_t number, caller, callee;
	uint64_t asked_ns, came_ns, said_ns, next_ns, again_ns, until_ns;
	char to_tag[BLF_TAG_MAX], target[BLF_URI_MAX];
	char invite[BLF_TEXT_MAX]; /* as it came to the callee */
	size_t invite_n;
};

struct blf_figures {
	uint64_t calls, failed, changes, told, notifies;
	uint64_t disordered;    /* documents out of order, by their versions */
	uint64_t lost, refused; /* calls without their end; with a 503, by a node that is busy */
	struct load_latency setup, late;
};

struct blf_load {
	struct addr to;
	struct sockaddr_storage to_sa;
	socklen_t to_n;
	char ip[ADDR_TEXT_MAX];
	uint32_t phone_count, each, first; /* each: lamps of a phone, and of whom they are told */
	bool lists;                        /* those of a phone are one subscription (RFC 4662) */
	int epoll, sockets[BLF_SOCKETS_MAX];
	uint16_t ports[BLF_SOCKETS_MAX];
	uint32_t socket_count;
	struct phone *phones;
	struct blf_watch *watches;
	uint32_t asked;   /* lamps that wait */
	uint32_t left;    /* those that were not told since a kill */
	uint32_t unnamed; /* lists without a document that names all since then */
	bool lit;         /* all lamps are on */
	bool holds;       /* calls stay */
	bool races; /* they are short, some are cancelled, and what is not answered is said again */
	uint32_t chance;
	struct blf_call calls[BLF_CALLS_MAX];
	uint32_t call_count, open, next_phone;
	struct blf_figures figures;
};

/* ---- lamps_wire.c ---- */
_Noreturn void blf_fail(const char *what);
void blf_say(const struct blf_load *l, uint32_t phone, const char *text, int n);
void blf_answer(struct blf_load *l, uint32_t phone, const struct sip_message *m, uint16_t status,
		const char *extra, const char *sdp);
uint16_t blf_port(const struct blf_load *l, uint32_t phone);
/* Messages of up to a millisecond. */
void blf_hear(struct blf_load *l);

/* ---- lamps_watch.c ---- */
/* All lamps of so many phones on, or all dark. False: some would not. */
bool blf_switch(struct blf_load *l, bool on, uint32_t phones);
void blf_watch_heard(struct blf_load *l, const struct sip_message *m, uint32_t blf_key,
		     uint64_t now);
/* Lamps that do not show what is so, while nothing changes. */
uint32_t blf_wrong(const struct blf_load *l);
/* Prints the time from the kill of the node until all lamps are right, and until each was told. */
void blf_await_all(struct blf_load *l, uint64_t began);
/* A phase of a phone's call begins. */
void blf_change(struct blf_load *l, uint32_t phone, enum blf_watch_phase phase, uint64_t now);

/* ---- lamps_calls.c ---- */
void blf_calls(struct blf_load *l, uint32_t rate, uint32_t seconds);
/* So many at that rate; "wrong" is when all is quiet again. */
void blf_race(struct blf_load *l, uint32_t count, uint32_t rate);
/* So many calls begin and stay; 0: they end. */
void blf_hold(struct blf_load *l, uint32_t count);
void blf_call_answered(struct blf_load *l, const struct sip_message *m, uint32_t number,
		       uint64_t now);
void blf_call_asked(struct blf_load *l, const struct sip_message *m, uint32_t phone, uint64_t now);

#endif
