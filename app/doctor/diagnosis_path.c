/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the diagnosis (diagnosis.h) about the path of packets: why those of a party come from
 * elsewhere, or not at all, and why it hears nothing. Each rule is pure and looks at one suspect;
 * diagnosis.c calls them in the order of the strength of their evidence. */

#include "app/doctor/diagnosis.h"
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
		      "By command the party of leg %c holds the other one, which hears hold music "
		      "at most.",
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
		      "The certificate of leg %c does not match the fingerprint in its SDP.",
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

/* Plain RTP is agreed, and each packet is longer than its time by just a tag: noise to the peer. */
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

/* A party without a peer, or with something played in place of one: whether it hears that. */

enum { LOOK_MS = 500 }; /* less is too short to say that nothing was sent */

/* Nothing left for the party between the samples. */
static bool is_sent_nothing(const struct suspect *s)
{
	return s->window_ms >= LOOK_MS &&
	       s->f->now.stats.packets_out == s->f->before.stats.packets_out;
}

static void add_place(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	add_number(out, "packets_out", s->f->now.stats.packets_out);
	add_number(out, "window_ms", s->window_ms);
	add_text(out, "application", p->application);
}

static enum answer_of_rule alone_found(const struct suspect *s, struct finding *out)
{
	const char *application = s->f->place.application;

	if (!application[0] && !is_sent_nothing(s))
		found(out, FINDING_ALONE, s,
		      "Tandem has answered the party of leg %c; there is no other party. It hears "
		      "hold music.",
		      s->who);
	else if (!application[0])
		found(out, FINDING_ALONE_SILENT, s,
		      "Tandem has answered the party of leg %c; there is no other party, and it is "
		      "sent nothing.",
		      s->who);
	else if (is_sent_nothing(s))
		found(out, FINDING_APPLICATION_SILENT, s,
		      "The party of leg %c is with the application %s, which plays nothing: it "
		      "hears silence.",
		      s->who, application);
	else
		found(out, FINDING_ALONE, s,
		      "The party of leg %c is with the application %s, which has just played "
		      "something.",
		      s->who, application);
	add_place(s, out);
	return RULE_FOUND;
}

static void prompt_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	if (is_sent_nothing(s))
		found(out, FINDING_PROMPT_SILENT, s,
		      "Tandem is to play %s to the party of leg %c, and nothing is sent to it.",
		      p->name, s->who);
	else
		found(out, FINDING_PROMPT, s,
		      "Tandem plays %s to the party of leg %c, file %u of %u%s.", p->name, s->who,
		      p->file, p->file_count, p->collects ? ", and awaits DTMF digits" : "");
}

static enum answer_of_rule played_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	if (p->paused)
		found(out, FINDING_PROMPT_PAUSED, s,
		      "The playing of %s to the party of leg %c is paused: it hears silence.",
		      p->name, s->who);
	else if (p->file)
		prompt_found(s, out);
	else if (p->records)
		found(out, FINDING_MESSAGE_RECORDED, s,
		      "A message of the party of leg %c is recorded: it hears silence.", s->who);
	else if (p->collects)
		found(out, FINDING_DIGITS_AWAITED, s,
		      "DTMF digits of the party of leg %c are awaited: it hears silence.", s->who);
	else
		found(out, FINDING_PROMPT, s, "Tandem plays a tone to the party of leg %c.",
		      s->who);
	add_text(out, "file", p->name);
	add_number(out, "file_number", p->file);
	add_number(out, "files", p->file_count);
	add_place(s, out);
	return RULE_FOUND;
}

static enum answer_of_rule streamed_found(const struct suspect *s, struct finding *out)
{
	found(out, FINDING_STREAMED, s, "The party of leg %c is with the live endpoint %s%s.",
	      s->who, s->f->place.name,
	      is_sent_nothing(s) ? ", which says nothing now" : ", and hears it");
	add_text(out, "endpoint", s->f->place.name);
	add_place(s, out);
	return RULE_FOUND;
}

