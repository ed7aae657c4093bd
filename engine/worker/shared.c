/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/shared.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/stun/stun.h"

int shared_open(struct shared *s, uint32_t slots, uint32_t ports, struct rand_source *r)
{
	uint32_t size = 16;

	assert(ports <= SHARED_PORTS_MAX);
	*s = (struct shared){ .count = ports, .first = slots };
	if (ports == 0)
		return 0;
	while (size < slots * 2)
		size *= 2;
	s->mask = size - 1;
	s->key = (struct hash_key){ rand_u64_from(r), rand_u64_from(r) };
	s->ufrags = calloc(size, sizeof(*s->ufrags));
	s->parties = calloc(size, sizeof(*s->parties));
	if (s->ufrags && s->parties)
		return 0;
	shared_close(s);
	return -ENOMEM;
}

void shared_close(struct shared *s)
{
	free(s->ufrags);
	free(s->parties);
	*s = (struct shared){ 0 };
}

/* ---- ports ---- */

static int shared_local_of(int fd, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return -errno;
	return addr_from_sockaddr(out, (const struct sockaddr *)&ss);
}

static uint8_t dscp_of(int fd, uint8_t family)
{
	bool v6 = family == ADDR_V6;
	socklen_t n = sizeof(int);
	int tos = 0;

	(void)getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, &n);
	return (uint8_t)(tos >> 2 & 0x3f);
}

int shared_port_add(struct worker *w, uint32_t port, int fd)
{
	struct shared *s = &w->transports.shared;
	const int fds[CHANNELS] = { fd, -1 };
	struct addr local;
	int err;

	if (port >= s->count)
		return -ERANGE;
	if (s->local[port].family != ADDR_NONE)
		return -EBUSY;
	err = shared_local_of(fd, &local);
	if (!err)
		err = w->port->ops->flow_add(w->port, s->first + port, fds);
	if (err)
		return err;
	s->local[port] = local;
	s->dscp[port] = dscp_of(fd, local.family);
	return 0;
}

int shared_port_find(const struct shared *s, const struct addr *local, uint8_t *port)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (s->local[i].family != ADDR_NONE && addr_eq(&s->local[i], local)) {
			*port = i;
			return 0;
		}
	}
	return -ENODEV;
}

/* ---- by ufrag ---- */

static struct flow_transport *transport_at(const struct worker *w, uint32_t slot)
{
	return &w->transports.list[slot];
}

static uint32_t *ufrag_chain(const struct shared *s, const char ufrag[ICE_UFRAG_LEN])
{
	return &s->ufrags[hash_sip(&s->key, bytes_mem(ufrag, ICE_UFRAG_LEN)) & s->mask];
}

void shared_ufrag_add(struct worker *w, const struct flow *f)
{
	struct flow_transport *t = transport_at(w, f->id.slot);
	uint32_t *head = ufrag_chain(&w->transports.shared, t->ice.ufrag);

	t->links.by_ufrag = *head;
	t->links.listed = 1;
	*head = f->id.slot + 1;
}

void shared_ufrag_del(struct worker *w, const struct flow *f)
{
	struct flow_transport *t = transport_at(w, f->id.slot);
	uint32_t *at = ufrag_chain(&w->transports.shared, t->ice.ufrag);

	if (!t->links.listed)
		return;
	while (*at != f->id.slot + 1) {
		assert(*at != 0);
		at = &transport_at(w, *at - 1)->links.by_ufrag;
	}
	*at = t->links.by_ufrag;
	t->links.listed = 0;
}

static struct flow *ufrag_find(const struct worker *w, uint8_t port, struct bytes username)
{
	const char *ufrag = (const char *)username.p;
	uint32_t at;

	if (username.n <= ICE_UFRAG_LEN || username.p[ICE_UFRAG_LEN] != ':')
		return NULL;
	for (at = *ufrag_chain(&w->transports.shared, ufrag); at;) {
		const struct flow_transport *t = transport_at(w, at - 1);

		if (t->links.port == port && memcmp(t->ice.ufrag, ufrag, ICE_UFRAG_LEN) == 0)
			return &w->flows.list[at - 1];
		at = t->links.by_ufrag;
	}
	return NULL;
}

/* ---- by party ---- */

static uint32_t *party_chain(const struct shared *s, uint8_t port, const struct addr *party)
{
	uint8_t in[sizeof(party->ip) + 7];

	memcpy(in, party->ip, sizeof(party->ip));
	be32_put(in + sizeof(party->ip), party->scope);
	be16_put(in + sizeof(party->ip) + 4, party->port);
	in[sizeof(party->ip) + 6] = port;
	return &s->parties[hash_sip(&s->key, bytes_mem(in, sizeof(in))) & s->mask];
}

static uint32_t *party_next(const struct worker *w, uint32_t at)
{
	return &transport_at(w, (at - 1) / ICE_PAIRS_MAX)->links.by_party[(at - 1) % ICE_PAIRS_MAX];
}

static const struct ice_pair *pair_at(const struct worker *w, uint32_t at)
{
	return &transport_at(w, (at - 1) / ICE_PAIRS_MAX)->ice.pairs[(at - 1) % ICE_PAIRS_MAX];
}

static uint32_t shared_entry_of(const struct worker *w, const struct flow *f,
				const struct ice_pair *pair)
{
	const struct flow_transport *t = transport_at(w, f->id.slot);

	return f->id.slot * ICE_PAIRS_MAX + (uint32_t)(pair - t->ice.pairs) + 1;
}

void shared_party_add(struct worker *w, const struct flow *f, const struct ice_pair *pair)
{
	uint8_t port = transport_at(w, f->id.slot)->links.port;
	uint32_t *head = party_chain(&w->transports.shared, port, &pair->party);
	uint32_t entry = shared_entry_of(w, f, pair);

	*party_next(w, entry) = *head;
	*head = entry;
}

void shared_party_del(struct worker *w, const struct flow *f, const struct ice_pair *pair)
{
	uint8_t port = transport_at(w, f->id.slot)->links.port;
	uint32_t *at = party_chain(&w->transports.shared, port, &pair->party);
	uint32_t entry = shared_entry_of(w, f, pair);

	while (*at != entry) {
		assert(*at != 0);
		at = party_next(w, *at);
	}
	*at = *party_next(w, entry);
}

struct flow *shared_party_find(const struct worker *w, uint8_t port, const struct addr *party)
{
	uint32_t at = *party_chain(&w->transports.shared, port, party);

	for (; at; at = *party_next(w, at)) {
		uint32_t slot = (at - 1) / ICE_PAIRS_MAX;

		if (transport_at(w, slot)->links.port == port &&
		    addr_eq(&pair_at(w, at)->party, party))
			return &w->flows.list[slot];
	}
	return NULL;
}

/* ---- packets ---- */

static struct flow *flow_for(const struct worker *w, const struct pkt *p, uint8_t port)
{
	struct bytes in = bytes_mem(p->data, p->length);

	if (datagram_classify(in) == DATAGRAM_STUN)
		return ufrag_find(w, port, stun_username(in));
	return shared_party_find(w, port, &p->from);
}

void shared_stage(struct worker *w, struct batch *b)
{
	const struct shared *s = &w->transports.shared;

	if (LIKELY(s->count == 0))
		return;
	BATCH_EACH(p, b)
	{
		const struct flow *f;

		if (p->slot < s->first)
			continue;
		f = flow_for(w, p, (uint8_t)(p->slot - s->first));
		p->slot = f ? f->id.slot : 0;
		if (!f)
			p->verdict = VERDICT_NO_FLOW;
	}
}
