/* SPDX-License-Identifier: Apache-2.0 */
/* Why a party is not heard. */
#include "app/command/diagnosis_rule.h"
#include "engine/dtls/dtls.h"

enum {
	CHECKS_MS = 3000, /* ICE and DTLS take a moment */
	TAG_80 = 10,
	TAG_32 = 4,
};

/* ---- it is meant to be so ---- */

static enum answer_of_rule by_order(const struct suspect *s, struct finding *out)
{
	if (s->f->holds) {
		found(out, FINDING_HELD_BY_ORDER, s,
		      "By command the party of leg %c holds the other one: no media goes either "
		      "way.",
		      s->who);
		return RULE_FOUND;
	}
	if (s->peer && s->peer->holds)
		return RULE_EXPLAINED;
	if (!s->f->muted)
		return RULE_SILENT;
	found(out, FINDING_MUTED, s, "By command nobody hears the party of leg %c.", s->who);
	return RULE_FOUND;
}

static const char *direction_name(const struct line_facts *f)
{
	return f->sends      ? f->receives ? "sendrecv" : "sendonly"
	       : f->receives ? "recvonly"
			     : "inactive";
}

/* The answer to a hold says the mirror of it. Where both are inactive, leg a stands for both. */
static bool is_mirror(const struct line_facts *own, const struct line_facts *other, uint8_t leg)
{
	if (own->sends || !other || other->receives)
		return false;
	return own->receives || other->sends || leg;
}

enum answer_of_rule rule_direction(const struct suspect *s, struct finding *out)
{
	const struct line_facts *own = &s->f->facts;
	const struct line_facts *other = s->peer && s->peer->agreed ? &s->peer->facts : NULL;
	enum answer_of_rule order = by_order(s, out);

	if (order != RULE_SILENT)
		return order;
	if (own->sends && own->receives)
		return other && !other->receives ? RULE_EXPLAINED : RULE_SILENT;
	if (is_mirror(own, other, s->f->leg))
		return RULE_EXPLAINED;
	found(out, FINDING_DIRECTION, s, "The party of leg %c says %s: %s.", s->who,
	      direction_name(own),
	      own->sends      ? "it takes nothing, as on hold"
	      : own->receives ? "it sends nothing"
			      : "nothing goes either way");
	add_text(out, "direction", direction_name(own));
	if (other)
		add_text(out, "direction_of_peer", direction_name(other));
	return RULE_FOUND;
}

/* ---- ICE and DTLS ---- */

static bool is_new(const struct suspect *s)
{
	return ago_ms(s, s->f->now.detail.expected_ns) < CHECKS_MS;
}

/* With which credentials they came tells what SDP the party has. */
static void never_proven(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;

	if (d->checks_key)
		found(out, FINDING_ICE_CREDENTIALS, s,
		      "ICE of leg %c: %u checks came with another password than our SDP has, and "
		      "none with that.",
		      s->who, d->checks_key);
	else if (d->checks_name)
		found(out, FINDING_ICE_CREDENTIALS, s,
		      "ICE of leg %c: %u checks came for another ufrag than our SDP has, and none "
		      "for that.",
		      s->who, d->checks_name);
	else
		found(out, FINDING_ICE_CHECKING, s, "ICE of leg %c: no check came from the party.",
		      s->who);
	add_number(out, "checks_with_wrong_password", d->checks_key);
	add_number(out, "checks_with_wrong_ufrag", d->checks_name);
	add_number(out, "stun_malformed", all_drops(s, VERDICT_STUN_MALFORMED));
	add_number(out, "ice_no_pair", all_drops(s, VERDICT_ICE_NO_PAIR));
}

static void consent_ended(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;

	found(out, FINDING_ICE_FAILED, s,
	      "ICE of leg %c: the party's checks stopped, and with them its consent to be sent to.",
	      s->who);
	add_number(out, "checks", d->checks);
	if (d->checked_ns)
		add_number(out, "last_check_ms", ago_ms(s, d->checked_ns));
}

static enum answer_of_rule ice(const struct suspect *s, struct finding *out)
{
	switch ((enum media_ice_state)s->f->now.stats.ice) {
	case ICE_OFF:
	case ICE_CONNECTED:
		return RULE_SILENT;
	case ICE_LOST:
		consent_ended(s, out);
		return RULE_FOUND;
	case ICE_CHECKING:
		break;
	}
	if (is_new(s))
		return RULE_EXPLAINED;
	never_proven(s, out);
	return RULE_FOUND;
}

static void handshake_failed(const struct suspect *s, struct finding *out)
{
	enum dtls_failure why = (enum dtls_failure)s->f->now.detail.handshake_failure;

	if (why == DTLS_FAILURE_CERTIFICATE)
		found(out, FINDING_DTLS_CERTIFICATE, s,
		      "The certificate of leg %c is not the one whose fingerprint is in its SDP.",
		      s->who);
	else
		found(out, FINDING_DTLS_FAILED, s, "The DTLS handshake of leg %c failed.", s->who);
	add_text(out, "reason", dtls_failure_name(why));
}

static enum answer_of_rule dtls(const struct suspect *s, struct finding *out)
{
	enum media_dtls_state state = (enum media_dtls_state)s->f->now.stats.dtls;

	if (state == DTLS_OFF || state == DTLS_CONNECTED)
		return RULE_SILENT;
	if (s->f->now.detail.handshake_failure != DTLS_FAILURE_NONE) {
		handshake_failed(s, out);
	} else if (is_new(s)) {
		return RULE_EXPLAINED;
	} else if (state == DTLS_WAITING) {
		found(out, FINDING_DTLS_HANDSHAKING, s,
		      "The DTLS handshake of leg %c does not begin: nothing of it came.", s->who);
	} else {
		found(out, FINDING_DTLS_HANDSHAKING, s,
		      "The DTLS handshake of leg %c does not end.", s->who);
	}
	add_number(out, "datagrams", all_drops(s, VERDICT_DTLS));
	add_number(out, "dtls_refused", all_drops(s, VERDICT_DTLS_REFUSED));
	return RULE_FOUND;
}

