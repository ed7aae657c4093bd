/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an address that a party named for SIP or media (destination.h), against SSRF-like misuse:
 * special and own addresses, reserved ports of the node, and hosts other than the source of the
 * party's signalling. Networks may permit special addresses for their trusted parties. Refused
 * addresses are counted and reported as misuse, except plain inner addresses of phones behind
 * NAT. */

#include <assert.h>

#include "sig/host/destination.h"
#include "sig/host/network.h"
#include "sig/host/security.h"
#include "sig/host/settings.h"

/* A phone that names its inner address, or nothing, means no harm. */
void place_misused(const struct call_host *h, const struct sip_hop *party,
		   enum destination_verdict verdict)
{
	if (h->metrics)
		sig_count_destination(h->metrics, verdict);
	if (h->security && verdict != DESTINATION_FOREIGN && verdict != DESTINATION_NONE)
		security_event(h->security, SECURITY_DESTINATION, &party->remote,
			       (struct bytes){ 0 }, destination_name(verdict), h->now.ns);
}

enum destination_verdict place_check(const struct call_host *h, const struct sip_hop *party,
				     const struct addr *to, bool elsewhere)
{
	struct destination d = { .to = to, .party = party, .elsewhere = elsewhere };
	enum destination_verdict verdict = destination_check(h->settings, h->ports, &d);

	if (verdict != DESTINATION_OK)
		place_misused(h, party, verdict);
	return verdict;
}

static const char *const g_verdict_names[DESTINATION_VERDICTS] = { [DESTINATION_OK] = "ok",
#define X(id, name) [DESTINATION_##id] = (name),
								   SIG_DESTINATIONS(X)
#undef X
};

const char *destination_name(enum destination_verdict verdict)
{
	assert(verdict < DESTINATION_VERDICTS);
	return g_verdict_names[verdict];
}

static bool addr_is_broadcast(const struct addr *a)
{
	static const uint8_t all[4] = { 0xff, 0xff, 0xff, 0xff };

	return a->family == ADDR_V4 && memcmp(a->ip, all, sizeof(all)) == 0;
}

/* 169.254.0.0/16, fe80::/10 */
static bool addr_is_link_local(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == ADDR_V6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool network_has(const struct shard_network *n, const struct addr *to)
{
	return addr_ip_eq(to, &n->media_bind) || addr_ip_eq(to, &n->media_advertise);
}

static bool is_own_address(const struct shard_settings *s, const struct addr *to)
{
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (network_has(&s->networks[i], to))
			return true;
	}
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (addr_ip_eq(to, &s->locals[i].bind) || addr_ip_eq(to, &s->locals[i].advertise))
			return true;
	}
	return false;
}

static bool is_media_port(const struct shard_network *n, const struct ports *ports,
			  const struct addr *to)
{
	if (!network_has(n, to))
		return false;
	return (n->webrtc_first && to->port >= n->webrtc_first && to->port <= n->webrtc_last) ||
	       (ports && ports_in_use(ports, to->port));
}

/* HTTP and Redis: a wildcard stands for each address of ours. */
static bool is_reserved(const struct shard_settings *s, const struct addr *to)
{
	for (uint32_t i = 0; i < s->reserved_count; i++) {
		const struct addr *r = &s->reserved[i];

		if (r->port == to->port &&
		    (addr_ip_eq(r, to) ||
		     (addr_is_any(r) && (addr_is_loopback(to) || is_own_address(s, to)))))
			return true;
	}
	return false;
}

bool destination_is_own_port(const struct shard_settings *s, const struct ports *ports,
			     const struct addr *to)
{
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (addr_eq(to, &s->locals[i].bind) || addr_eq(to, &s->locals[i].advertise))
			return true;
	}
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (is_media_port(&s->networks[i], ports ? &ports[i] : NULL, to))
			return true;
	}
	return is_reserved(s, to);
}

/* A network that stands on such an address is there for such parties. */
static uint8_t allowed_by(const struct shard_settings *s, const struct sip_hop *party)
{
	const struct shard_network *n;
	uint8_t allowed;

	if (party->local >= s->local_count)
		return 0;
	n = &s->networks[s->locals[party->local].network];
	allowed = n->allow;
	if (addr_is_loopback(&n->media_bind))
		allowed |= SHARD_ALLOW_LOOPBACK | SHARD_ALLOW_OWN;
	if (addr_is_link_local(&n->media_bind))
		allowed |= SHARD_ALLOW_LINK_LOCAL;
	return allowed;
}

/* Addresses that no host can have, whichever party names them. */
static enum destination_verdict check_kind(const struct addr *to)
{
	if (to->family == ADDR_NONE || to->port == 0)
		return DESTINATION_NONE;
	if (addr_is_any(to))
		return DESTINATION_UNSPECIFIED;
	if (addr_is_multicast(to))
		return DESTINATION_MULTICAST;
	return addr_is_broadcast(to) ? DESTINATION_BROADCAST : DESTINATION_OK;
}

static enum destination_verdict check_remote(const struct shard_settings *s,
					     const struct destination *d)
{
	uint8_t allowed = allowed_by(s, d->party);

	if (addr_is_loopback(d->to) && !(allowed & SHARD_ALLOW_LOOPBACK))
		return DESTINATION_LOOPBACK;
	if (addr_is_link_local(d->to) && !(allowed & SHARD_ALLOW_LINK_LOCAL))
		return DESTINATION_LINK_LOCAL;
	if (is_own_address(s, d->to) && !(allowed & SHARD_ALLOW_OWN))
		return DESTINATION_OWN_ADDRESS;
	return DESTINATION_OK;
}

enum destination_verdict destination_check(const struct shard_settings *s,
					   const struct ports *ports, const struct destination *d)
{
	enum destination_verdict kind = check_kind(d->to);

	if (kind != DESTINATION_OK || d->party->transport == SIP_INTER_SHARD) /* media of a shard */
		return kind;
	if (destination_is_own_port(s, ports, d->to))
		return DESTINATION_OWN_PORT;
	/* the kernel lets no other host send from an address of this one */
	if (addr_ip_eq(d->to, &d->party->remote))
		return DESTINATION_OK;
	return d->elsewhere ? check_remote(s, d) : DESTINATION_FOREIGN;
}
