/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three pure parts of roster.h: names of claimants with their quorums, the plan that spreads shards
 * over nodes, and the text of a node's line in Redis. An owner asks for its next names before each
 * change; `cluster.rebalance` carries out the plan; the store writes and reads the lines. The
 * quorums are the safety of failover: see the table in roster.h.
 */

#include <assert.h>
#include <errno.h>

#include "cluster/roster.h"

uint32_t members_rank(const struct members *m, uint64_t id)
{
	uint32_t i = 0;

	while (i < m->count && m->ids[i] != id)
		i++;
	return i;
}

bool members_has(const struct members *m, uint64_t id)
{
	return members_rank(m, id) < m->count;
}

uint32_t members_consents(const struct members *m)
{
	return m->count > 1 ? 2 : m->count;
}

uint32_t members_acks(const struct members *m)
{
	return m->count > 2 ? 2 : 1;
}

bool members_votes(const struct members *m, uint64_t record, uint64_t id)
{
	return members_has(m, id) || (m->count < MEMBERS_MAX && id == record);
}

uint64_t members_acked_until(const struct members *m, const uint64_t sent_ns[MEMBERS_MAX],
			     uint64_t length_ns)
{
	uint64_t first = 0, second = 0, sent;

	for (uint32_t i = 0; i < m->count; i++) {
		second = sent_ns[i] > first ? first : sent_ns[i] > second ? sent_ns[i] : second;
		first = sent_ns[i] > first ? sent_ns[i] : first;
	}
	sent = members_acks(m) == 2 ? second : first;
	return sent ? sent + length_ns : 0;
}

static bool stays(const struct member *node, uint64_t now_ns)
{
	return !node->leaving && now_ns - node->received_ns < MEMBER_UNHEARD_NS;
}

static void members_add(struct members *m, uint64_t id, uint32_t limit)
{
	if (m->count < limit && !members_has(m, id))
		m->ids[m->count++] = id;
}

static const struct member *node_find(const struct member *nodes, uint32_t count, uint64_t id)
{
	for (uint32_t i = 0; i < count; i++) {
		if (nodes[i].id == id)
			return &nodes[i];
	}
	return NULL;
}

void members_next(struct members *next, const struct members *now, const struct member *nodes,
		  uint32_t count, uint64_t now_ns)
{
	uint32_t limit = count < MEMBERS_MAX ? count : MEMBERS_MAX;

	*next = (struct members){ 0 };
	for (uint32_t i = 0; i < now->count; i++) {
		const struct member *node = node_find(nodes, count, now->ids[i]);

		if (node && stays(node, now_ns))
			members_add(next, node->id, limit);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (stays(&nodes[i], now_ns))
			members_add(next, nodes[i].id, limit);
	}
	for (uint32_t i = 0; i < now->count; i++) {
		const struct member *node = node_find(nodes, count, now->ids[i]);

		if (!node || !node->leaving)
			members_add(next, now->ids[i], now->count);
	}
}

/* The plan so far: the owner of each shard after it, and the number of shards of each node. */
struct balance_work {
	const struct balance *b;
	uint32_t has[BALANCE_NODES_MAX];
	uint32_t owner[BALANCE_SHARDS_MAX];
	enum balance_why why[BALANCE_SHARDS_MAX];
};

static bool balance_takes(const struct balance *b, uint32_t node)
{
	return node != BALANCE_NOBODY && b->takes[node];
}

/* It goes home, even if its owner does not have the most. */
static bool is_at_home(const struct balance *b, uint32_t shard)
{
	return balance_takes(b, b->shards[shard].home);
}

static uint32_t node_with_fewest(const struct balance_work *w)
{
	uint32_t best = BALANCE_NOBODY;

	for (uint32_t i = 0; i < w->b->node_count; i++) {
		if (w->b->takes[i] && (best == BALANCE_NOBODY || w->has[i] < w->has[best]))
			best = i;
	}
	return best;
}

/* The next shard to move for evenness, of the node with most movable ones; or
 * BALANCE_SHARDS_MAX. */
static uint32_t shard_of_most(const struct balance_work *w)
{
	uint32_t best = BALANCE_SHARDS_MAX;

	for (uint32_t i = 0; i < w->b->shard_count; i++) {
		if (w->owner[i] == BALANCE_NOBODY || is_at_home(w->b, i))
			continue;
		if (best == BALANCE_SHARDS_MAX || w->has[w->owner[i]] > w->has[w->owner[best]])
			best = i;
	}
	return best;
}

static void balance_put(struct balance_work *w, uint32_t shard, uint32_t to, enum balance_why why)
{
	if (w->owner[shard] != to)
		w->why[shard] = why;
	w->owner[shard] = to;
	w->has[to]++;
}

static void balance_start(struct balance_work *w)
{
	const struct balance *b = w->b;

	for (uint32_t i = 0; i < b->shard_count; i++) {
		const struct balance_shard *s = &b->shards[i];

		w->owner[i] = s->owner;
		if (s->owner == BALANCE_NOBODY)
			continue;
		if (is_at_home(b, i))
			balance_put(w, i, s->home, BALANCE_HOME);
		else if (b->takes[s->owner])
			w->has[s->owner]++;
	}
}

static void leave_who_drains(struct balance_work *w)
{
	for (uint32_t i = 0; i < w->b->shard_count; i++) {
		if (w->owner[i] != BALANCE_NOBODY && !w->b->takes[w->owner[i]])
			balance_put(w, i, node_with_fewest(w), BALANCE_DRAINS);
	}
}

