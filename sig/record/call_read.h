/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a record as if it came from a stranger; private to call_read*.c and call_decode.c. Each part: false, and the reason is kept. */
#ifndef SIG_RECORD_CALL_READ_H
#define SIG_RECORD_CALL_READ_H

#include "sig/call.pb-c.h"
#include "sig/record/call_record.h"

enum { READING_USER_MAX = 256, READING_MESSAGE_MAX = 65000 };

/* Up to this one a record has one INVITE of the call, carried from a first leg to the others, and the texts of it. */
enum { FORMAT_CARRIED = 1 };

struct reading {
	const struct call_host *h;
	struct call *c;
	struct call_seed *seed;
	int64_t shift_ms;   /* what makes the record's times ours */
	const char *reason; /* NULL: all well so far */
	bool later;         /* it is of a later program */
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
bool reading_address(struct reading *r, struct addr *out, const char *in, const char *reason);
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
bool reading_bridge(struct reading *r, const Tandem__Call__Call *in);
/* INVITEs of all legs, and the best refusal so far. */
bool reading_invites(struct reading *r, const Tandem__Call__Call *in);
/* The same in a record of format 0 or 1. */
bool reading_invite(struct reading *r, const Tandem__Call__Invite *in);
/* of: whose it is; NULL in a record of format 0 or 1. */
bool reading_uas(struct reading *r, uint8_t leg, const Tandem__Call__Uas *in,
		 const Tandem__Call__Leg *of);
bool reading_best(struct reading *r, const Tandem__Call__Best *in);
/* The SDP of all legs. */
bool reading_sdps(struct reading *r, const Tandem__Call__Call *in);
/* The same in a record of format 0 or 1. */
bool reading_exchanges(struct reading *r, const Tandem__Call__Call *in);
bool reading_sdp_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in);
/* again: it is that of before; NULL: there is none. */
bool reading_again(struct reading *r, struct text *out, const ProtobufCBinaryData *in, bool again,
		   const ProtobufCBinaryData *before);
/* After the bridge. */
bool reading_media_stream(struct reading *r, const Tandem__Call__Call *in);
bool reading_prompts(struct reading *r, const Tandem__Call__Prompts *in);
bool reading_park(struct reading *r, const Tandem__Call__Park *in);
bool reading_member(struct reading *r, const Tandem__Call__Call *from);
bool reading_transfer(struct reading *r, const Tandem__Call__Transfer *in);
bool reading_flows(struct reading *r, const Tandem__Call__Call *in);
/* After the bridge, and the times. */
bool reading_recordings(struct reading *r, const Tandem__Call__Recordings *in);
bool reading_segments(struct reading *r, const Tandem__Call__Call *in);

#endif
