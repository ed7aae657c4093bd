/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the diagnosis: what a rule sees of a flow, and how it says what it found. */
#ifndef APP_COMMAND_DIAGNOSIS_RULE_H
#define APP_COMMAND_DIAGNOSIS_RULE_H

#include "app/command/diagnosis.h"
#include "base/clock.h"
#include "engine/net/packet.h"

enum {
	SOME = 5,           /* packets between the samples that are no accident */
	PATIENCE_MS = 2000, /* a party may begin late, and pause */
};

/* One flow with its peer, and what came and went between the samples. */
struct suspect {
	const struct diagnosis *d;
	const struct diagnosis_flow *f;
	const struct diagnosis_flow *peer; /* NULL: there is none, or it was not answered */
	uint64_t window_ms;
	uint64_t packets_in; /* accepted between the samples */
	bool peer_is_heard;  /* the other direction works */
	const char *kind;    /* "audio" */
	char who;            /* 'a', 'b' */
};

/* A rule that has an answer ends the search for a cause. */
enum answer_of_rule {
	RULE_SILENT,    /* no evidence */
	RULE_FOUND,     /* *out is filled */
	RULE_EXPLAINED, /* nothing is to be said: another flow's finding, or time, explains it */
};

typedef enum answer_of_rule rule_fn(const struct suspect *s, struct finding *out);

/* In the order of the strength of their evidence. */
rule_fn rule_direction, rule_transport, rule_keys, rule_payload_type, rule_strangers, rule_garbage,
	rule_unexpected_srtp, rule_silence, rule_outbound;
/* What is odd about a flow without a cause; all are asked. */
rule_fn note_source, note_second_source, note_packet_length, note_clock, note_silence, note_loss_in,
	note_loss_out, note_jitter, note_coded;

/* Where its party is, if it does not speak with the other one: beside every cause. */
rule_fn rule_place;

/* Of a recording with an external recorder. */
enum answer_of_rule rule_recorder(const struct diagnosis_recorder *r, struct finding *out);

/* Packets of this flow dropped for that reason between the samples. */
uint32_t fresh_drops(const struct suspect *s, enum verdict reason);
/* And since it was opened. */
uint32_t all_drops(const struct suspect *s, enum verdict reason);
/* So long before the second sample; UINT64_MAX for 0, never. */
uint64_t ago_ms(const struct suspect *s, uint64_t at_ns);
/* The party's audio or video, packet by packet: octets as it came, time as the peer was sent it. False: too little of it. */
struct stream_pace {
	uint64_t packets;
	double octets;          /* of payload, per packet */
	double media_ms;        /* by the timestamps, per packet */
	double codec_octets_ms; /* of the codec that is in use; 0: they vary, or it is not known */
};
bool pace_of(const struct suspect *s, struct stream_pace *out);

void found(struct finding *out, enum finding_code code, const struct suspect *s, const char *fmt,
	   ...) PRINTF_LIKE(4, 5);
void add_number(struct finding *out, const char *name, uint64_t number);
/* Not where there is none. */
void add_addr(struct finding *out, const char *name, const struct addr *a);
void add_text(struct finding *out, const char *name, const char *text);

#endif
