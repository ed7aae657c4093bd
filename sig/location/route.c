/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of record to the hops of its phones (route.h): live bindings ordered by q-value
 * and age, one per phone with its other flows (RFC 5626 7), a single phone by GRUU (RFC 5627), and
 * the address of ours by which each is reached. Also parses the Path of a REGISTER (RFC 3327) into
 * a route. Pure. */

#include <errno.h>

#include "sig/dialog/dialog.h"
#include "sig/host/settings.h"
#include "sig/location/route.h"
#include "sig/sip/hop.h"
#include "sig/sip/lex.h"

static bool path_uri_ok(const struct sip_uri *uri)
{
	return (bytes_iis(uri->scheme, "sip") || bytes_iis(uri->scheme, "sips")) && uri->host.n;
}

static bool keeps_flow(const struct sip_uri *uri)
{
	struct bytes value;

	return sip_param(uri->params, "ob", &value);
}

/* RFC 5626 6 refers to the first URI. That of the proxy nearest to the phone is the last one, as
 * each is put before existing ones. */
int path_read(const struct sip_message *m, struct writer *w, bool *flow)
{
	struct sip_name_addr a;
	unsigned cursor = 0, n = 0;
	bool first = false, last = false;
	int got;

	while ((got = message_name_addr_next(m, "Path", &cursor, &a)) == 1) {
		if (!path_uri_ok(&a.uri))
			return -EBADMSG;
		if (n++ == PATH_HOPS_MAX)
			return -EMSGSIZE;
		last = keeps_flow(&a.uri);
		first |= n == 1 && last;
		writer_str(w, n > 1 ? ", <" : "<");
		writer_bytes(w, a.uri.all);
		writer_str(w, ">");
	}
	*flow = first || last;
	if (got < 0)
		return -EBADMSG;
	return w->overflow || w->n > PATH_TEXT_MAX ? -EMSGSIZE : 0;
}

bool path_is_route(struct bytes text)
{
	struct sip_name_addr a;
	struct bytes element;
	unsigned n = 0;

	if (text.n > PATH_TEXT_MAX)
		return false;
	while (lex_element(&text, &element)) {
		if (n++ == PATH_HOPS_MAX || sip_name_addr_parse(&a, element) ||
		    !path_uri_ok(&a.uri))
			return false;
	}
	return n != 0;
}

/* Reachable ones before lost ones; then the higher q; then the newer (RFC 3261 20.10). */
static bool is_before(const struct binding *a, const struct binding *b)
{
	bool lost = binding_is_lost(a);

	return lost != binding_is_lost(b) ? !lost : a->q > b->q;
}

static void insert(const struct binding **list, uint32_t n, const struct binding *b)
{
	while (n && is_before(b, list[n - 1])) {
		list[n] = list[n - 1];
		n--;
	}
	list[n] = b;
}

bool route_gruu_lives(const struct aor *aor, const struct gruu *gruu, uint64_t utc_ms)
{
	for (uint32_t i = 0; gruu->temporary && aor && i < aor->count; i++) {
		const struct binding *b = &aor->bindings[i];

		if (b->expires_utc_ms > utc_ms && gruu_is_of(gruu, text_bytes(&b->instance)) &&
		    gruu_is_of_run(gruu, text_bytes(&b->call_id)))
			return true;
	}
	return !gruu->temporary;
}

/* ---- by which address of ours ---- */

static bool route_is_tied(const struct binding *b)
{
	return b->hop.inbound || (b->nat && !b->path.n);
}

/* At the address where it registered: here, or through the node that has the address, which sends
 * datagrams for us. A phone on a WebSocket is here, whichever node has the networks. */
static bool route_reaches(const struct binding *b, const struct route_asker *asker)
{
	return sip_transport_is_web(b->hop.transport) ||
	       asker->networks >> asker->settings->locals[b->hop.local].network & 1 ||
	       (asker->settings->edges && b->hop.transport == SIP_UDP);
}

bool route_hop(const struct binding *b, const struct route_asker *asker, struct sip_hop *out)
{
	const struct shard_settings *set = asker->settings;
	uint32_t local = b->hop.local;

	*out = b->hop;
	if (local >= set->local_count)
		return false;
	if (hop_is_edge(b->hop.connection))
		return true; /* its node sends there */
	if (route_is_tied(b))
		return route_reaches(b, asker);
	return shard_local_is_own(set, local) || hop_local_for(out, set);
}

enum route_verdict route_bindings(const struct aor *aor, const struct gruu *gruu,
				  const struct route_asker *asker, const struct binding **out,
				  uint32_t cap, uint32_t *count)
{
	enum route_verdict verdict = ROUTE_NOT_REGISTERED;
	struct sip_hop hop;

	*count = 0;
	for (uint32_t i = aor ? aor->count : 0; i-- > 0 && *count < cap;) {
		const struct binding *b = &aor->bindings[i];

		if (gruu && gruu_is_one(gruu) && !gruu_is_of(gruu, text_bytes(&b->instance)))
			continue;
		/* a record may name a listening address that is no longer configured */
		if (b->expires_utc_ms <= asker->utc_ms)
			continue;
		if (!route_hop(b, asker, &hop)) {
			if ((binding_is_foreign(b) || hop.local < asker->settings->local_count) &&
			    verdict == ROUTE_NOT_REGISTERED)
				verdict = ROUTE_REMOTE;
			continue;
		}
		if (dialog_is_self(&b->hop.remote, asker->settings))
			verdict = ROUTE_LOOP;
		else
			insert(out, (*count)++, b);
	}
	return *count ? ROUTE_OK : verdict;
}

static bool is_same_instance(const struct binding *a, const struct binding *b)
{
	return a->instance.n && bytes_eq(text_bytes(&a->instance), text_bytes(&b->instance));
}

uint32_t route_phones(const struct binding **list, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t k = 0;

		while (k < n && !is_same_instance(list[k], list[i]))
			k++;
		if (k == n)
			list[n++] = list[i];
	}
	return n;
}

static bool is_of_flow(const struct binding *b, const struct route_flow *flow)
{
	return bytes_eq(text_bytes(&b->contact), flow->contact) &&
	       bytes_eq(text_bytes(&b->path), flow->path) &&
	       (flow->path.n || addr_eq(&b->hop.remote, flow->remote));
}

uint32_t route_other_flows(const struct binding **list, uint32_t count,
			   const struct route_flow *flow)
{
	const struct binding *of = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && !of; i++) {
		if (is_of_flow(list[i], flow))
			of = list[i];
	}
	for (uint32_t i = 0; i < count && of; i++) {
		if (list[i] != of && is_same_instance(of, list[i]))
			list[n++] = list[i];
	}
	return n;
}
