/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a call, written and read; private to sig/record. One struct packing holds all that a record points at while it is packed;
 * the long texts stay in the call, which must outlive it. The shard's thread.
 */
#ifndef SIG_RECORD_CALL_CODEC_H
#define SIG_RECORD_CALL_CODEC_H

#include "sig/call.pb-c.h"
#include "sig/call/cdr.h"
#include "sig/call/prompts.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"
#include "sig/record/call_record.h"
#include "sig/record/proto.h"

struct packed_dialog {
	Tandem__Call__Challenge challenges[2];
	Tandem__Call__Challenge *list[2];
};

struct packed_early {
	Tandem__Call__Early early;
	Tandem__Call__Dialog dialog;
	Tandem__Call__Hop hop;
	char hop_text[2][ADDR_TEXT_MAX];
	Tandem__Call__Prack prack;
	Tandem__Call__Sdp open, told_open;
};

struct packed_leg {
	Tandem__Call__Leg leg;
	const struct leg *of; /* what schemas have of it is read there */
	uint8_t index;
	Tandem__Call__Dialog dialog;
	struct packed_dialog of_dialog;
	Tandem__Call__Asked asked;
	Tandem__Call__Prack prack;
	Tandem__Call__Uas uas;
	Tandem__Call__Refusal refusal;
	Tandem__Call__Sdp sdp, open;
	Tandem__Call__Hop hop, sent_to, source;
	Tandem__Call__Terms terms;
	Tandem__Call__SessionTimer timer;
	struct packed_early early[EARLY_MAX];
	Tandem__Call__Early *early_list[EARLY_MAX];
	Tandem__Call__Acked acked[LEG_ACKS_MAX];
	Tandem__Call__Acked *acked_list[LEG_ACKS_MAX];
	struct packed_fork {
		Tandem__Call__Fork fork;
		Tandem__Call__Hop hop;
		char text[2][ADDR_TEXT_MAX];
	} forks[LEG_FORKS_MAX];
	Tandem__Call__Fork *fork_list[LEG_FORKS_MAX];
	char *codecs[OFFER_CODECS_MAX];
	char hop_text[2][ADDR_TEXT_MAX], sent_text[2][ADDR_TEXT_MAX];
	char source_text[2][ADDR_TEXT_MAX];
	Tandem__Call__Hop rest[LOOKUP_TARGETS_MAX];
	Tandem__Call__Hop *rest_list[LOOKUP_TARGETS_MAX];
	char rest_text[LOOKUP_TARGETS_MAX][2][ADDR_TEXT_MAX];
};

struct packing {
	Tandem__Call__Call call;
	struct packed_leg legs[LEGS_MAX];
	Tandem__Call__Leg *leg_list[LEGS_MAX];
	Tandem__Call__Best best;
	char tenant[TENANT_NAME_MAX];
};

/* Tail of call.proto: what a message of ours ends with. */
enum saved_tail { TAIL_NONE, TAIL_SDP, TAIL_OPEN };

/* Of a leg. Texts are without what they end with; while it is written they are slices of the call's. */
struct leg_beside {
	struct text sent, request, answer, unacknowledged;
	struct sip_hop sent_to, source;
	uint8_t index, uas_state, sent_tail, answer_tail, unacknowledged_tail;
	bool remote_again, local_again; /* of its open INVITE: as in force */
};
struct call_beside {
	uint32_t format;
	uint64_t incarnation;
	struct steady_mark mark;
	struct text sealed;
	char tenant[TENANT_NAME_MAX];
	uint8_t callee, callee_place;
	bool alone, meets, originated;
	struct leg_beside legs[LEGS_MAX];
};
extern const struct schema call_rows[];
/* What is also around what is sealed. */
extern const struct schema call_outer_rows[];
extern const struct schema legs_saved[];

/* Of all legs. True: some text is there once that they have twice. */
bool legs_beside(struct call_beside *beside, const struct call *c, const struct call_seed *seed);
/* Of one that was read, where it ends early. */
void legs_beside_clear(struct call_beside *beside);
/* All fields of the legs and of the bridge were read. */
bool legs_fit(struct schema_reader *r, struct call_seed *seed);
/* InviteState of call.proto. */
bool uas_state_of(uint64_t number, enum uas_state *out);

enum { MESSAGE_MAX = 65000 };

/* Slices of what is given, and of the text given for it. */
ProtobufCBinaryData packing_text(const struct text *t);
ProtobufCBinaryData packing_octets(const void *p, size_t n);
void packing_hop(const struct shard_settings *settings, Tandem__Call__Hop *out,
		 const struct sip_hop *hop, char text[2][ADDR_TEXT_MAX]);
/* NULL: nothing was said yet. */
Tandem__Call__Sdp *packing_sdp(Tandem__Call__Sdp *out, const struct leg_sdp *sdp);
/* A monotonic time in ns as UTC in ms, of now or later; 0 stays 0. */
uint64_t packing_utc(const struct call_host *h, uint64_t deadline_ns);

/* The parts of p->call; *p is otherwise written to only where they need it. */
void packing_legs(const struct call_host *h, struct packing *p, const struct call *c,
		  const struct call_seed *seed);
