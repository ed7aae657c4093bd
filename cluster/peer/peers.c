/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP socket between nodes: HELLO every second part of a lease, items of claims.c batched into
 * sealed datagrams, and each received datagram judged by its line. app/node/claimant.c owns it.
 * Every datagram without effect is counted by its reason (enum peers_refusal); an unproven sender
 * is answered at most every 20 ms, so nobody can use a node as an amplifier. The standings of
 * peers.h are kept here too.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "cluster/peer/peers.h"

static bool standing_lasts(uint64_t received_ns, uint64_t now_ns)
{
	return received_ns && now_ns <= received_ns + STANDING_LAST_NS;
}

/* More nodes than can be heard at once: the one that was silent for longest is forgotten. */
static struct standing *standing_place(struct standings *s, uint64_t id)
{
	struct standing *oldest = s->list;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->list[i].id == id)
			return &s->list[i];
		if (s->list[i].received_ns < oldest->received_ns)
			oldest = &s->list[i];
	}
	return s->count < STANDINGS_MAX ? &s->list[s->count++] : oldest;
}

/* NULL: no node has so many. */
static struct standing_shard *standing_shard_ensure(struct standing *s, uint16_t number)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->shards[i].number == number)
			return &s->shards[i];
	}
	if (s->count == STANDING_SHARDS_MAX)
		return NULL;
	s->shards[s->count] = (struct standing_shard){ .number = number };
	return &s->shards[s->count++];
}

bool standings_on_item(struct standings *s, const struct peer_item *item, uint64_t from,
		       uint64_t process, uint64_t now_ns)
{
	struct standing_shard *shard;
	struct standing *of;

	if (item->kind != PEER_HOME && item->kind != PEER_RUNS && item->kind != PEER_DRAINS)
		return false;
	of = standing_place(s, from);
	if (of->id != from || of->process != process)
		*of = (struct standing){ .id = from, .process = process };
	of->received_ns = now_ns;
	if (item->kind == PEER_DRAINS) {
		of->drains_ns = now_ns;
		return true;
	}
	shard = standing_shard_ensure(of, item->shard);
	if (shard && item->kind == PEER_HOME)
		shard->home = true;
	else if (shard)
		shard->runs_ns = now_ns;
	return true;
}

const struct standing *standings_of(const struct standings *s, uint64_t id, uint64_t process)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct standing *of = &s->list[i];

		for (uint32_t k = 0; of->id == id && of->process == process && k < of->count; k++) {
			if (of->shards[k].home)
				return of;
		}
	}
	return NULL;
}

bool standing_drains(const struct standing *s, uint64_t now_ns)
{
	return standing_lasts(s->drains_ns, now_ns);
}

static const struct standing_shard *standing_find(const struct standing *s, uint16_t shard)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->shards[i].number == shard)
			return &s->shards[i];
	}
	return NULL;
}

bool standing_is_home(const struct standing *s, uint16_t shard)
{
	const struct standing_shard *found = standing_find(s, shard);

	return found && found->home;
}

uint64_t standing_runs(const struct standing *s, uint16_t shard, uint64_t now_ns)
{
	const struct standing_shard *found = standing_find(s, shard);

	return found && standing_lasts(found->runs_ns, now_ns) ? found->runs_ns : 0;
}

#define HELLO_NS       (500 * NS_PER_MS)
#define PEER_ANSWER_NS (20 * NS_PER_MS) /* between two answers to one node */

enum { DATAGRAMS_A_ROUND = 128, FRESH_LENGTHS = 3 };

struct peer {
	struct peer_line line;
	struct addr address;
	uint64_t received_ns; /* 0: never, or its process is gone */
	uint64_t answered_ns;
	bool heard, leaving;
	uint8_t items[PEER_ITEMS_MAX];
	struct writer said; /* into items: not sent yet */
};

