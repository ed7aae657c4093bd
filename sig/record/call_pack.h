/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a record: what call_read.h reads; private to call_pack*.c, call_encode.c and call_seal.c. One struct packing holds all that
 * a record points at while it is packed; the long texts stay in the call, which must outlive it. The shard's thread.
 */
#ifndef SIG_RECORD_CALL_PACK_H
#define SIG_RECORD_CALL_PACK_H

#include "sig/call.pb-c.h"
#include "sig/call/act.h"
#include "sig/call/cdr.h"
#include "sig/model/recording.h"
#include "sig/record/call_record.h"

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
	Tandem__Call__Toll toll;
	Tandem__Call__Digits digits;
	Tandem__Call__AccountDigits account;
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

struct packed_flow {
	Tandem__Call__Flow flow;
	Tandem__Call__Dtls dtls;
	Tandem__Call__Key key_in, key_out;
	Tandem__Call__Resume resume;
	Tandem__Call__Secret secret;
	char text[2][ADDR_TEXT_MAX];
	char network[sizeof(((struct shard_network *)NULL)->name)];
};

struct packed_segment {
	Tandem__Call__Segment segment;
	Tandem__Call__Counters a, b;
};

struct packing {
	Tandem__Call__Call call;
	struct packed_leg legs[LEGS_MAX];
	Tandem__Call__Leg *leg_list[LEGS_MAX];
	Tandem__Call__Best best;
	Tandem__Call__Transfer transfer;
	Tandem__Call__Park park;
	Tandem__Call__Member member;
	Tandem__Call__Payer payer;
	char payer_text[ADDR_TEXT_MAX];
	Tandem__Call__Recordings recordings;
	Tandem__Call__Recording recording[RECORDINGS_LIVE_MAX];
	Tandem__Call__Recording *recording_list[RECORDINGS_LIVE_MAX];
	Tandem__Call__Dialog session[RECORDINGS_LIVE_MAX];
	Tandem__Call__Hop session_hop[RECORDINGS_LIVE_MAX];
	char session_text[RECORDINGS_LIVE_MAX][2][ADDR_TEXT_MAX];
	Tandem__Call__Dialog outside;
	Tandem__Call__Hop outside_hop;
	char outside_text[2][ADDR_TEXT_MAX];
	Tandem__Call__MediaStream media_stream;
	Tandem__Call__Prompts prompts;
	Tandem__Call__PromptStep prompt_steps[PROMPT_STEPS_MAX];
	Tandem__Call__PromptStep *prompt_list[PROMPT_STEPS_MAX];
	ProtobufCBinaryData prompt_files[PROMPT_FILES_MAX];
	Tandem__Call__Step steps[PLAN_STEPS_MAX];
	Tandem__Call__Step *step_list[PLAN_STEPS_MAX];
	Tandem__Call__Order orders[ORDERS_KEPT];
	Tandem__Call__Order *order_list[ORDERS_KEPT];
	Tandem__Call__Toll tolls[CHARGES_MAX];
	Tandem__Call__Toll *toll_list[CHARGES_MAX];
	struct packed_segment segments[SEGMENTS_MAX];
	Tandem__Call__Segment *segment_list[SEGMENTS_MAX];
	struct packed_flow flows[CALL_FLOWS_MAX];
	Tandem__Call__Flow *flow_list[CALL_FLOWS_MAX];
	char tenant[TENANT_NAME_MAX];
};

/* Slices of what is given, and of the text given for it. */
ProtobufCBinaryData packing_text(const struct text *t);
ProtobufCBinaryData packing_octets(const void *p, size_t n);
char *packing_address(const struct addr *a, char text[ADDR_TEXT_MAX]);
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
Tandem__Call__Asked *packing_uac(const struct shard_settings *settings, struct packed_leg *p,
				 const struct invite_uac *uac, const struct dialog *d,
				 const struct call_seed *seed, uint8_t leg);
Tandem__Call__Uas *packing_uas(const struct call_host *h, struct packed_leg *p,
			       const struct invite_uas *uas, const struct call_seed *seed,
			       uint8_t leg);
Tandem__Call__Refusal *packing_refusal(const struct shard_settings *settings, struct packed_leg *p,
				       const struct leg_refusal *refusal,
				       const struct call_seed *seed, uint8_t leg);
Tandem__Call__Best *packing_best(Tandem__Call__Best *out, const struct refusal_kept *best);
void packing_media_stream(struct packing *p, const struct call *c);
void packing_prompts(const struct call_host *h, struct packing *p, const struct prompts *a);
void packing_dialog(Tandem__Call__Dialog *out, const struct dialog *d, Tandem__Call__Hop *hop);
void packing_park(struct packing *p, const struct park *park);
void packing_member(struct packing *p, const struct call *c);
void packing_transfer(const struct shard_settings *settings, struct packing *p,
		      const struct transfer *t);
void packing_flows(const struct call_host *h, struct packing *p, const struct call *c);
/* recordings NULL: none. */
void packing_recordings(const struct shard_settings *settings, struct packing *p,
			const struct recordings *recordings);
void packing_segments(struct packing *p, const struct call *c);

/* A message as text, by way of the host's space. 0 or -ENOMEM. */
int call_pack(const struct call_host *h, const Tandem__Call__Call *call,
	      struct text *out) NODISCARD;

#endif
