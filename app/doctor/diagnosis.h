/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a party of a call is not heard, or hears nothing: from counters and state alone. Pure: two
 * samples of each flow some time apart, SDP and orders go in; findings come out. Each flow gets the
 * first cause that its evidence shows, the strongest evidence first; without a cause, its oddities.
 */
#ifndef APP_DOCTOR_DIAGNOSIS_H
#define APP_DOCTOR_DIAGNOSIS_H

#include "base/clock.h"
#include "engine/net/packet.h"
#include "sig/leg/line_facts.h"
#include "sig/shard/shard.h"

enum { DIAGNOSIS_FLOWS_MAX = 2 * MEDIA_LINES_MAX, FINDINGS_MAX = 4 * DIAGNOSIS_FLOWS_MAX };

struct diagnosis_sample {
	struct flow_stats stats;
	struct flow_detail detail;
};

struct diagnosis_flow {
	uint8_t leg, line; /* leg 0: the caller, 1: its peer */
	enum media_kind kind;
	bool answered; /* the media worker gave both samples */
	struct diagnosis_sample before, now;
	bool agreed; /* facts are there */
	struct line_facts facts;
	enum latch_mode latch;
	/* Expected source, and destination until a packet came: by SDP, or corrected for NAT. */
	struct addr expected;
	struct addr latched;
	struct addr contact;  /* of its SIP; ADDR_NONE: a name */
	struct addr sip_peer; /* where its SIP comes from */
	bool holds, muted;    /* by order */
	/* enum media_codec + 1: its media is transcoded for the other party; 0: it is not. */
	uint8_t transcoded_to;
	uint32_t opus_hz; /* of what is coded: 0: as the other codec has it */
	struct party_place place;
};

/* An external recorder, that a recording goes to. */
struct diagnosis_recorder {
	uint8_t leg;      /* that is recorded */
	uint8_t number;   /* of the recording */
	bool taken, lost; /* it has a session; it was told that it has none */
	bool refused;     /* it answered; status: with that, 0: otherwise */
	uint16_t status;
	const char *reason;    /* why it has none; NULL: not known */
	struct addr at;        /* of the recorder that is tried now; ADDR_NONE: none is */
	uint64_t for_ms;       /* the recording has begun before so long */
	uint8_t speak;         /* parties that it should hear, and */
	uint8_t takes;         /* it takes the streams of these parties */
	uint64_t sent, unsent; /* packets; both 0: not known */
	uint8_t reported_on,
		deaf; /* sources that it reports about; of which nothing came, it says */
};

enum { DIAGNOSIS_RECORDERS_MAX = 2 };

struct diagnosis {
	bool degraded;          /* Redis is away or late */
	bool recording_suffers; /* it is recorded, and the disk has no room or does not answer */
	bool established, ended;
	/* application that has been offered the call and has not answered; NULL: none */
	const char *waits_for;
	uint16_t refused; /* final status of a call that ended without an answer; 0: it did not */
	const char *because; /* of that; NULL: not known */
	uint32_t recorder_count;
	struct diagnosis_recorder recorders[DIAGNOSIS_RECORDERS_MAX];
	uint32_t flow_count;
	struct diagnosis_flow flows[DIAGNOSIS_FLOWS_MAX];
};

enum finding_code {
#define FINDING(suffix, name, what, next) FINDING_##suffix,
#include "app/doctor/finding.def"
#undef FINDING
	FINDING_CODES,
};

enum { FACTS_MAX = 8, FACT_TEXT_MAX = ADDR_TEXT_MAX };

/* A piece of evidence: a number, or a text that is not empty. */
struct finding_fact {
	const char *name;
	uint64_t number;
	char text[FACT_TEXT_MAX];
};

struct finding {
	enum finding_code code;
	bool of_flow; /* else of the whole call */
	uint8_t leg, line;
	char sentence[320];
	uint8_t fact_count;
	struct finding_fact facts[FACTS_MAX];
};

const char *finding_name(enum finding_code code);
const char *finding_what(enum finding_code code);
const char *finding_next(enum finding_code code);

/* Returns the number of findings in out. */
size_t diagnose(const struct diagnosis *d, struct finding out[FINDINGS_MAX]);

/* As an array of JSON; the last ones are left out if space is short: n octets, at least 2. */
struct bytes findings_write(const struct finding *list, size_t count, char *space, size_t n);

/* Shared by the files of the diagnosis: a rule's view of a flow, and how it reports findings. */

enum {
	SOME = 5,           /* packets between the samples that are no accident */
	PATIENCE_MS = 2000, /* a party may begin late, and pause */
};

/* One flow with its peer, and what came and went between the samples. */
struct suspect {
	const struct diagnosis *d;
	const struct diagnosis_flow *f;
	const struct diagnosis_flow *peer; /* NULL: none, or it was not answered */
	uint64_t window_ms;
	uint64_t packets_in;   /* accepted between the samples */
	bool peer_is_received; /* the other direction works */
	const char *kind;      /* "audio" */
	char who;              /* 'a', 'b' */
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
	note_loss_out, note_jitter, note_transcoded;

/* Where its party is, if it does not speak with the other one: in addition to a cause. */
rule_fn rule_place;

/* Packets of this flow dropped for that reason between the samples. */
uint32_t fresh_drops(const struct suspect *s, enum verdict reason);
/* And since it was opened. */
uint32_t all_drops(const struct suspect *s, enum verdict reason);
/* So long before the second sample; UINT64_MAX for 0, never. */
uint64_t ago_ms(const struct suspect *s, uint64_t at_ns);
/* Packets of the party's audio or video: octets as received, time as sent. False: too few. */
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
/* Not if it is ADDR_NONE. */
void add_addr(struct finding *out, const char *name, const struct addr *a);
void add_text(struct finding *out, const char *name, const char *text);

#endif
