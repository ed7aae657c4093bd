/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport of WebRTC flows: ICE pairs per flow, how a selected pair becomes the latch of the
 * flow and of its bundle, consent (RFC 7675), and single-port mode, where one socket serves many
 * flows and a packet finds its flow by ufrag or by the party's proven address. Its tables are
 * chained by index in the transports themselves, so nothing is allocated when pairs change.
 * Ordinary flows have no transport and cost nothing.
 */

#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "engine/worker/bundle.h"
#include "engine/worker/feedback.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/latch.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/stun/stun.h"

static void shared_close(struct shared *s)
{
	free(s->ufrags);
	free(s->parties);
	*s = (struct shared){ 0 };
}

/* ports: at most SHARED_PORTS_MAX; with 0 no memory is taken. 0 or -ENOMEM. */
static int shared_open(struct shared *s, uint32_t slots, uint32_t ports, struct rand_source *r)
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
	if (w->port->ops->stamp)
		w->port->ops->stamp(w->port, s->first + port);
	s->local[port] = local;
	s->dscp[port] = dscp_of(fd, local.family);
	return 0;
}

/* 0 with *port, or -ENODEV. */
static int shared_port_find(const struct shared *s, const struct addr *local, uint8_t *port)
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

static void shared_ufrag_add(struct worker *w, const struct flow *f)
{
	struct flow_transport *t = transport_at(w, f->id.slot);
	uint32_t *head = ufrag_chain(&w->transports.shared, t->ice.ufrag);

	t->links.by_ufrag = *head;
	t->links.listed = 1;
	*head = f->id.slot + 1;
}

static void shared_ufrag_del(struct worker *w, const struct flow *f)
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

static void shared_party_add(struct worker *w, const struct flow *f, const struct ice_pair *pair)
{
	uint8_t port = transport_at(w, f->id.slot)->links.port;
	uint32_t *head = party_chain(&w->transports.shared, port, &pair->party);
	uint32_t entry = shared_entry_of(w, f, pair);

	*party_next(w, entry) = *head;
	*head = entry;
}

static void shared_party_del(struct worker *w, const struct flow *f, const struct ice_pair *pair)
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

/* The flow on this port with that proven address, or NULL. */
static struct flow *shared_party_find(const struct worker *w, uint8_t port,
				      const struct addr *party)
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

/* While checks come that often, another flow cannot take the address (RFC 7675 5.1: every 5 s). */
#define PARTY_KEPT_NS (ICE_CONSENT_NS / 2)

static void latch_follow(struct flow *f, enum channel c, const struct addr *to, uint64_t now_ns)
{
	struct latch *l = c == CHANNEL_RTP ? &f->latch_rtp : &f->latch_rtcp;

	if (addr_eq(&l->source, to))
		return;
	if (c == CHANNEL_RTP && l->source.family != ADDR_NONE)
		detail_leave_source(f, false, now_ns);
	l->source = *to;
	l->since_ns = now_ns;
	f->notice = 1;
}

void flow_pair_follow(struct flow *f, const struct ice *i, uint64_t now_ns)
{
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++) {
		struct addr to = ice_to(i, c);

		latch_follow(f, c, &to, now_ns);
	}
	f->notice |= f->stats.ice != i->state;
	f->stats.ice = i->state;
}

/* The owner and its bundle. */
static void flow_pairs_follow(struct worker *w, struct flow *owner, uint64_t now_ns)
{
	const struct flow_transport *t = worker_transport(w, owner);
	struct addr before = owner->latch_rtp.source;

	flow_pair_follow(owner, &t->ice, now_ns);
	if (!addr_eq(&before, &owner->latch_rtp.source))
		dtls_flow_pair(w, owner);
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			flow_pair_follow(f, &t->ice, now_ns);
	}
}

static void pair_drop(struct worker *w, struct flow *f, struct ice_pair *pair)
{
	if (flow_is_shared(f))
		shared_party_del(w, f, pair);
	ice_drop(&worker_transport(w, f)->ice, pair);
}

static void pairs_expire(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct ice_pair *pair;

	while ((pair = ice_expired(&worker_transport(w, f)->ice, now_ns)) != NULL)
		pair_drop(w, f, pair);
}

/* All of them. */
static void flow_pairs_drop(struct worker *w, struct flow *f)
{
	pairs_expire(w, f, UINT64_MAX);
}

/* A party's address goes to the flow it checks with now, unless the flow that has it is active. */
static bool party_claim(struct worker *w, struct flow *f, const struct addr *party, uint64_t now_ns)
{
	struct flow *other = shared_party_find(w, worker_transport(w, f)->links.port, party);
	struct ice_pair *pair;

	if (!other || other == f)
		return true;
	pair = ice_find(&worker_transport(w, other)->ice, CHANNEL_RTP, party);
	if (now_ns - pair->received_ns < PARTY_KEPT_NS)
		return false;
	pair_drop(w, other, pair);
	flow_pairs_follow(w, other, now_ns);
	return true;
}