enum answer_of_rule rule_transport(const struct suspect *s, struct finding *out)
{
	enum answer_of_rule answer = ice(s, out);

	return answer == RULE_SILENT ? dtls(s, out) : answer;
}

/* ---- packets come, and are not what was agreed ---- */

static bool outweighs(const struct suspect *s, uint32_t drops)
{
	return drops >= SOME && drops > s->packets_in;
}

enum answer_of_rule rule_keys(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail, *then = &s->f->before.detail;
	uint32_t forged = fresh_drops(s, VERDICT_SRTP_AUTH);
	uint32_t plain = d->auth_plain - then->auth_plain;
	uint32_t unusable = fresh_drops(s, VERDICT_SRTP_KEY);

	if (outweighs(s, unusable)) {
		found(out, FINDING_SRTP_UNUSABLE, s, "The SRTP key of leg %c could not be used.",
		      s->who);
		add_number(out, "srtp_key", unusable);
		return RULE_FOUND;
	}
	if (!outweighs(s, forged))
		return RULE_SILENT;
	if (plain * 2 > forged)
		found(out, FINDING_SRTP_MISSING, s,
		      "SRTP is agreed with leg %c, but by their length its packets are plain RTP.",
		      s->who);
	else
		found(out, FINDING_SRTP_WRONG_KEY, s,
		      "The packets of leg %c do not authenticate: it uses another SRTP key than "
		      "its "
		      "SDP says.",
		      s->who);
	add_number(out, "srtp_auth", forged);
	add_number(out, "measured_plain", plain);
	add_number(out, "measured_sealed", d->auth_sealed - then->auth_sealed);
	add_text(out, "suite", s->f->facts.suite);
	return RULE_FOUND;
}

static const char *static_name(uint8_t payload_type)
{
	switch (payload_type) { /* RFC 3551 6 */
	case 0:
		return "PCMU";
	case 3:
		return "GSM";
	case 4:
		return "G723";
	case 8:
		return "PCMA";
	case 9:
		return "G722";
	case 13:
		return "CN";
	case 18:
		return "G729";
	default:
		return payload_type < 96 ? "static" : "dynamic";
	}
}

enum answer_of_rule rule_payload_type(const struct suspect *s, struct finding *out)
{
	uint32_t drops = fresh_drops(s, VERDICT_PAYLOAD_TYPE);
	uint8_t type = s->f->now.detail.refused_type;
	const struct line_facts *facts = &s->f->facts;

	if (!outweighs(s, drops))
		return RULE_SILENT;
	found(out, FINDING_PAYLOAD_TYPE, s,
	      "The party of leg %c sends payload type %u (%s), which was not agreed; agreed is %s.",
	      s->who, type, static_name(type),
	      facts->codec_count ? facts->codecs[0].name : "nothing");
	add_number(out, "payload_type", drops);
	add_number(out, "sent_type", type);
	if (facts->codec_count)
		add_number(out, "agreed_type", facts->codecs[0].number);
	return RULE_FOUND;
}

/* Stray packets of another protocol are no cause; a stream of them is. */
enum answer_of_rule rule_garbage(const struct suspect *s, struct finding *out)
{
	static const struct {
		enum verdict reason;
		enum finding_code code;
		const char *text;
	} kinds[] = {
		{ VERDICT_TRUNCATED, FINDING_MTU, "are longer than any frame can carry" },
		{ VERDICT_NOT_RTP, FINDING_NOT_RTP, "are neither RTP nor RTCP" },
		{ VERDICT_MALFORMED, FINDING_MALFORMED, "break RFC 3550" },
		{ VERDICT_WRONG_PORT, FINDING_WRONG_PORT, "come to the wrong one of two ports" },
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		uint32_t drops = fresh_drops(s, kinds[i].reason);

		if (!outweighs(s, drops))
			continue;
		found(out, kinds[i].code, s, "The packets of leg %c %s: they are dropped.", s->who,
		      kinds[i].text);
		add_number(out, verdict_name(kinds[i].reason), drops);
		add_number(out, "packets_in", s->packets_in);
		return RULE_FOUND;
	}
	return RULE_SILENT;
}

/* Plain RTP is agreed, and each packet is longer than its time by just a tag: to the other party it is noise. */
enum answer_of_rule rule_unexpected_srtp(const struct suspect *s, struct finding *out)
{
	struct stream_pace pace;
	double extra;

	if (s->f->facts.secure || !pace_of(s, &pace) || pace.codec_octets_ms <= 0)
		return RULE_SILENT;
	extra = pace.octets - pace.media_ms * pace.codec_octets_ms;
	if ((extra < TAG_80 - 0.5 || extra > TAG_80 + 0.5) &&
	    (extra < TAG_32 - 0.5 || extra > TAG_32 + 0.5))
		return RULE_SILENT;
	found(out, FINDING_SRTP_UNEXPECTED, s,
	      "Plain RTP is agreed with leg %c, but each of its packets is %u octets too long, as "
	      "the tag of SRTP is.",
	      s->who, (unsigned)(extra + 0.5));
	add_number(out, "packets", pace.packets);
	add_number(out, "payload_octets", (uint64_t)(pace.octets + 0.5));
	add_number(out, "expected_octets", (uint64_t)(pace.media_ms * pace.codec_octets_ms + 0.5));
	return RULE_FOUND;
}
