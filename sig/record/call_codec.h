/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a call, written and read; private to sig/record. Its rows (base/schema.h) are those
 * of the features (sig/model/saved.h), of legs (call_legs.c) and of the call (call_rows.c).
 * Hand-written are fields that mean something else to their reader, or occur once: struct
 * call_context, the data of the call and its legs during writing or reading (transactions,
 * places in lists, duplicate texts of a leg); addresses, connections and names of a hop
 * (sig/model/saved.c), networks of flows and the last packet sent (sig/leg/flow.c), times of
 * DTMF digits; in the plan, what follows from neighbours (sig/call/plan.c); lists with gaps:
 * legs, early dialogs, challenges; rules of several fields (call_decode.c, call_check.c),
 * formats 0 and 1 (call_older.c), and the seal (call_seal.c). */
#ifndef SIG_RECORD_CALL_CODEC_H
#define SIG_RECORD_CALL_CODEC_H

#include "sig/model/saved.h"
#include "sig/record/call_record.h"

/* Tail of call.proto: what a message of ours ends with. */
enum saved_tail { TAIL_NONE, TAIL_SDP, TAIL_OPEN };

/* For a leg. Texts lack their common ends; while it is written they are slices of the call's. */
struct leg_context {
	struct text sent, request, answer, unacknowledged;
	struct sip_hop sent_to, source;
	uint8_t index, uas_state, sent_tail, answer_tail, unacknowledged_tail;
	bool remote_again, local_again; /* of its open INVITE: as in force */
};
struct call_context {
	uint32_t format;
	uint64_t incarnation;
	struct steady_mark mark;
	struct text sealed;
	char tenant[TENANT_NAME_MAX];
	uint8_t callee, callee_place;
	bool alone, meets, originated;
	struct leg_context legs[LEGS_MAX];
};
/* While it is written: of the host (packing_open). */
struct packing {
	struct call_context beside;
};

extern const struct schema call_rows[];
/* What is also around what is sealed. */
extern const struct schema call_outer_rows[];
extern const struct schema legs_saved[];

/* Of all legs. True: some text is there once that they have twice. */
bool legs_context(struct call_context *beside, const struct call *c, const struct call_seed *seed);
/* Of one that was read, where it ends early. */
void legs_beside_clear(struct call_context *beside);
/* All fields of the legs and of the bridge were read. */
bool legs_fit(struct schema_reader *r, struct call_seed *seed);
/* InviteState of call.proto. */
bool uas_state_of(uint64_t number, enum uas_state *out);

/* A message as text, by way of the host's space. w: as schema_write needs it, except its room.
 * Returns 0 or -ENOMEM. */
int call_pack(const struct call_host *h, struct schema_writer *w, const struct schema *rows,
	      const struct call *c, struct text *out) NODISCARD;

/* Up to this format a record has one INVITE of the call, relayed from a first leg to the others,
 * and its texts. */
enum { FORMAT_CARRIED = 1 };
enum { MESSAGE_MAX = 65000 };

/* What those records have of it. False: the reader has the reason. */
bool call_read_older(struct schema_reader *r, struct call_seed *seed, struct bytes record);

/* Whether the parts of a decoded call fit together. NULL, or what does not. */
const char *call_check(const struct call *c, const struct call_seed *seed);

/* Records with SRTP keys: the whole is sealed (base/seal.h), and only id and version stay
 * readable. */

/* *record is wiped and replaced. 0 or -ENOMEM: it is empty. */
int call_seal(const struct call_host *h, const struct call *c, struct text *record) NODISCARD;
/* *out is what was sealed for that call. Returns NULL, or what is wrong; *later: sealed by a later
 * program. */
const char *call_unseal(const struct call_host *h, uint64_t call, struct bytes sealed,
			struct text *out, bool *later);

/* Unknown fields in a record of a later program, kept with the call: the paths of both messages. */
enum call_unknown_root {
	CALL_UNKNOWN_WHOLE,
	CALL_UNKNOWN_OUTER, /* around what is sealed */
};

#endif