/* Each turn brings the two nearer to each other, so there is an end. */
static void level(struct balance_work *w)
{
	for (;;) {
		uint32_t to = node_with_fewest(w), shard = shard_of_most(w);

		if (shard == BALANCE_SHARDS_MAX || w->has[w->owner[shard]] < w->has[to] + 2)
			return;
		w->has[w->owner[shard]]--;
		balance_put(w, shard, to, BALANCE_EVEN);
	}
}

uint32_t balance_plan(const struct balance *b, struct balance_move out[BALANCE_SHARDS_MAX])
{
	struct balance_work w = { .b = b };
	uint32_t n = 0;

	assert(b->node_count <= BALANCE_NODES_MAX && b->shard_count <= BALANCE_SHARDS_MAX);
	if (node_with_fewest(&w) == BALANCE_NOBODY)
		return 0;
	balance_start(&w);
	leave_who_drains(&w);
	level(&w);
	for (uint32_t i = 0; i < b->shard_count; i++) {
		if (w.owner[i] != b->shards[i].owner)
			out[n++] = (struct balance_move){ b->shards[i].number, b->shards[i].owner,
							  w.owner[i], w.why[i] };
	}
	return n;
}

enum { NODE_ID_OCTETS = 8, SHARD_MAX = UINT16_MAX };

/* ---- text ---- */

static void roster_hex(struct writer *w, uint64_t value)
{
	uint8_t raw[NODE_ID_OCTETS];

	be64_put(raw, value);
	writer_hex(w, bytes_mem(raw, sizeof(raw)));
}

static void shards_write(struct writer *w, const struct roster_node *node)
{
	if (!node->shard_count)
		writer_str(w, "-");
	for (uint32_t i = 0; i < node->shard_count; i++)
		writer_number(w, i ? "," : "", node->shards[i], "");
}

struct bytes roster_write(char out[ROSTER_TEXT_MAX], const struct roster_node *node)
{
	struct writer w = writer_over(out, ROSTER_TEXT_MAX);

	writer_number(&w, "1 ", node->beat, " ");
	roster_hex(&w, node->incarnation);
	WRITER_TEXTS(&w, " ", node->address, " ");
	shards_write(&w, node);
	WRITER_TEXTS(&w, " ", node->name);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static int roster_hex_read(struct bytes text, uint64_t *out)
{
	uint8_t raw[NODE_ID_OCTETS];
	size_t n = 0;

	if (text.n != 2 * NODE_ID_OCTETS || hex_decode(text, raw, sizeof(raw), &n) ||
	    n != sizeof(raw))
		return -EBADMSG;
	*out = ((uint64_t)be32_get(raw) << 32) | be32_get(raw + 4);
	return 0;
}

static int shards_read(struct roster_node *node, struct bytes text)
{
	struct bytes part;
	uint32_t shard;

	node->shard_count = 0;
	if (bytes_is(text, "-"))
		return 0;
	while (bytes_cut(&text, ',', &part)) {
		if (bytes_u32(part, &shard) || !shard || shard > SHARD_MAX ||
		    node->shard_count == ROSTER_SHARDS_MAX)
			return -EBADMSG;
		node->shards[node->shard_count++] = (uint16_t)shard;
	}
	return node->shard_count ? 0 : -EBADMSG;
}

/* A text that is shown to people, or none. */
static int word_read(char *out, size_t cap, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return -EBADMSG;
	}
	return text.n && !bytes_cstr(text, out, cap) ? 0 : -EBADMSG;
}

int roster_read(struct roster_node *node, struct bytes id, struct bytes text)
{
	struct bytes words[6] = { 0 };

	*node = (struct roster_node){ 0 };
	for (size_t i = 0; i < COUNT_OF(words) - 1; i++) {
		if (!bytes_cut(&text, ' ', &words[i]))
			return -EBADMSG;
	}
	words[5] = text;
	if (!bytes_is(words[0], "1"))
		return -EPROTONOSUPPORT;
	if (roster_hex_read(id, &node->id) || !node->id || bytes_u64(words[1], &node->beat) ||
	    roster_hex_read(words[2], &node->incarnation) ||
	    word_read(node->address, sizeof(node->address), words[3]) ||
	    shards_read(node, words[4]) || word_read(node->name, sizeof(node->name), words[5]))
		return -EBADMSG;
	return 0;
}

/* ---- who is alive ---- */

bool roster_has_left(const struct roster_node *node)
{
	return !node->beat;
}

static struct roster_seen *seat_of(struct roster *r, uint64_t id)
{
	struct roster_seen *oldest = r->seen;

	for (uint32_t i = 0; i < r->count; i++) {
		if (r->seen[i].id == id)
			return &r->seen[i];
		if (r->seen[i].since_ns < oldest->since_ns)
			oldest = &r->seen[i];
	}
	if (r->count < ROSTER_NODES_MAX)
		oldest = &r->seen[r->count++];
	*oldest = (struct roster_seen){ .id = id };
	return oldest;
}

bool roster_note(struct roster *r, const struct roster_node *node, uint64_t now_ns)
{
	struct roster_seen *seen = seat_of(r, node->id);

	if (!seen->since_ns || seen->beat != node->beat || seen->incarnation != node->incarnation) {
		seen->beat = node->beat;
		seen->incarnation = node->incarnation;
		seen->since_ns = now_ns;
	}
	return !roster_has_left(node) && now_ns - seen->since_ns <= ROSTER_SILENT_NS;
}
