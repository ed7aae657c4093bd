/* SPDX-License-Identifier: Apache-2.0 */
/* What is odd about a party that is heard. */
#include "app/command/diagnosis_rule.h"
#include "engine/job/coding.h"

enum {
	LATELY_MS = 60000,
	REPORT_MS = 20000,
	LOSS_PACKETS = 3, /* between the samples, and */
	LOSS_SHARE = 20,  /* one of so many: 5 % */
	LOSS_256 = 13,    /* 5 % */
	JITTER_US = 80000,
	JUMP_US = 1000000, /* no network does that: the timestamps jumped */
	TINY = 8,          /* octets of payload: comfort noise, or the pauses of Opus */
	CN = 13,
};

enum answer_of_rule note_source(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	char was[ADDR_TEXT_MAX], is[ADDR_TEXT_MAX];

	if (s->f->now.stats.ice != ICE_OFF) /* it goes where the party nominates */
		return RULE_SILENT;
	(void)addr_text(&s->f->latched, is);
	if (d->moves && ago_ms(s, d->moved_ns) < LATELY_MS) {
		found(out, FINDING_SOURCE_MOVED, s,
		      "The packets of leg %c came from %s and since %u s come from %s, without a "
		      "re-INVITE that says so.",
		      s->who, addr_text(&d->source_before, was),
		      (unsigned)(ago_ms(s, d->moved_ns) / 1000), is);
		add_number(out, "moves", d->moves);
		add_addr(out, "source_before", &d->source_before);
	} else if (s->f->latched.family != ADDR_NONE && s->f->expected.family != ADDR_NONE &&
		   !addr_eq(&s->f->latched, &s->f->expected)) {
		found(out, FINDING_NAT_PORT, s,
		      "The packets of leg %c come from %s, not from the %s that it signalled.",
		      s->who, is, addr_text(&s->f->expected, was));
	} else {
		return RULE_SILENT;
	}
	add_addr(out, "signalled", &s->f->facts.address);
	add_addr(out, "latched", &s->f->latched);
	return RULE_FOUND;
}

enum answer_of_rule note_second_source(const struct suspect *s, struct finding *out)
{
	uint32_t drops = fresh_drops(s, VERDICT_SOURCE_NOT_LATCHED);
	char from[ADDR_TEXT_MAX];

	if (drops < SOME || s->packets_in == 0)
		return RULE_SILENT;
	found(out, FINDING_SECOND_SOURCE, s, "Besides the party of leg %c, %s sends to its port.",
	      s->who, addr_text(&s->f->now.detail.stranger, from));
	add_number(out, "source_not_latched", drops);
	add_addr(out, "stranger", &s->f->now.detail.stranger);
	return RULE_FOUND;
}

/* By its octets where the codec always needs the same, else by the timestamps. */
static double packet_ms_of(const struct stream_pace *p)
{
	return p->codec_octets_ms > 0 ? p->octets / p->codec_octets_ms : p->media_ms;
}

static bool differs(double a, double b)
{
	return a > b * 1.25 || a < b * 0.75;
}

enum answer_of_rule note_packet_length(const struct suspect *s, struct finding *out)
{
	uint16_t asked = s->f->facts.packet_ms;
	struct stream_pace pace;
	double ms;

	if (s->f->kind != MEDIA_AUDIO || asked == 0 || !pace_of(s, &pace) || pace.octets <= TINY)
		return RULE_SILENT;
	ms = packet_ms_of(&pace);
	if (!differs(ms, asked))
		return RULE_SILENT;
	found(out, FINDING_PACKET_LENGTH, s,
	      "The packets of leg %c hold %u ms of sound; it was asked for %u ms (a=ptime).",
	      s->who, (unsigned)(ms + 0.5), asked);
	add_number(out, "packets", pace.packets);
	add_number(out, "packet_ms", (uint64_t)(ms + 0.5));
	add_number(out, "ptime", asked);
	return RULE_FOUND;
}

static enum answer_of_rule jumped(const struct suspect *s, struct finding *out)
{
	uint32_t us = s->f->now.stats.jitter_us;

	if (us < JUMP_US)
		return RULE_SILENT;
	found(out, FINDING_CLOCK, s, "The timestamps of leg %c jumped.", s->who);
	add_number(out, "jitter_us", us);
	return RULE_FOUND;
}

enum answer_of_rule note_clock(const struct suspect *s, struct finding *out)
{
	struct stream_pace pace;
	double ms;