/* After all of the leg: no long text is in it twice. Raises the format where one was. */
void packing_once(struct packing *p, Tandem__Call__Leg *leg);
/* NULL: there is none. */
Tandem__Call__Best *packing_best(Tandem__Call__Best *out, const struct refusal_kept *best);
void packing_dialog(Tandem__Call__Dialog *out, const struct dialog *d, Tandem__Call__Hop *hop);

/* What schemas have of a call and of its legs: an array for proto_write and unknown_keep. */
extern const struct proto_part call_parts[];

/* A message as text, by way of the host's space. w: as schema_write wants it, but for its room. parts: NULL, or call_parts. 0 or -ENOMEM. */
int call_pack(const struct call_host *h, const Tandem__Call__Call *call, struct schema_writer *w,
	      const struct proto_part *parts, struct text *out) NODISCARD;

/* Reading a record as if it came from a stranger. Each part: false, and the reason is kept. */

enum { READING_USER_MAX = 256, READING_MESSAGE_MAX = 65000 };

/* Up to this one a record has one INVITE of the call, carried from a first leg to the others, and the texts of it. */
enum { FORMAT_CARRIED = 1 };

struct reading {
	const struct call_host *h;
	struct call *c;
	struct call_seed *seed;
	int64_t shift_ms;     /* what makes the record's times ours */
	uint64_t incarnation; /* of who wrote it */
	const char *reason;   /* NULL: all well so far */
	bool later;           /* it is of a later program */
	struct bytes octets;  /* the record, opened where it was sealed */
	struct text plain;    /* ... which it is in then */
};

/* Keeps the first reason. Always false. */
bool reading_wrong(struct reading *r, const char *reason);
struct bytes reading_slice(const ProtobufCBinaryData *b);
/* Of a header or part of one: nothing that could end its line. */
bool reading_line(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason);
bool reading_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason);
/* A time of the record as one of our clock. */
uint64_t reading_time(const struct reading *r, uint64_t utc_ms);
/* The same in ns: 0 stays 0, past is now, and none is further away than most_ms. */
uint64_t reading_deadline(const struct reading *r, uint64_t utc_ms, uint64_t most_ms);
/* Of a leg. An address that is ours no longer is an obstacle, and no error. */
bool reading_hop(struct reading *r, uint8_t leg, struct sip_hop *out, const Tandem__Call__Hop *in);
/* The same of a place that nobody is at yet: its own address of ours is not found, and that is no obstacle. */
bool reading_place(struct reading *r, struct sip_hop *out, const Tandem__Call__Hop *in);
/* Its tag has call and leg already. */
bool reading_dialog(struct reading *r, uint8_t leg, struct dialog *d,
		    const Tandem__Call__Dialog *in);
bool reading_uac_state(struct reading *r, enum uac_state *out, Tandem__Call__InviteState state);
/* A message of ours, which may end with a text that its leg has elsewhere. leg: NULL only without a tail. */
struct reading_tailed {
	ProtobufCBinaryData head;
	Tandem__Call__Tail tail;
	const Tandem__Call__Leg *leg;
};
bool reading_message(struct reading *r, struct text *out, const struct reading_tailed *in,
		     const char *reason);
bool reading_sent(struct reading *r, uint8_t leg, const struct reading_tailed *sent,
		  const Tandem__Call__Hop *to);
bool reading_legs(struct reading *r, const Tandem__Call__Call *in);
/* What schemas have of the call, and of its legs: after legs and bridge. */
bool reading_saved(struct reading *r, const Tandem__Call__Call *in);
bool reading_bridge(struct reading *r, const Tandem__Call__Call *in);
/* INVITEs of all legs, and the best refusal so far. */
bool reading_invites(struct reading *r, const Tandem__Call__Call *in);
/* The same in a record of format 0 or 1. */
bool reading_invite(struct reading *r, const Tandem__Call__Invite *in);
/* of: whose it is; NULL in a record of format 0 or 1. */
bool reading_uas(struct reading *r, uint8_t leg, const Tandem__Call__Uas *in,
		 const Tandem__Call__Leg *of);
bool reading_best(struct reading *r, const Tandem__Call__Best *in);
/* The same in a record of format 0 or 1. */
bool reading_exchanges(struct reading *r, const Tandem__Call__Call *in);
bool reading_sdp_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in);

/* Whether the parts of a decoded call fit together. NULL, or what does not. */
const char *call_check(const struct call *c, const struct call_seed *seed);

/* Records with keys in them: the whole is sealed (base/seal.h), and only id and version are left to be seen. */

/* *record is wiped and replaced. 0 or -ENOMEM: it is empty. */
int call_seal(const struct call_host *h, const struct call *c, struct text *record) NODISCARD;
/* *in is exchanged for what was sealed in it, which is in *plain, too; NULL when that is no call. NULL, or what is wrong; *later: sealed by a
 * later program. */
const char *call_unseal(const struct call_host *h, Tandem__Call__Call **in, struct text *plain,
			bool *later);

/* What a record of a call has that this program does not know: kept with the call. */
enum call_unknown_root {
	CALL_UNKNOWN_WHOLE,
	CALL_UNKNOWN_OUTER, /* around what is sealed */
};

/* Legs by their index. */
unknown_name_fn call_unknown_name;
/* Of what is in that leg. */
uint64_t call_leg_path(uint8_t leg);

#endif
