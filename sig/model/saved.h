/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a call's record by feature: rows of a schema (base/schema.h), next to the feature
 * that has this state. Names, tags and types are those of sig/record/call.proto. A group of rows
 * has consecutive tags. */
#ifndef SIG_MODEL_SAVED_H
#define SIG_MODEL_SAVED_H

#include "base/schema.h"
#include "sig/model/call.h"
#include "sig/sip/hop.h"

/* The argument of writers and readers: schema_writer.arg, schema_reader.arg. */
struct call_saver {
	const struct call_host *h;
	const struct call *c;
};
struct call_loader {
	const struct call_host *h;
	struct call *c;       /* legs and bridge were read */
	uint64_t incarnation; /* of the writer */
	struct bytes network; /* of the flow that is read */
	struct saved_hop {
		struct addr local; /* an address of ours, perhaps of another node's */
		struct hop_edge edge;
		struct bytes name;
		struct addr bound; /* local of the one that was checked last */
	} hop; /* what stands in a record of the one that was read last, and not in a sip_hop */
};
static inline const struct call_saver *saver_of(const struct schema_writer *w)
{
	return w->arg;
}
static inline struct call_loader *loader_of(const struct schema_reader *r)
{
	return r->arg;
}

enum { SAVED_USER_MAX = 256 };

/* The leg that has a field in its record. */
static inline uint8_t saved_leg(const struct schema_place *place)
{
	while (place->up->row)
		place = place->up;
	return (uint8_t)place->position;
}

/* Of struct call. */
extern const struct schema flows_saved[];
extern const struct schema plan_saved[];
extern const struct schema orders_saved[];
extern const struct schema transfer_saved[];
extern const struct schema segments_saved[];
extern const struct schema prompts_saved[];
extern const struct schema tolls_saved[];
extern const struct schema park_saved[];
extern const struct schema recordings_saved[];
extern const struct schema media_stream_saved[];
extern const struct schema member_saved[];
extern const struct schema payer_saved[];
extern const struct schema flow_run_saved[];
/* Of struct leg. */
extern const struct schema leg_toll_saved[];
extern const struct schema code_digits_saved[];
extern const struct schema entry_saved[];

extern const struct schema saved_hop_rows[];
/* A dialog outside the legs, which never moved: the owner sets its tag's call and leg. */
extern const struct schema saved_dialog_rows[];
/* That of a leg: also where it was born, and what its party asks who we are with. */
extern const struct schema saved_leg_dialog_rows[];
/* The check of a hop: its address of ours is found where it is one still. */
bool saved_hop_check(struct schema_reader *r, void *hop);
/* The hop read last is of that leg. An address that is no longer ours is an obstacle, not an
 * error. */
void saved_hop_find(struct call_loader *l, uint8_t leg, struct sip_hop *hop);

/* The position of an element in a sparse list: it was read before the rest of it
 * (schema_wire_number). */
void saved_position_write(struct schema_writer *w, const struct schema *row, const void *object);
bool saved_read_before(struct schema_reader *r, const struct schema *row, void *object,
		       const struct schema_wire *in);

/* The time until which the next digit of a party is awaited. Digits of a party without peer for 30
 * s are dropped, and kept ones have no such time. */
void saved_until_write(struct schema_writer *w, const struct schema *row, const void *object);
bool saved_until_read(struct schema_reader *r, const struct schema *row, void *object,
		      const struct schema_wire *in);
/* In the check of its message, which is behind a pointer. */
void saved_forget_old(struct schema_reader *r, uint64_t *until_ns);

#endif