struct peers {
	struct peer_self self;
	struct addr address;
	uint64_t hello_every_ns, hello_ns;
	bool leaving;
	bool stranger; /* see peers_stranger */
	int fd;
	struct peer list[PEERS_MAX];
	uint32_t count;
	struct peers_counts counts;
	peers_item_fn *on_item;
	peers_heard_fn *on_alive;
	void *arg;
};

static struct peer *peer_find(struct peers *p, uint64_t id)
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (p->list[i].line.id == id)
			return &p->list[i];
	}
	return NULL;
}

/* ---- to others ---- */

static void peer_send(struct peers *p, const struct peer *to, const uint8_t *packet, size_t n)
{
	struct sockaddr_storage sa;
	socklen_t sa_n = addr_to_sockaddr(&to->address, &sa);

	/* whatever is wrong with the network: it is said again */
	if (sendto(p->fd, packet, n, MSG_DONTWAIT, (const struct sockaddr *)&sa, sa_n) ==
	    (ssize_t)n)
		p->counts.sent++;
	else
		p->counts.unsent++;
}

static void peer_write(struct peers *p, struct peer *to, const struct peer_echo *answer,
		       struct bytes items, uint64_t now_ns)
{
	uint8_t packet[PEER_PACKET_MAX];
	size_t n;

	if (peer_line_write(&to->line, &p->self, answer, items, now_ns, packet, &n))
		p->counts.unsent++;
	else
		peer_send(p, to, packet, n);
}

static void peer_flush(struct peers *p, struct peer *to, uint64_t now_ns)
{
	if (to->said.n)
		peer_write(p, to, NULL, writer_done(&to->said), now_ns);
	to->said = writer_over(to->items, sizeof(to->items));
}

static void peer_queue(struct peers *p, struct peer *to, const struct peer_item *item)
{
	bool fits = peer_item_write(&to->said, item);

	if (fits)
		return;
	peer_flush(p, to, clock_now_ns());
	fits = peer_item_write(&to->said, item);
	assert(fits);
}

void peers_queue(struct peers *p, uint64_t to, const struct peer_item *item)
{
	struct peer *peer = peer_find(p, to);

	if (peer)
		peer_queue(p, peer, item);
}

void peers_flush(struct peers *p, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->count; i++)
		peer_flush(p, &p->list[i], now_ns);
}

static struct peer_item peers_hello(const struct peers *p)
{
	return (struct peer_item){ .kind = p->leaving ? PEER_LEAVING : PEER_HELLO };
}

/* A node that does not know yet what to bring back can say nothing that counts. */
static void peer_answer(struct peers *p, struct peer *to, const struct peer_echo *answer,
			uint64_t now_ns)
{
	struct peer_item hello = peers_hello(p);
	uint8_t octets[PEER_ITEM_MAX];
	struct writer w = writer_over(octets, sizeof(octets));

	if (to->answered_ns && now_ns - to->answered_ns < PEER_ANSWER_NS)
		return;
	to->answered_ns = now_ns;
	if (peer_item_write(&w, &hello))
		peer_write(p, to, answer, writer_done(&w), now_ns);
}

/* ---- from others ---- */

static void peer_on_datagram(struct peers *p, struct peer *from, uint64_t now_ns)
{
	from->received_ns = now_ns;
	if (from->heard)
		return;
	from->heard = true;
	p->on_alive(from->line.id, true, p->arg);
}

static void peer_unheard(struct peers *p, struct peer *from)
{
	if (!from->heard)
		return;
	from->heard = false;
	p->on_alive(from->line.id, false, p->arg);
}

static void peer_on_item(struct peers *p, struct peer *from, bool notice,
			 const struct peer_item *item)
{
	if (notice && item->kind != PEER_DEAD) {
		p->counts.refused[PEERS_MALFORMED]++;
		return;
	}
	if (item->kind == PEER_HELLO || item->kind == PEER_LEAVING)
		from->leaving = item->kind == PEER_LEAVING;
	else
		p->on_item(item, notice ? 0 : from->line.id, p->arg);
}

