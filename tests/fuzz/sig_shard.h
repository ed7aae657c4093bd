/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of sig_shard_fuzz.c: a shard on virtual time, and who is around it. One thread.
 */
#ifndef TESTS_FUZZ_SIG_SHARD_H
#define TESTS_FUZZ_SIG_SHARD_H

#include "tests/unit/sig/phone.h"

enum { PHONES = 4 }; /* the last two are of one extension */

struct input {
	const uint8_t *p;
	size_t n;
};

/* The next octet of the input; 0 behind its end. */
static inline uint8_t next(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

struct world {
	struct rig *r;
	struct phone phones[PHONES];
	struct input in;
	char last[PHONES][RIG_TEXT_MAX]; /* what each phone said last */
	size_t last_n[PHONES];
	unsigned restarts;
};

#define NOTHING BYTES_LIT("")

/* ---- sig_shard_check.c: what must hold ---- */
/* Else it prints both, and aborts. */
void check(bool ok, const char *what, struct bytes text);
/* Nobody was asked to a call yet. */
void check_begin(void);
/* Within shard_receive, the store not away. */
void check_receiving(bool on);
/* A restart, or an address that cannot be reached: not everybody can be told. */
void check_lost(void);
/* rig.seen: of every effect. */
void check_sent(struct rig *r, const struct effect *e);
/* At the end. */
void check_told(void);

/* ---- sig_shard_phones.c: what a phone says, by the octets given ---- */
void world_request(struct world *w, unsigned phone, const char *method, const char *body);
void world_invite(struct world *w, unsigned phone, uint8_t how);
void world_ack(struct world *w, unsigned phone, uint8_t how);
void world_in_dialog(struct world *w, unsigned phone, uint8_t how);
void world_respond(struct world *w, unsigned phone, uint8_t how, uint8_t which);
/* It learns its dialog from something it was sent. */
void world_learn(struct world *w, unsigned phone, uint8_t how);
/* What it said last, with some octets changed; what the input says. */
void world_mutate(struct world *w, unsigned phone);
void world_raw(struct world *w, unsigned phone);

/* ---- sig_shard_node.c: time, the store, the engine and operators ---- */
void world_open(struct world *w, const struct shard_settings *settings);
void world_advance(struct world *w, uint64_t ms);
/* The oldest save that waits. */
void world_answer_save(struct world *w, uint8_t how);
/* The engine says something of a flow. */
void world_media(struct world *w, uint8_t how);
void world_hangup_all(struct world *w);
/* The shard begins anew with what the store has. */
void world_restart(struct world *w, uint8_t how);
void world_unreachable(struct world *w, unsigned phone);
/* What a command asks for; it may well be refused. */
void world_order(struct world *w, uint8_t how);

#endif