bool flow_transport_checked(struct worker *w, struct flow *f, const struct pkt *p,
			    const struct ice_check *check, uint64_t now_ns)
{
	struct ice *i = &worker_transport(w, f)->ice;
	enum channel c = (enum channel)p->channel;
	struct ice_pair *pair = ice_find(i, c, &p->from);
	bool is_new = !pair;

	if (is_new) {
		if (flow_is_shared(f) && !party_claim(w, f, &p->from, now_ns))
			return false;
		pair = ice_place(i);
		if (pair->party.family != ADDR_NONE)
			pair_drop(w, f, pair);
	}
	ice_checked(i, pair, c, &p->from, check, now_ns);
	if (is_new && flow_is_shared(f))
		shared_party_add(w, f, pair);
	pairs_expire(w, f, now_ns);
	flow_pairs_follow(w, f, now_ns);
	return true;
}

void flow_transport_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	pairs_expire(w, f, now_ns);
	flow_pairs_follow(w, f, now_ns);
}

/* The previous process's pair; not if another flow has that address on the same port. */
static void flow_pair_restore(struct worker *w, struct flow *f, enum channel c,
			      const struct addr *party)
{
	struct flow_transport *t = worker_transport(w, f);
	struct ice_pair *pair;

	if (party->family == ADDR_NONE ||
	    (flow_is_shared(f) && shared_party_find(w, t->links.port, party)))
		return;
	pair = ice_restore(&t->ice, c, party, w->now_ns);
	if (flow_is_shared(f))
		shared_party_add(w, f, pair);
}

void flow_mark_start(struct worker *w, struct flow *f, const struct flow *owner)
{
	const struct shared *s = &w->transports.shared;
	uint8_t port = worker_transport(w, owner)->links.port, dscp = owner->dscp;

	f->out_slot = owner->id.slot;
	if (owner->transport & TRANSPORT_SHARED) {
		f->out_slot = s->first + port;
		dscp = s->dscp[port];
	}
	if (f->dscp == dscp ||
	    w->port->ops->send_over(w->port, f->id.slot, f->out_slot, f->dscp) != 0)
		return;
	f->out_slot = f->id.slot;
	f->marked = 1;
}

void flow_mark_end(struct worker *w, struct flow *f)
{
	uint32_t own = f->id.slot;

	f->out_slot = own;
	if (f->marked && w->port->ops->send_over(w->port, own, own, f->dscp) == 0)
		f->marked = 0;
}

int flow_transports_open(struct flow_transports *t, uint32_t capacity, uint32_t shared_ports,
			 struct rand_source *r)
{
	size_t n = (size_t)capacity * sizeof(*t->list);
	void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*t = (struct flow_transports){ .capacity = capacity };
	if (memory == MAP_FAILED)
		return -ENOMEM;
	t->list = memory;
	return shared_open(&t->shared, capacity, shared_ports, r);
}

void flow_transports_close(struct flow_transports *t)
{
	if (t->list)
		(void)munmap(t->list, (size_t)t->capacity * sizeof(*t->list));
	shared_close(&t->shared);
	*t = (struct flow_transports){ 0 };
}

void flow_transport_report(const struct worker *w, const struct flow *f, struct media_event *out)
{
	const struct flow *owner = worker_owner(w, f);
	const struct ice *i;

	if (!owner)
		return;
	out->stats.dtls = owner->dtls->state;
	out->detail.handshake_failure = owner->dtls->failure;
	if (!(owner->transport & TRANSPORT_ICE))
		return;
	i = &worker_transport(w, owner)->ice;
	out->detail.checks = i->checks;
	out->detail.checks_key = i->checks_key;
	out->detail.checks_name = i->checks_name;
	out->detail.checked_ns = i->checked_ns;
}

static uint8_t transport_flags(const struct flow_spec *spec)
{
	uint8_t flags = spec->shared_port ? TRANSPORT_SHARED : 0;

	if (spec->bundle.generation != 0)
		flags |= TRANSPORT_BUNDLED;
	else if (spec->ice.on)
		flags |= TRANSPORT_ICE;
	return flags & TRANSPORT_PAIRS && spec->cc_extension ? flags | TRANSPORT_CC : flags;
}

static void extensions_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct flow_transport *t = worker_transport(w, f);
	const struct flow *owner = worker_owner(w, f);

	assert(spec->mid_length <= MID_MAX);
	t->cc_extension = spec->cc_extension;
	if (owner && owner->transport & TRANSPORT_ICE && f->transport & TRANSPORT_CC)
		feedback_open(w, owner);
	t->mid_extension = spec->mid_extension;
	t->mid_length = spec->mid_length;
	memcpy(t->mid, spec->mid, sizeof(t->mid));
}

