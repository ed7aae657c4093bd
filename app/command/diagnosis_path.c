/* SPDX-License-Identifier: Apache-2.0 */
/* Why packets of a party come from elsewhere, or not at all, and why it hears nothing. */
#include "app/command/diagnosis_rule.h"

enum {
	ALIVE_MS = 12000,    /* RTCP comes each 5 s, times 0.5 to 1.5 (RFC 3550 6.2) */
	HEARD_PACKETS = 300, /* sent to a party that could have reported on them */
	ALL_LOST = 250,      /* of 256 */
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

/* Phones write the same address in o=, c= and Contact. Where c= alone differs, and is none the party is seen at, somebody wrote it. */
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

/* ---- packets of somebody who is not believed ---- */

/* Nobody was believed since the address was signalled. */
static enum answer_of_rule never_believed(const struct suspect *s, struct finding *out)
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

static enum answer_of_rule no_longer_believed(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	bool same = addr_ip_eq(&d->stranger, &s->f->latched);
	char from[ADDR_TEXT_MAX], was[ADDR_TEXT_MAX];

	found(out, same ? FINDING_PORT_CHANGED : FINDING_ADDRESS_CHANGED, s,
	      "The packets of leg %c came from %s and now come from %s, without a re-INVITE that "
	      "says so.",
	      s->who, addr_text(&s->f->latched, was), addr_text(&d->stranger, from));
	add_number(out, "silent_ms", ago_ms(s, d->heard_ns));
	return RULE_FOUND;
}

enum answer_of_rule rule_strangers(const struct suspect *s, struct finding *out)
{
	uint32_t drops = fresh_drops(s, VERDICT_SOURCE_NOT_LATCHED);

	if (drops < SOME || s->packets_in > 0)
		return RULE_SILENT;
	if (address_is_known(&s->f->latched) && s->f->now.stats.packets_in > 0)
		(void)no_longer_believed(s, out);
	else
		(void)never_believed(s, out);
	add_number(out, "source_not_latched", drops);
	add_addr(out, "stranger", &s->f->now.detail.stranger);
	add_addr(out, "latched", &s->f->latched);
	return RULE_FOUND;
}

/* ---- nothing comes ---- */

static const char *other_way(const struct suspect *s)
{
	return s->peer_is_heard ? " The other direction works: one-way audio." : "";
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
		     ago_ms(s, d->heard_rtcp_ns) < ALIVE_MS;

	found(out, FINDING_RTP_STOPPED, s, "The party of leg %c stopped sending %u.%u s ago%s.%s",
	      s->who, (unsigned)(silent_ms / 1000), (unsigned)(silent_ms % 1000 / 100),
	      lives ? ", though its RTCP goes on" : "", other_way(s));
	add_silence(s, out);
	add_number(out, "silent_ms", silent_ms);
	return RULE_FOUND;
}

/* Of another line than audio and video: nobody need speak all the time, but each says something at its beginning. */
static enum answer_of_rule never_spoke(const struct suspect *s, struct finding *out)
{
	char to[ADDR_TEXT_MAX];

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
	if (!media_kind_is_steady(s->f->kind) || sent(s) < HEARD_PACKETS || st->rtcp_in < 2)
		return RULE_SILENT;
	if (d->reported_ns && (!reports || d->reported_loss < ALL_LOST))
		return RULE_SILENT;
	found(out, FINDING_HEARS_NOTHING, s,
	      "The party of leg %c is heard, but by its RTCP it gets nothing of ours.", s->who);
	add_number(out, "packets_out", st->packets_out);
	add_number(out, "rtcp_in", st->rtcp_in);
	add_number(out, "reported_loss_256", d->reported_loss);
	return RULE_FOUND;
}