static enum answer_of_rule parked_found(const struct suspect *s, struct finding *out)
{
	if (is_sent_nothing(s))
		found(out, FINDING_PARKED_SILENT, s,
		      "The party of leg %c is parked in slot %s, and hears silence: there is no "
		      "hold music for it.",
		      s->who, s->f->place.name);
	else
		found(out, FINDING_PARKED, s,
		      "The party of leg %c is parked in slot %s, and hears hold music.", s->who,
		      s->f->place.name);
	add_text(out, "slot", s->f->place.name);
	add_place(s, out);
	return RULE_FOUND;
}

static enum finding_code conference_code(const struct suspect *s)
{
	const struct party_place *p = &s->f->place;

	if (p->waits_host)
		return FINDING_CONFERENCE_HOST;
	if (p->held)
		return FINDING_CONFERENCE_HELD;
	if (p->deaf)
		return FINDING_CONFERENCE_DEAF;
	if (p->muted)
		return FINDING_CONFERENCE_MUTED;
	if (p->others == 0)
		return FINDING_CONFERENCE_ALONE;
	return !p->sounds && is_sent_nothing(s) ? FINDING_CONFERENCE_SILENT : FINDING_CONFERENCE;
}

static const char *conference_words(enum finding_code code)
{
	switch ((int)code) {
	case FINDING_CONFERENCE_HOST:
		return "waits for the host of its conference: it hears music, and nobody hears it";
	case FINDING_CONFERENCE_HELD:
		return "is on hold in its conference: it hears music, and nobody hears it";
	case FINDING_CONFERENCE_DEAF:
		return "is deaf in its conference: it hears nobody";
	case FINDING_CONFERENCE_MUTED:
		return "is muted in its conference: nobody hears it";
	case FINDING_CONFERENCE_ALONE:
		return "is alone in its conference";
	case FINDING_CONFERENCE_SILENT:
		return "is in a conference, and is sent nothing of it";
	default:
		return "is in a conference";
	}
}

static enum answer_of_rule conference_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;
	enum finding_code code = conference_code(s);

	found(out, code, s, "The party of leg %c %s.", s->who, conference_words(code));
	add_text(out, "number", p->name);
	add_number(out, "others", p->others);
	add_number(out, "muted", p->muted);
	add_number(out, "deaf", p->deaf);
	add_number(out, "held", p->held);
	add_place(s, out);
	return RULE_FOUND;
}

/* Of a call that is over only what was wrong all the time is known. */
static bool finding_is_past(const struct suspect *s, const struct finding *out)
{
	return s->d->ended && finding_what(out->code)[0] != 'f';
}

static enum answer_of_rule place_found(const struct suspect *s, struct finding *out)
{
	switch (s->f->place.kind) {
	case PARTY_TALKS:
	case PARTY_WAITS:
		return RULE_SILENT;
	case PARTY_ALONE:
		return alone_found(s, out);
	case PARTY_PLAYED:
		return played_found(s, out);
	case PARTY_STREAMED:
		return streamed_found(s, out);
	case PARTY_ECHOED:
		found(out, FINDING_ECHO, s, "The party of leg %c hears itself: an echo test.",
		      s->who);
		break;
	case PARTY_PARKED:
		return parked_found(s, out);
	case PARTY_CONFERS:
		return conference_found(s, out);
	case PARTY_PARTS:
		found(out, FINDING_PARTING, s,
		      "Nobody takes the call of leg %c: its party hears a tone until it hangs up.",
		      s->who);
		break;
	}
	add_place(s, out);
	return RULE_FOUND;
}

enum answer_of_rule rule_place(const struct suspect *s, struct finding *out)
{
	if (s->f->kind != MEDIA_AUDIO || place_found(s, out) != RULE_FOUND ||
	    finding_is_past(s, out))
		return RULE_SILENT;
	return RULE_FOUND;
}

enum {
	ALIVE_MS = 12000,     /* RTCP comes each 5 s, times 0.5 to 1.5 (RFC 3550 6.2) */
	REPORT_PACKETS = 300, /* sent to a party that could have reported on them */
	ALL_LOST = 250,       /* of 256 */
};

