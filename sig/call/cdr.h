/* SPDX-License-Identifier: Apache-2.0 */
/* Call records: what is written of a call, and of the pairs that it had. */
#ifndef SIG_CALL_CDR_H
#define SIG_CALL_CDR_H

#include "sig/host/cdr.h"
#include "sig/model/call.h"

/* Adds the last counters of a flow (MEDIA_FLOW_CLOSED), of the caller's or callee's leg; the first
 * audio line counts. */
void cdr_add_flow(struct cdr *cdr, bool caller, const struct call *c, const struct call_flow *f,
		  const struct media_event *closed);
/* Into a fixed field, cut to fit. */
void cdr_put(char *out, size_t cap, struct bytes b);
/* A number of the call as others are told it: without the access code of a trunk, which is for
 * dialling only. */
struct bytes cdr_number(const struct call_host *h, const struct call *c, struct bytes number);
/* What a trunk called; empty: a phone of ours has. */
struct bytes call_dnis(const struct call *c);
/* That of c->from, unless anonymous. Known only of the party that began the call. */
struct bytes call_from_name(const struct call *c);
/* The user that answered the present pair, whichever was dialled. Empty: not answered yet, or by
 * the node itself. */
struct bytes call_answered_by(const struct call *c);
/* Into a fixed field. */
void cdr_put_number(char *out, size_t cap, const struct call_host *h, const struct call *c,
		    struct bytes number);
void call_facts_fill(struct call_facts *out, const struct call_host *h, const struct call *c);
/* The parties and facts, as an event of the call tells them. */
void call_event_put(struct sig_event *event, const struct call_host *h, const struct call *c);
/* How many a call has: one for each pair. */
uint32_t cdrs_count(const struct call *c);
/* Those of all pairs in their order; of the last one everything but the counters. */
void cdrs_fill(struct cdr *list, const struct call_host *h, const struct call *c);

/* The pairs that a call had before the present one. Each has a CDR, and all are written when the
 * call ends. A pair begins where the previous one ended, so the talk times of all pairs add up to
 * that of the call. A leg's counters are in one CDR alone, that of the last pair it was in: its
 * total for all pairs. Counters that a killed process had not saved are lost. */

/* In addition to the last pair. Beyond that, the newest segment is merged with the pair that
 * ends. */
enum { SEGMENTS_MAX = CDR_PAIRS_MAX - 1 };

struct segment {
	uint8_t caller, callee; /* legs; LEG_NONE: it is gone, its counters are in */
	enum call_cause cause;
	struct cdr cdr; /* times: of the node's clock; tenant, q850 and reason follow at the end */
};

/* Ends the pair of the bridge: its CDR data are kept, and the next pair begins now. Requests no
 * save, and leaves bridge and legs unchanged. The caller sets c->from and c->to afterwards, and
 * answer_utc_ms and status (200) when the next pair is established. Returns 0 or -ENOMEM: nothing
 * has changed. */
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
