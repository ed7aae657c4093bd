/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICE-lite (RFC 8445 2.5, 8) of one transport: a small table of validated pairs, which one is
 * selected by the party's nominations, and when consent ends (RFC 7675). Parsing and answering
 * checks is demux.c's, and flow_transport.c makes the selected pair a flow's latch. Pairs of an
 * earlier session survive an ICE restart until a new one is nominated (RFC 8445 9).
 */

#include "engine/ice/ice.h"

#include <assert.h>
#include <string.h>

static bool is_used(const struct ice_pair *p)
{
	return p->party.family != ADDR_NONE;
}

static struct ice_pair *selected_of(struct ice *i, enum channel c)
{
	return i->selected[c] == ICE_NO_PAIR ? NULL : &i->pairs[i->selected[c]];
}

static void select_pair(struct ice *i, enum channel c, const struct ice_pair *p)
{
	i->selected[c] = p ? (uint8_t)(p - i->pairs) : (uint8_t)ICE_NO_PAIR;
	if (i->selected[CHANNEL_RTP] != ICE_NO_PAIR)
		i->state = ICE_CONNECTED;
	else if (i->state == ICE_CONNECTED)
		i->state = ICE_LOST;
}

static void credentials_set(struct ice *i, const struct media_ice *credentials)
{
	memcpy(i->ufrag, credentials->ufrag, sizeof(i->ufrag));
	memcpy(i->pwd, credentials->pwd, sizeof(i->pwd));
}

void ice_open(struct ice *i, const struct media_ice *credentials)
{
	*i = (struct ice){ .state = ICE_CHECKING, .selected = { ICE_NO_PAIR, ICE_NO_PAIR } };
	credentials_set(i, credentials);
}

void ice_update(struct ice *i, const struct media_ice *credentials)
{
	if (memcmp(i->ufrag, credentials->ufrag, sizeof(i->ufrag)) == 0 &&
	    bytes_eq_secret(bytes_mem(i->pwd, sizeof(i->pwd)),
			    bytes_mem(credentials->pwd, sizeof(credentials->pwd))))
		return;
	credentials_set(i, credentials);
	i->session++;
}

struct ice_pair *ice_find(struct ice *i, enum channel c, const struct addr *party)
{
	for (struct ice_pair *p = i->pairs; p < i->pairs + ICE_PAIRS_MAX; p++)
		if (addr_eq(&p->party, party) && p->channel == c && is_used(p))
			return p;
	return NULL;
}

struct ice_pair *ice_place(struct ice *i)
{
	struct ice_pair *place = NULL;

	for (struct ice_pair *p = i->pairs; p < i->pairs + ICE_PAIRS_MAX; p++) {
		if (!is_used(p))
			return p;
		if (p != selected_of(i, (enum channel)p->channel) &&
		    (!place || p->received_ns < place->received_ns))
			place = p;
	}
	assert(place); /* there are more places than channels */
	return place;
}

static void pair_init(struct ice *i, struct ice_pair *p, enum channel c, const struct addr *party)
{
	*p = (struct ice_pair){
		.party = *party, .channel = (uint8_t)c, .session = i->session, .age = i->validated++
	};
}

struct ice_pair *ice_restore(struct ice *i, enum channel c, const struct addr *party,
			     uint64_t now_ns)
{
	struct ice_pair *p = ice_place(i);

	pair_init(i, p, c, party);
	p->received_ns = now_ns;
	p->nominated_ns = 1; /* it was, and whatever is nominated now is later */
	select_pair(i, c, p);
	return p;
}

uint64_t ice_consent_ns(const struct ice *i, enum channel c)
{
	return i->selected[c] == ICE_NO_PAIR ? 0 : i->pairs[i->selected[c]].received_ns;
}

void ice_consent_keep(struct ice *i, enum channel c, uint64_t received_ns)
{
	if (i->selected[c] != ICE_NO_PAIR && received_ns != 0)
		i->pairs[i->selected[c]].received_ns = received_ns;
}

/* Whether this nomination may replace the one before. */
static bool nomination_replaces(const struct ice *i, const struct ice_pair *p,
				const struct ice_pair *before, uint64_t now_ns)
{
	return !before || before->nominated_ns == 0 || before->session != i->session ||
	       p->priority >= before->priority ||
	       now_ns - before->nominated_ns >= ICE_NOMINATION_NS;
}

void ice_checked(struct ice *i, struct ice_pair *p, enum channel c, const struct addr *party,
		 const struct ice_check *check, uint64_t now_ns)
{
	struct ice_pair *before = selected_of(i, c);

	if (!addr_eq(&p->party, party) || p->channel != c)
		pair_init(i, p, c, party);
	i->checks++;
	i->checked_ns = now_ns;
	p->received_ns = now_ns;
	p->priority = check->priority;
	if (p->session != i->session)
		p->nominated_ns = 0;
	p->session = i->session;
	if (check->nominates && nomination_replaces(i, p, before, now_ns))
		select_pair(i, c, p);
	else if (!before)
		select_pair(i, c, p);
	if (check->nominates)
		p->nominated_ns = now_ns;
}

/* After a restart the earlier pairs are useless once one of the new ones was nominated. */
static bool is_of_before(const struct ice *i, const struct ice_pair *p)
{
	const struct ice_pair *selected;

	if (i->selected[p->channel] == ICE_NO_PAIR)
		return false;
	selected = &i->pairs[i->selected[p->channel]];
	return p->session != i->session && selected->session == i->session &&
	       selected->nominated_ns > 0;
}

struct ice_pair *ice_expired(struct ice *i, uint64_t now_ns)
{
	for (struct ice_pair *p = i->pairs; p < i->pairs + ICE_PAIRS_MAX; p++)
		if (is_used(p) && (now_ns - p->received_ns >= ICE_CONSENT_NS || is_of_before(i, p)))
			return p;
	return NULL;
}

/* In place of one that is lost: what the party nominated last, else what was validated first. */
static bool pair_is_better(const struct ice_pair *p, const struct ice_pair *than)
{
	if (!than)
		return true;
	if (p->nominated_ns != than->nominated_ns)
		return p->nominated_ns > than->nominated_ns;
	return p->age < than->age;
}

void ice_drop(struct ice *i, struct ice_pair *pair)
{
	enum channel c = (enum channel)pair->channel;
	const struct ice_pair *best = NULL;
	bool was_selected = selected_of(i, c) == pair;

	*pair = (struct ice_pair){ 0 };
	if (!was_selected)
		return;
	for (const struct ice_pair *p = i->pairs; p < i->pairs + ICE_PAIRS_MAX; p++)
		if (is_used(p) && p->channel == c && pair_is_better(p, best))
			best = p;
	select_pair(i, c, best);
}

struct addr ice_to(const struct ice *i, enum channel c)
{
	return i->selected[c] == ICE_NO_PAIR ? (struct addr){ 0 } : i->pairs[i->selected[c]].party;
}