/* A datagram with a malformed item counts for nothing as a whole. */
static void peer_on_items(struct peers *p, struct peer *from, const struct peer_read *read)
{
	struct bytes rest = read->items;
	struct peer_item item;
	int err = 0;

	while (rest.n && err != -EBADMSG)
		err = peer_item_read(&rest, &item);
	if (err == -EBADMSG) {
		p->counts.refused[PEERS_MALFORMED]++;
		return;
	}
	for (rest = read->items; rest.n;) {
		if (!peer_item_read(&rest, &item))
			peer_on_item(p, from, read->verdict == PEER_GONE, &item);
	}
}

static void peer_gone(struct peers *p, struct peer *from, uint64_t incarnation)
{
	if (incarnation != from->line.incarnation)
		return;
	from->received_ns = 0;
	peer_unheard(p, from);
}

static void peer_on_verdict(struct peers *p, struct peer *from, const struct peer_read *read,
			    uint64_t now_ns)
{
	static const enum peers_refusal refusals[PEER_VERDICTS] = {
		[PEER_UNPROVEN] = PEERS_UNPROVEN,   [PEER_STALE] = PEERS_STALE,
		[PEER_REPEATED] = PEERS_REPEATED,   [PEER_FORGED] = PEERS_FORGED,
		[PEER_NO_MEMORY] = PEERS_NO_MEMORY,
	};

	if (read->verdict == PEER_TRUE) {
		peer_on_datagram(p, from, now_ns);
		peer_on_items(p, from, read);
	} else if (read->verdict == PEER_GONE) {
		peer_gone(p, from, read->incarnation);
		peer_on_items(p, from, read);
	} else {
		p->counts.refused[refusals[read->verdict]]++;
		if (read->verdict == PEER_UNPROVEN || read->verdict == PEER_STALE)
			peer_answer(p, from, &read->answer, now_ns);
	}
}

static void peers_on_datagram(struct peers *p, struct bytes packet, uint64_t now_ns)
{
	struct peer_head head;
	struct peer_read read;
	int err = peer_head_read(&head, packet);
	struct peer *from = err ? NULL : peer_find(p, head.from);

	p->counts.received++;
	if (err) {
		p->counts.refused[err == -EPROTONOSUPPORT ? PEERS_VERSION : PEERS_MALFORMED]++;
		return;
	}
	if (!from || head.to != p->self.id) {
		p->counts.refused[PEERS_STRANGER]++;
		p->stranger |= head.to == p->self.id;
		return;
	}
	peer_line_read(&from->line, &p->self, &head, packet, now_ns, &read);
	peer_on_verdict(p, from, &read, now_ns);
	OPENSSL_cleanse(read.plain, sizeof(read.plain));
}

static void peers_on_fd(int fd, unsigned events, void *arg)
{
	uint8_t packet[PEER_PACKET_MAX + 1]; /* longer ones are not ours */
	struct peers *p = arg;

	(void)events;
	for (uint32_t i = 0; i < DATAGRAMS_A_ROUND; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n >= 0) /* else a port was closed somewhere */
			peers_on_datagram(p, bytes_mem(packet, (size_t)n), clock_now_ns());
	}
}

/* ---- who is there ---- */

int peers_know(struct peers *p, uint64_t id, const struct addr *address)
{
	struct peer *peer = peer_find(p, id);

	if (!id || id == p->self.id)
		return 0;
	if (!peer && p->count == PEERS_MAX)
		return -ENOSPC;
	if (!peer) {
		peer = &p->list[p->count++];
		memset(peer, 0, sizeof(*peer));
		peer_line_open(&peer->line, &p->self, id);
		peer->said = writer_over(peer->items, sizeof(peer->items));
		p->hello_ns = 0;
	}
	peer->address = *address;
	return 0;
}

