/* SPDX-License-Identifier: Apache-2.0 */
/* Phones with lamps of each other, and calls between them: how late each lamp is told of each change, and how late calls are set up. */
#ifndef BENCH_LAMPS_H
#define BENCH_LAMPS_H

#include <netinet/in.h>

#include "base/clock.h"
#include "bench/load_latency.h"
#include "sig/sip/message.h"

enum {
	LAMPS_TEXT_MAX = 4096,
	LAMPS_SOCKETS_MAX = 256,
	LAMPS_CALLS_MAX = 4096,
	LAMPS_TAG_MAX = 80,
	LAMPS_URI_MAX = 160,
};

/* What of a call is told (RFC 4235 3.7.1). */
enum lamp_phase { PHASE_TRYING, PHASE_EARLY, PHASE_CONFIRMED, PHASE_TERMINATED, PHASES };

struct phone {
	bool talks;
	uint32_t turn;          /* of its calls */
	uint64_t at_ns[PHASES]; /* when each phase of its last call began */
	uint32_t owed;          /* changes of it that its lamps were not told yet */
};

struct lamp {
	enum { LAMP_DARK, LAMP_ASKED, LAMP_ACCEPTED, LAMP_ON, LAMP_LEAVES } state;
	uint32_t dialogs, cseq; /* how many it had; number of its SUBSCRIBE */
	uint32_t heard;         /* of the newest NOTIFY */
	uint32_t turn;          /* of the watched phone's calls: what it was told of that one */
	uint8_t told;
	uint64_t again_ns;
	char to_tag[LAMPS_TAG_MAX], target[LAMPS_URI_MAX];
};

struct lamps_call {
	enum { CALL_NONE, CALL_ASKED, CALL_RINGS, CALL_ANSWERED, CALL_TALKS, CALL_LEAVES } state;
	uint32_t number, caller, callee;
	uint64_t asked_ns, came_ns, said_ns, next_ns;
	char to_tag[LAMPS_TAG_MAX], target[LAMPS_URI_MAX];
	char invite[LAMPS_TEXT_MAX]; /* as it came to the callee */
	size_t invite_n;
};

struct lamps_figures {
	uint64_t calls, failed, changes, told, notifies;
	struct load_latency setup, late;
};

struct lamps_load {
	struct addr to;
	struct sockaddr_storage to_sa;
	socklen_t to_n;
	char ip[ADDR_TEXT_MAX];
	uint32_t phone_count, each, first; /* each: lamps of a phone, and of whom they are told */
	int epoll, sockets[LAMPS_SOCKETS_MAX];
	uint16_t ports[LAMPS_SOCKETS_MAX];
	uint32_t socket_count;
	struct phone *phones;
	struct lamp *lamps;
	uint32_t asked; /* lamps that wait */
	bool lit;       /* all lamps are on */
	struct lamps_call calls[LAMPS_CALLS_MAX];
	uint32_t call_count, open, next_phone;
	struct lamps_figures figures;
};

/* ---- lamps_wire.c ---- */
_Noreturn void lamps_fail(const char *what);
void lamps_say(const struct lamps_load *l, uint32_t phone, const char *text, int n);
void lamps_answer(struct lamps_load *l, uint32_t phone, const struct sip_message *m,
		  uint16_t status, const char *extra, const char *sdp);
uint16_t lamps_port(const struct lamps_load *l, uint32_t phone);
/* Messages of up to a millisecond. */
void lamps_hear(struct lamps_load *l);

/* ---- lamps_watch.c ---- */
/* All lamps on, or all dark. False: some would not. */
bool lamps_switch(struct lamps_load *l, bool on);
void lamps_watch_heard(struct lamps_load *l, const struct sip_message *m, uint32_t lamp,
		       uint64_t now);
/* A phase of a phone's call begins. */
void lamps_change(struct lamps_load *l, uint32_t phone, enum lamp_phase phase, uint64_t now);

/* ---- lamps_calls.c ---- */
void lamps_calls(struct lamps_load *l, uint32_t rate, uint32_t seconds);
void lamps_call_answered(struct lamps_load *l, const struct sip_message *m, uint32_t number,
			 uint64_t now);
void lamps_call_asked(struct lamps_load *l, const struct sip_message *m, uint32_t phone,
		      uint64_t now);

#endif
