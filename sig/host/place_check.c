/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/place_check.h"

#include "sig/host/security.h"

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