static bool address_is_known(const struct addr *a)
{
	return a->family != ADDR_NONE;
}

/* The address of c= is of another network than everything else we know of the party. */
static bool names_private_address(const struct diagnosis_flow *f, const struct addr *seen)
{
	return addr_is_private(&f->facts.address) && !addr_is_private(seen) &&
	       !addr_ip_eq(&f->facts.address, seen);
}

/* Phones write the same address in o=, c= and Contact. A c= alone that differs, and is not where
 * the party is seen, was rewritten on the way. */
static bool names_rewritten_address(const struct diagnosis_flow *f)
{
	const struct addr *named = &f->facts.address;

	return address_is_known(&f->facts.origin) && address_is_known(named) &&
	       !addr_ip_eq(named, &f->facts.origin) && !addr_ip_eq(named, &f->sip_peer) &&
	       (!address_is_known(&f->contact) ||
		(!addr_ip_eq(named, &f->contact) && addr_ip_eq(&f->contact, &f->facts.origin)));
}

static void add_addresses(const struct suspect *s, struct finding *out)
{
	add_addr(out, "signalled", &s->f->facts.address);
	add_addr(out, "sip_peer", &s->f->sip_peer);
}

static enum answer_of_rule rewritten(const struct suspect *s, struct finding *out)
{
	char named[ADDR_TEXT_MAX], origin[ADDR_TEXT_MAX];

	found(out, FINDING_ALG_REWRITE, s,
	      "The SDP of leg %c names %s in c=, which is not the %s of its o= and Contact, nor "
	      "where "
	      "its SIP comes from: something on the way rewrote it.",
	      s->who, addr_text(&s->f->facts.address, named),
	      addr_text(&s->f->facts.origin, origin));
	add_addresses(s, out);
	add_addr(out, "origin", &s->f->facts.origin);
	return RULE_FOUND;
}

static enum answer_of_rule behind_nat(const struct suspect *s, struct finding *out,
				      const struct addr *seen)
{
	char named[ADDR_TEXT_MAX], from[ADDR_TEXT_MAX];

	found(out, FINDING_NAT_PRIVATE_ADDRESS, s,
	      "The SDP of leg %c names the private address %s, but the party is seen at %s: it is "
	      "behind a NAT.",
	      s->who, addr_text(&s->f->facts.address, named), addr_text(seen, from));
	add_addresses(s, out);
	return RULE_FOUND;
}

/* ---- packets of untrusted sources ---- */

/* No source was accepted since the address was signalled. */
static enum answer_of_rule never_authenticated(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	char from[ADDR_TEXT_MAX], wanted[ADDR_TEXT_MAX];

	(void)addr_text(&d->stranger, from);
	(void)addr_text(&s->f->expected, wanted);
	if (addr_eq(&d->stranger, &d->source_before)) {
		found(out, FINDING_STALE_SOURCE, s,
		      "The last SDP of leg %c says %s, but its packets still come from %s.", s->who,
		      wanted, from);
		return RULE_FOUND;
	}
	if (addr_ip_eq(&d->stranger, &s->f->expected)) {
		found(out, FINDING_NAT_SYMMETRIC, s,
		      "The packets of leg %c come from port %u instead of %u, and media.latch "
		      "strict refuses them: a NAT gave them another port.",
		      s->who, d->stranger.port, s->f->expected.port);
		return RULE_FOUND;
	}
	if (names_rewritten_address(s->f))
		return rewritten(s, out);
	if (names_private_address(s->f, &d->stranger))
		return behind_nat(s, out, &d->stranger);
	found(out, FINDING_UNEXPECTED_SOURCE, s,
	      "Packets for leg %c come from %s, which is not the %s of its SDP: they are refused.",
	      s->who, from, wanted);
	return RULE_FOUND;
}

