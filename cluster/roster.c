/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/roster.h"

#include <errno.h>

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
