/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of engine_relay_fuzz.c: a worker on port_sim, what was commanded, and what its parties know. One thread. */
#ifndef TESTS_FUZZ_ENGINE_RELAY_H
#define TESTS_FUZZ_ENGINE_RELAY_H

#include "base/clock.h"
#include "engine/port/port_sim.h"
#include "engine/worker/worker.h"
#include "media/job.h"

enum {
	SHARED_SLOT = 4,
	SLOTS = 4,
	EVENTS = 4,
	SENT_KEPT = 256,
	SENT_OCTETS = 1024,
	PUT_KEPT = 256,
	JOBS = 2,
	EVENT_PT = 127,
	TOLD_MAX = 256,
	NO_SLOT = 99,
	EXTENSION_ID = 2,
};

struct script {
	const uint8_t *p;
	size_t n;
};

/* The next octet; 0 behind the end. */
static inline uint8_t take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

/* Which packet was sent under which of the last numbers. */
struct numbers {
	uint64_t highest;
	struct {
		uint64_t index;
		uint32_t tag;
		uint16_t length;
		uint8_t octets[SENT_OCTETS]; /* as it left */
	} sent[SENT_KEPT];
};

/* A report block on its way: about whom, and to which flow it came; times it was delivered. */
struct told {
	uint8_t about, to, count;
};

#define TOLD_MARK 0x701d0000 /* in the LSR of such a block, with its number */

struct fuzz {
	struct worker w;
	struct sim_port *sim;
	struct media_metrics metrics;
	struct flow_spec spec[SLOTS];       /* as last commanded */
	bool sent_from[SLOTS][CHANNELS][8]; /* addresses that have sent to a slot since its open */
	uint64_t in, out, made, dropped, answered; /* at the start: metrics outlive a run */
	uint64_t proven_ns[SLOTS][8]; /* when an authentic check came from there; 0: never */
	uint64_t stepped_ns;          /* the last step but this one */
	uint64_t check_ns;   /* of the check in this step that has the right credentials; 0: none */
	uint32_t check_slot; /* whose */
	uint8_t check_from;
	struct addr shared;
	struct numbers numbers[SLOTS]; /* of what was sent from a slot since its open */
	struct srtp_stream *party_out[SLOTS], *party_in[SLOTS]; /* of the parties; NULL: plain */
	bool untagged; /* a packet of any shape: numbers are not told apart any more */
	uint32_t closes, closed;
	struct {
		uint16_t length;
		uint8_t octets[SENT_OCTETS];
	} put[PUT_KEPT]; /* the last packets that parties sent */
	uint32_t puts;
	uint64_t again; /* packets that left once more */
	uint32_t job_closes, job_closed;
	struct media_sound *sounds[2]; /* of 8 and 16 kHz */
	struct told told[TOLD_MAX];
	uint32_t told_count;
};

static inline bool spec_is_ice(const struct flow_spec *s)
{
	return s->ice.on && s->bundle.generation == 0;
}

static inline bool spec_has_pairs(const struct flow_spec *s)
{
	return s->ice.on || s->bundle.generation != 0;
}

/* A handful of addresses: two hosts, three ports each, one of IPv6, and none. */
struct addr relay_address(uint8_t choice);
/* Two sessions of each. */
struct media_ice relay_ice(uint32_t slot, uint8_t how);

/* ---- engine_relay_step.c ---- */
uint64_t relay_dropped(const struct fuzz *f);
/* By a check lately. Time runs in leaps here: consent is looked at with each tick, and so after a step. */
bool relay_is_proven(const struct fuzz *f, uint32_t slot, const struct addr *a);
void relay_step(struct fuzz *f);
void relay_events_read(struct fuzz *f, uint32_t max);
/* Until all commands were applied: control may have to read first. */
void relay_commands_settle(struct fuzz *f);

/* ---- engine_relay_sent.c ---- */
/* Takes all that was sent. */
void relay_sent_check(struct fuzz *f);
void relay_numbers_open(struct numbers *n);

/* ---- engine_relay_packets.c ---- */
void relay_raw(struct fuzz *f, struct script *s);
void relay_rtp(struct fuzz *f, struct script *s);
/* An SR of a known shape with one report block, or an RR with several, about flows of any kind. */
void relay_rtcp(struct fuzz *f, struct script *s);
/* A NACK about the last numbers that were sent from a slot. */
void relay_nack(struct fuzz *f, struct script *s);
/* As its party makes it, or with something wrong; to its own port, another's, or the shared one. */
void relay_stun(struct fuzz *f, struct script *s);

/* ---- engine_relay_jobs.c ---- */
void relay_sounds_open(struct fuzz *f);
/* All that was handed over has come back. */
void relay_sounds_close(struct fuzz *f);
/* A job opens, closes or is asked for, or a flow is to hear one. */
void relay_job(struct fuzz *f, struct script *s);
/* Who hears what is the same in both directions. */
void relay_jobs_check(const struct fuzz *f);
/* RTP that a flow's party gets: of the job that it hears, and then of nobody else but digits. */
void relay_heard_check(const struct fuzz *f, const struct sim_packet *p, uint32_t slot);

/* ---- engine_relay_coded.c ---- */
/* Of a spec's rules some are transcoded, and its party may be to hear a tone. */
void relay_coded_read(struct script *s, const struct fuzz *f, struct flow_spec *spec);
/* Who waits is in line, what is in line waits, and nothing is beyond its bounds. */
void relay_coded_check(const struct fuzz *f);
/* A packet that was made here for the party, of what is transcoded or of a tone. */
bool relay_is_coded(const struct fuzz *f, uint32_t slot, uint8_t type);

/* ---- engine_relay_commands.c ---- */
/* A flow leaves, as to another worker, and comes back. */
void relay_move(struct fuzz *f, struct script *s);
/* Packets first: so no step is about both. False: the ring is full. */
bool relay_commanded(struct fuzz *f, const struct media_command *c);
void relay_open(struct fuzz *f, struct script *s);
void relay_update(struct fuzz *f, struct script *s);
void relay_by_id(struct fuzz *f, struct script *s, enum media_command_kind kind);

#endif