	if (s->f->kind != MEDIA_AUDIO || !pace_of(s, &pace) || pace.codec_octets_ms <= 0 ||
	    pace.octets <= TINY)
		return jumped(s, out);
	ms = pace.octets / pace.codec_octets_ms;
	if (!differs(pace.media_ms, ms))
		return jumped(s, out);
	found(out, FINDING_CLOCK, s,
	      "The timestamps of leg %c advance %u ms with each packet, which holds %u ms of "
	      "sound.",
	      s->who, (unsigned)(pace.media_ms + 0.5), (unsigned)(ms + 0.5));
	add_number(out, "timestamp_ms", (uint64_t)(pace.media_ms + 0.5));
	add_number(out, "packet_ms", (uint64_t)(ms + 0.5));
	return RULE_FOUND;
}

enum answer_of_rule note_silence(const struct suspect *s, struct finding *out)
{
	struct stream_pace pace;
	bool noise = s->f->now.detail.payload_type == CN;

	if (s->f->kind != MEDIA_AUDIO || !pace_of(s, &pace) || (pace.octets > TINY && !noise))
		return RULE_SILENT;
	found(out, FINDING_SILENCE, s, "The party of leg %c sends comfort noise, no sound.",
	      s->who);
	add_number(out, "packets", pace.packets);
	add_number(out, "payload_octets", (uint64_t)(pace.octets + 0.5));
	return RULE_FOUND;
}

enum answer_of_rule note_loss_in(const struct suspect *s, struct finding *out)
{
	const struct flow_stats *now = &s->f->now.stats, *then = &s->f->before.stats;
	uint32_t lost = now->lost > then->lost ? now->lost - then->lost : 0;

	if (lost < LOSS_PACKETS || (uint64_t)lost * LOSS_SHARE < lost + s->packets_in)
		return RULE_SILENT;
	found(out, FINDING_LOSS_IN, s, "%u of %u packets of leg %c were lost on their way here.",
	      lost, (unsigned)(lost + s->packets_in), s->who);
	add_number(out, "lost", lost);
	add_number(out, "packets_in", s->packets_in);
	add_number(out, "lost_in_all", now->lost);
	return RULE_FOUND;
}

enum answer_of_rule note_loss_out(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;

	if (ago_ms(s, d->reported_ns) > REPORT_MS || d->reported_loss < LOSS_256)
		return RULE_SILENT;
	found(out, FINDING_LOSS_OUT, s, "The party of leg %c reports that it lost %u %% lately.",
	      s->who, (unsigned)d->reported_loss * 100 / 256);
	add_number(out, "reported_loss_256", d->reported_loss);
	add_number(out, "remote_lost", s->f->now.stats.remote_lost);
	add_number(out, "packets_out", s->f->now.stats.packets_out);
	return RULE_FOUND;
}

enum answer_of_rule note_jitter(const struct suspect *s, struct finding *out)
{
	uint32_t us = s->f->now.stats.jitter_us;

	if (us < JITTER_US || us >= JUMP_US)
		return RULE_SILENT;
	found(out, FINDING_JITTER, s, "The packets of leg %c come unevenly: %u ms of jitter.",
	      s->who, us / 1000);
	add_number(out, "jitter_us", us);
	return RULE_FOUND;
}

/* What it says, as it is known by its packets. */
static enum media_codec codec_said(const struct suspect *s)
{
	const struct line_codec *c = line_codec_find(&s->f->facts, s->f->now.detail.payload_type);
	unsigned codec = 0;

	while (codec < MEDIA_CODECS_KNOWN &&
	       (!c || strcmp(c->name, media_codec_facts((enum media_codec)codec)->name) != 0))
		codec++;
	return (enum media_codec)codec;
}

enum answer_of_rule note_coded(const struct suspect *s, struct finding *out)
{
	uint32_t full = fresh_drops(s, VERDICT_CODER_FULL);
	enum media_codec from = codec_said(s);
	struct media_coding coding = { .from = (uint8_t)from };
	const char *to;

	if (!s->f->coded_to || from == MEDIA_CODECS_KNOWN)
		return RULE_SILENT;
	coding.to = (uint8_t)(s->f->coded_to - 1);
	to = media_codec_facts(coding.to)->name;
	if (full)
		found(out, FINDING_CODER_FULL, s,
		      "What leg %c says in %s is transcoded to %s, and %u of its packets were lost "
		      "for lack of time.",
		      s->who, media_codec_facts(from)->name, to, full);
	else
		found(out, FINDING_TRANSCODED, s,
		      "What leg %c says in %s is transcoded to %s for the other one.", s->who,
		      media_codec_facts(from)->name, to);
	add_text(out, "from", media_codec_facts(from)->name);
	add_text(out, "to", to);
	add_number(out, "us_of_20_ms", coding_cost_ns(&coding, s->f->opus_hz) / 1000);
	add_number(out, "coded", fresh_drops(s, VERDICT_CODED));
	add_number(out, "coder_full", full);
	add_number(out, "late", fresh_drops(s, VERDICT_LATE));
	return RULE_FOUND;
}
