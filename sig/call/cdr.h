/* SPDX-License-Identifier: Apache-2.0 */
/* Call records: what is written of a call, and of the pairs that it had. */
#ifndef SIG_CALL_CDR_H
#define SIG_CALL_CDR_H

#include "sig/host/cdr.h"
#include "sig/model/call.h"

/* Last counters of one flow (MEDIA_FLOW_CLOSED), of the caller's leg or the callee's: the CDR has those of the first audio line. */
void cdr_add_flow(struct cdr *cdr, bool caller, const struct call *c, const struct call_flow *f,
		  const struct media_event *closed);
/* Into a fixed field, cut to fit. */
void cdr_put(char *out, size_t cap, struct bytes b);
/* A number of the call as it is told to others: the access code of a trunk before it is how it is dialled. */
struct bytes cdr_number(const struct call_host *h, const struct call *c, struct bytes number);
/* What a trunk called; empty: a phone of ours has. */
struct bytes call_dnis(const struct call *c);
/* That of c->from, unless it hides. Known of who began the call alone. */
struct bytes call_from_name(const struct call *c);
/* Who took the call of the pair that it has: whoever was dialled. Empty: nobody has yet, or the node itself. */
struct bytes call_answered_by(const struct call *c);
/* Into a fixed field. */
void cdr_put_number(char *out, size_t cap, const struct call_host *h, const struct call *c,
		    struct bytes number);
void call_facts_fill(struct call_facts *out, const struct call_host *h, const struct call *c);
/* Names of the parties' trunks; "": a phone's. */
void cdr_put_trunks(const struct call *c, char from[32], char to[32]);
/* How many a call has: one for each pair. */
uint32_t cdrs_count(const struct call *c);
/* Those of all pairs in their order; of the last one everything but the counters. */
void cdrs_fill(struct cdr *list, const struct call_host *h, const struct call *c);

/*
 * The pairs that a call had before the one it has. Each has a CDR of its own, and all are written when the call ends. A pair begins
 * where the one before it ended, so the times of talk of all pairs add up to that of the call.
 *
 * A leg's counters are in one CDR alone: that of the last pair it was in. So who was in several of them, and stayed, has in the last one
 * what it sent and heard in all. What a process that was killed had not saved of them yet is lost.
 */

/* Beside the last pair. Of more, the newest kept one is joined with the pair that ends then. */
enum { SEGMENTS_MAX = CDR_PAIRS_MAX - 1 };

struct segment {
	uint8_t caller, callee; /* legs; LEG_NONE: it is gone, its counters are in */
	enum call_cause cause;
	struct cdr cdr; /* times: of the node's clock; tenant, q850 and reason follow at the end */
};

/*
 * The pair of the bridge parts: what its CDR will say is kept, and the next pair's begins now. Asks for no save, and leaves bridge and
 * legs as they are. c->from and c->to, where they change, are for the caller to set afterwards, and answer_utc_ms and status (200) when
 * the next pair is up. 0 or -ENOMEM: nothing has changed.
 */
int segment_end(struct call_host *h, struct call *c, enum call_cause cause,
		enum call_ended_by by) NODISCARD;
/* The newest one that the leg was in; NULL: none. */
struct segment *segment_of(const struct call *c, uint8_t leg);
/* Its index may be another's soon. */
void segments_leg_gone(struct call *c, uint8_t leg);
void segments_clear(struct call *c);
/* When the call began. */
uint64_t segments_setup_utc_ms(const struct call *c);
/* When its first pair that was up came up; 0: none yet. */
uint64_t segments_answer_utc_ms(const struct call *c);
/* How long all pairs talked, of a call that is over. */
uint64_t segments_talk_ms(const struct call *c);
/* NULL: they follow one another, and the last pair follows them. Else a constant sentence. */
const char *segments_check(const struct call *c);

#endif