void peers_forget(struct peers *p, uint64_t id)
{
	struct peer *peer = peer_find(p, id), *last;

	if (!peer)
		return;
	last = &p->list[p->count - 1];
	peer_unheard(p, peer);
	peer_line_close(&peer->line, &p->self);
	if (peer != last) {
		*peer = *last;
		peer->said.p = peer->items;
	}
	OPENSSL_cleanse(last, sizeof(*last));
	p->count--;
}

bool peers_stranger(struct peers *p)
{
	bool stranger = p->stranger;

	p->stranger = false;
	return stranger;
}

/* Sent now: a process that ends has no further beat. */
void peers_leave(struct peers *p, uint64_t now_ns)
{
	p->leaving = true;
	p->hello_ns = 0;
	peers_beat(p, now_ns);
}

void peers_beat(struct peers *p, uint64_t now_ns)
{
	struct peer_item hello = peers_hello(p);
	bool due = now_ns >= p->hello_ns;

	for (uint32_t i = 0; i < p->count; i++) {
		struct peer *peer = &p->list[i];

		if (now_ns > peer->received_ns + MEMBER_UNHEARD_NS)
			peer_unheard(p, peer);
		if (due)
			peer_queue(p, peer, &hello);
	}
	if (due)
		p->hello_ns = now_ns + p->hello_every_ns;
	peers_flush(p, now_ns);
}

uint64_t peers_next_ns(const struct peers *p)
{
	return p->hello_ns;
}

uint32_t peers_members(const struct peers *p, struct member out[PEERS_MAX])
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct peer *peer = &p->list[i];

		out[i] = (struct member){ peer->line.id, peer->received_ns, peer->leaving };
	}
	return p->count;
}

int peers_gone(struct peers *p, uint64_t to, struct bytes items, struct addr *address,
	       uint8_t out[PEER_PACKET_MAX], size_t *n)
{
	struct peer *peer = peer_find(p, to);

	if (!peer)
		return -ENOENT;
	*address = peer->address;
	return peer_line_gone(&peer->line, &p->self, items, out, n);
}

uint64_t peers_process(const struct peers *p, uint64_t id, struct addr *address)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct peer *peer = &p->list[i];

		if (peer->line.id != id || !peer->heard)
			continue;
		*address = peer->address;
		return peer->line.incarnation;
	}
	return 0;
}

const struct peers_counts *peers_counts(const struct peers *p)
{
	return &p->counts;
}

/* ---- the socket ---- */

static int peers_bind(struct peers *p, const struct addr *listen)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(listen, &sa);

	p->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, (const struct sockaddr *)&sa, n) < 0)
		return -errno;
	n = sizeof(sa);
	if (getsockname(p->fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(&p->address, (const struct sockaddr *)&sa);
}

int peers_open(struct peers **out, const struct peers_settings *s, peers_item_fn *on_item,
	       peers_heard_fn *on_alive, void *arg)
{
	uint64_t third_ns = s->lease_ns / 3;
	struct peers *p = calloc(1, sizeof(*p));
	int err;

	assert(s->id && s->incarnation && s->lease_ns);
	if (!p)
		return -ENOMEM;
	p->self = (struct peer_self){ .id = s->id,
				      .incarnation = s->incarnation,
				      .fresh_ns = FRESH_LENGTHS * s->lease_ns,
				      .rand = s->rand };
	memcpy(p->self.key, s->key, sizeof(p->self.key));
	p->hello_every_ns = third_ns < HELLO_NS ? third_ns : HELLO_NS;
	p->on_item = on_item;
	p->on_alive = on_alive;
	p->arg = arg;
	err = peers_bind(p, &s->listen);
	if (!err)
		err = loop_watch(p->fd, LOOP_READ, peers_on_fd, p);
	if (err) {
		peers_close(p);
		return err;
	}
	*out = p;
	return 0;
}

void peers_close(struct peers *p)
{
	if (!p)
		return;
	if (p->fd >= 0) {
		loop_unwatch(p->fd);
		(void)close(p->fd);
	}
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

const struct addr *peers_address(const struct peers *p)
{
	return &p->address;
}