static int flow_shared_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct shared *s = &w->transports.shared;
	struct flow_transport *t = worker_transport(w, f);

	if (!flow_is_shared(f))
		return 0;
	if (shared_port_find(s, &spec->local_rtp, &t->links.port))
		return -ENODEV;
	flow_mark_start(w, f, f);
	return 0;
}

static void flow_ice_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct flow_transport *t = worker_transport(w, f);

	ice_open(&t->ice, &spec->ice);
	if (flow_is_shared(f))
		shared_ufrag_add(w, f);
}

/* Nothing of the transport is left but its flags. */
static void flow_transport_end(struct worker *w, struct flow *f)
{
	struct flow_transport *t = worker_transport(w, f);

	if (f->transport & TRANSPORT_BUNDLED)
		flow_bundle_leave(w, f);
	if (f->transport & TRANSPORT_ICE) {
		flow_bundle_end(w, f);
		flow_pairs_drop(w, f);
		if (flow_is_shared(f))
			shared_ufrag_del(w, f);
	}
	flow_mark_end(w, f);
	feedback_close(w, f);
	w->transports.count -= f->transport != 0;
	w->transports.bundled -= (f->transport & TRANSPORT_BUNDLED) != 0;
	OPENSSL_cleanse(t, sizeof(*t));
}

static int flow_transport_start(struct worker *w, struct flow *f, const struct flow_spec *spec,
				uint8_t flags)
{
	int err;

	f->transport = flags;
	f->out_slot = f->id.slot;
	f->stats.ice = flags & TRANSPORT_ICE ? ICE_CHECKING : ICE_OFF;
	if (flags == 0)
		return 0;
	w->transports.count++;
	w->transports.bundled += (flags & TRANSPORT_BUNDLED) != 0;
	if (flags & TRANSPORT_PAIRS)
		f->latch_rtp.source = f->latch_rtcp.source = (struct addr){ 0 };
	err = flags & TRANSPORT_BUNDLED ? flow_bundle_join(w, f, spec->bundle)
					: flow_shared_open(w, f, spec);
	extensions_set(w, f, spec);
	if (flags & TRANSPORT_ICE)
		flow_ice_open(w, f, spec);
	return err;
}

int flow_transport_open(struct worker *w, struct flow *f, const struct flow_spec *spec, bool bare)
{
	uint8_t flags = transport_flags(spec);
	int err;

	if (bare && (flags & TRANSPORT_BUNDLED))
		flags |= TRANSPORT_BARE;
	err = flow_transport_start(w, f, spec, flags);
	if (err) {
		flow_transport_end(w, f);
		f->transport = 0;
		return err;
	}
	if (!(flags & TRANSPORT_ICE))
		return 0;
	flow_pair_restore(w, f, CHANNEL_RTP, &spec->resume.source_rtp);
	if (!f->rtcp_mux)
		flow_pair_restore(w, f, CHANNEL_RTCP, &spec->resume.source_rtcp);
	flow_pairs_follow(w, f, w->now_ns);
	f->notice = 0; /* the record has it */
	return 0;
}

static void ice_change(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	if (flow_is_shared(f))
		shared_ufrag_del(w, f);
	ice_update(&worker_transport(w, f)->ice, &spec->ice);
	if (flow_is_shared(f))
		shared_ufrag_add(w, f);
}

static void latches_forget(struct flow *f)
{
	latch_forget(f, CHANNEL_RTP);
	latch_forget(f, CHANNEL_RTCP);
}

int flow_transport_update(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	uint8_t kept = TRANSPORT_BARE | TRANSPORT_SHARED; /* sockets are for life */
	uint8_t flags = (transport_flags(spec) & (uint8_t)~kept) | (f->transport & kept);
	struct flow_transport *t = worker_transport(w, f);
	uint8_t roles = TRANSPORT_PAIRS;

	if ((f->transport & roles) != (flags & roles) ||
	    ((flags & TRANSPORT_BUNDLED) && !flow_id_eq(t->owner, spec->bundle))) {
		flow_transport_end(w, f);
		if (!(flags & TRANSPORT_PAIRS))
			latches_forget(f);
		return flow_transport_start(w, f, spec, flags);
	}
	w->transports.count += (flags != 0) - (f->transport != 0);
	f->transport = flags;
	if (flags == 0)
		return 0;
	extensions_set(w, f, spec);
	ice_change(w, f, spec);
	return 0;
}

void flow_transport_close(struct worker *w, struct flow *f)
{
	if (w->transports.bundled > 0)
		flow_bundle_end(w, f);
	if (f->transport != 0)
		flow_transport_end(w, f);
	f->transport = 0;
}