static enum answer_of_rule no_longer_authenticated(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	bool same = addr_ip_eq(&d->stranger, &s->f->latched);
	char from[ADDR_TEXT_MAX], was[ADDR_TEXT_MAX];

	found(out, same ? FINDING_PORT_CHANGED : FINDING_ADDRESS_CHANGED, s,
	      "The packets of leg %c came from %s and now come from %s, without a re-INVITE that "
	      "says so.",
	      s->who, addr_text(&s->f->latched, was), addr_text(&d->stranger, from));
	add_number(out, "silent_ms", ago_ms(s, d->received_ns));
	return RULE_FOUND;
}

enum answer_of_rule rule_strangers(const struct suspect *s, struct finding *out)
{
	uint32_t drops = fresh_drops(s, VERDICT_SOURCE_NOT_LATCHED);

	if (drops < SOME || s->packets_in > 0)
		return RULE_SILENT;
	if (address_is_known(&s->f->latched) && s->f->now.stats.packets_in > 0)
		(void)no_longer_authenticated(s, out);
	else
		(void)never_authenticated(s, out);
	add_number(out, "source_not_latched", drops);
	add_addr(out, "stranger", &s->f->now.detail.stranger);
	add_addr(out, "latched", &s->f->latched);
	return RULE_FOUND;
}

/* ---- nothing comes ---- */

static const char *other_way(const struct suspect *s)
{
	return s->peer_is_received ? " The other direction works: one-way audio." : "";
}

static uint64_t sent(const struct suspect *s)
{
	return s->f->now.stats.packets_out;
}

static void add_silence(const struct suspect *s, struct finding *out)
{
	add_number(out, "packets_in", s->f->now.stats.packets_in);
	add_number(out, "packets_out", sent(s));
	add_number(out, "rtcp_in", s->f->now.stats.rtcp_in);
	add_number(out, "waited_ms", ago_ms(s, s->f->now.detail.expected_ns));
}

/* ICMP answers in place of the party:
 * after it was heard, between the samples, as a port may open late. */
static bool is_unreachable(const struct suspect *s, struct finding *out)
{
	const struct flow_stats *then = &s->f->before.stats, *now = &s->f->now.stats;
	uint32_t errors = now->icmp_errors - (now->last_in_ns ? then->icmp_errors : 0);
	const struct addr *at =
		s->f->latched.family != ADDR_NONE ? &s->f->latched : &s->f->expected;
	char to[ADDR_TEXT_MAX];

	if (!errors)
		return false;
	found(out, FINDING_PORT_UNREACHABLE, s,
	      "What we send to %s of leg %c comes back as ICMP errors: nobody listens there, or "
	      "no way leads there.%s",
	      addr_text(at, to), s->who, other_way(s));
	add_silence(s, out);
	add_number(out, "icmp_errors", errors);
	return true;
}

static enum answer_of_rule never_came(const struct suspect *s, struct finding *out)
{
	char to[ADDR_TEXT_MAX];

	(void)addr_text(&s->f->expected, to);
	if (s->f->now.stats.ice == ICE_CONNECTED)
		found(out, FINDING_PARTY_SENDS_NOTHING, s,
		      "The party of leg %c lives, for its ICE checks come, but it sends no RTP.%s",
		      s->who, other_way(s));
	else if (s->f->now.stats.rtcp_in > 0)
		found(out, FINDING_PARTY_SENDS_NOTHING, s,
		      "The party of leg %c lives, for its RTCP comes, but it sends no RTP.%s",
		      s->who, other_way(s));
	else if (names_rewritten_address(s->f))
		(void)rewritten(s, out);
	else if (names_private_address(s->f, &s->f->sip_peer) && addr_is_private(&s->f->expected))
		(void)behind_nat(s, out, &s->f->sip_peer);
	else if (is_unreachable(s, out))
		return RULE_FOUND;
	else if (sent(s) > 0)
		found(out, FINDING_BLOCKED_PATH, s,
		      "We send to %s of leg %c, and nothing ever came from there: no RTP, no "
		      "RTCP.%s",
		      to, s->who, other_way(s));
	else
		found(out, FINDING_NO_RTP, s, "Nothing ever came from the party of leg %c.",
		      s->who);
	add_silence(s, out);
	return RULE_FOUND;
}

static enum answer_of_rule stopped(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	uint64_t silent_ms = ago_ms(s, s->f->now.stats.last_in_ns);
	bool lives = s->f->now.stats.rtcp_in > s->f->before.stats.rtcp_in ||
		     ago_ms(s, d->received_rtcp_ns) < ALIVE_MS;

	if (is_unreachable(s, out))
		return RULE_FOUND;
	found(out, FINDING_RTP_STOPPED, s, "The party of leg %c stopped sending %u.%u s ago%s.%s",
	      s->who, (unsigned)(silent_ms / 1000), (unsigned)(silent_ms % 1000 / 100),
	      lives ? ", though its RTCP goes on" : "", other_way(s));
	add_silence(s, out);
	add_number(out, "silent_ms", silent_ms);
	return RULE_FOUND;
}

/* Of lines other than audio and video: parties send at the beginning at least. */
static enum answer_of_rule never_spoke(const struct suspect *s, struct finding *out)
{
	char to[ADDR_TEXT_MAX];

	if (is_unreachable(s, out))
		return RULE_FOUND;
	found(out, sent(s) > 0 ? FINDING_BLOCKED_PATH : FINDING_NO_RTP, s,
	      "Nothing ever came from the party of leg %c, expected at %s, on its %s line.", s->who,
	      addr_text(&s->f->expected, to), s->f->facts.proto);
	add_silence(s, out);
	return RULE_FOUND;
}

/* Its packets come, and the other party cannot be sent to: they are not even measured. */
static bool is_stuck_here(const struct suspect *s)
{
	return fresh_drops(s, VERDICT_NO_DESTINATION) + fresh_drops(s, VERDICT_NO_CONSENT) >= SOME;
}

enum answer_of_rule rule_silence(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	uint64_t last_ns = s->f->now.stats.last_in_ns;

	if (s->packets_in > 0)
		return RULE_SILENT;
	if (is_stuck_here(s))
		return RULE_EXPLAINED;
	if (ago_ms(s, d->expected_ns) < PATIENCE_MS || ago_ms(s, last_ns) < PATIENCE_MS)
		return RULE_EXPLAINED;
	if (!media_kind_is_steady(s->f->kind))
		return last_ns ? RULE_EXPLAINED : never_spoke(s, out);
	return last_ns ? stopped(s, out) : never_came(s, out);
}

/* ---- the party is heard, but does it hear? ---- */

static enum answer_of_rule nowhere_to_send(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *now = &s->peer->now.detail, *then = &s->peer->before.detail;
	uint32_t drops = now->drops[VERDICT_NO_DESTINATION] - then->drops[VERDICT_NO_DESTINATION];

	if (drops < SOME)
		return RULE_SILENT;
	found(out, FINDING_NO_DESTINATION, s,
	      "The party of leg %c named no address that can be sent to.", s->who);
	add_number(out, "no_destination", drops);
	add_addr(out, "signalled", &s->f->facts.address);
	return RULE_FOUND;
}

enum answer_of_rule rule_outbound(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	const struct flow_stats *st = &s->f->now.stats;
	bool reports = ago_ms(s, d->reported_ns) < ALIVE_MS;

	if (s->peer && nowhere_to_send(s, out) == RULE_FOUND)
		return RULE_FOUND;
	if (!media_kind_is_steady(s->f->kind) || sent(s) < REPORT_PACKETS || st->rtcp_in < 2)
		return RULE_SILENT;
	if (d->reported_ns && (!reports || d->reported_loss < ALL_LOST))
		return RULE_SILENT;
	found(out, FINDING_NOTHING_RECEIVED, s,
	      "The party of leg %c is heard, but by its RTCP it gets nothing of ours.", s->who);
	add_number(out, "packets_out", st->packets_out);
	add_number(out, "rtcp_in", st->rtcp_in);
	add_number(out, "reported_loss_256", d->reported_loss);
	return RULE_FOUND;
}
