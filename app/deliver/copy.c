/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages about copies as octets, and the choice of a neighbour: the next live node in the
 * order of ids, another one after three failures in turn. process_copy.c asks it which node gets
 * this node's copies, and which former neighbours still have some. Nodes must all see the same
 * order, so only ids count, and a node that does not see itself in the list chooses none.
 */

#include <errno.h>
#include <string.h>

#include "app/deliver/copy.h"
#include "app/deliver/folder.h"
#include "app/deliver/process.h"
#include "base/clock.h"

/* Known nodes, as the node lists them, and the one that has the copies of this node. */

enum { PATIENCE_TIMES = 3 }; /* failures in turn, then it is another neighbour */

struct process_node *process_copies_node(struct process_copies *c, uint64_t id)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->nodes[i].id == id)
			return &c->nodes[i];
	}
	if (c->count == PROCESS_NODES_MAX)
		return NULL;
	c->nodes[c->count] = (struct process_node){ .id = id };
	return &c->nodes[c->count++];
}

static void copies_note(struct process_copies *c, const json_t *item, uint64_t now_ms)
{
	const char *address = json_string_value(json_object_get(item, "address"));
	const json_t *text = json_object_get(item, "id");
	uint8_t id[8];
	struct process_node *node;
	size_t n = 0;

	if (hex_decode(bytes_mem(json_string_value(text), json_string_length(text)), id, sizeof(id),
		       &n) ||
	    n != sizeof(id) || !(node = process_copies_node(c, be64_get(id))))
		return;
	node->alive = json_is_true(json_object_get(item, "alive")) &&
		      !addr_parse(&node->address, bytes_str(address)) && node->address.port;
	node->gone_ms = node->alive ? 0 : node->gone_ms ? node->gone_ms : now_ms;
}

void process_copies_nodes(struct process *p, const json_t *list)
{
	struct process_copies *c = &p->copies;
	uint64_t now_ms = clock_utc_ms();

	for (uint32_t i = 0; i < c->count; i++)
		c->nodes[i].alive = false;
	for (size_t i = 0; i < json_array_size(list); i++)
		copies_note(c, json_array_get(list, i), now_ms);
	for (uint32_t i = 0; i < c->count; i++) {
		struct process_node *node = &c->nodes[i];

		if (!node->alive && !node->gone_ms)
			node->gone_ms = now_ms;
	}
}

struct process_node *process_copies_neighbour(struct process *p)
{
	struct process_copies *c = &p->copies;
	uint64_t self = p->terms.copies.id;
	uint32_t alive = 0, skip;
	struct process_node *found = NULL;

	for (uint32_t i = 0; i < c->count; i++)
		alive += c->nodes[i].alive && c->nodes[i].id != self;
	if (!alive)
		return NULL;
	skip = c->failures / PATIENCE_TIMES % alive;
	for (uint32_t step = 0; step <= skip; step++) {
		uint64_t behind = found ? found->id : self, least = UINT64_MAX;

		found = NULL;
		for (uint32_t i = 0; i < c->count; i++) {
			struct process_node *node = &c->nodes[i];
			uint64_t distance = node->id - behind - 1;

			if (node->alive && node->id != self && distance < least) {
				least = distance;
				found = node;
			}
		}
		if (!found)
			return NULL;
	}
	return found;
}

struct process_node *process_copies_former(struct process *p, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;

	for (uint32_t i = 0; i < c->count; i++) {
		struct process_node *node = &c->nodes[i];

		if (node->alive && !node->clear && node->id != c->to &&
		    node->id != p->terms.copies.id && now_ms >= node->clear_ms)
			return node;
	}
	return NULL;
}

bool process_copies_sees_itself(const struct process *p)
{
	for (uint32_t i = 0; i < p->copies.count; i++) {
		if (p->copies.nodes[i].id == p->terms.copies.id)
			return p->copies.nodes[i].alive;
	}
	return false;
}

enum { COPY_WHOLE = 0x80 };

const char *copy_ending(enum copy_part part)
{
	switch (part) {
	case COPY_SIDECAR:
		return "json.part";
	case COPY_EARLY:
		return "json.new";
	case COPY_SOUND:
	case COPY_PARTS:
		break;
	}
	return "";
}

/* kind (1) | part (1) | at (8) | length of the path (2) | path | data */
void copy_message_write(struct writer *w, const struct copy_message *m)
{
	struct bytes path = bytes_str(m->path);

	writer_u8(w, (uint8_t)m->kind);
	writer_u8(w, (uint8_t)((unsigned)m->part | (m->whole ? COPY_WHOLE : 0U)));
	writer_be64(w, m->at);
	writer_be16(w, (uint16_t)path.n);
	writer_bytes(w, path);
	writer_bytes(w, m->data);
}

static bool copy_has_path(enum copy_kind kind)
{
	return kind == COPY_DATA || kind == COPY_FINISH || kind == COPY_DROP || kind == COPY_HAS ||
	       kind == COPY_FIND || kind == COPY_READ;
}

int copy_message_read(struct copy_message *out, struct bytes text)
{
	size_t n;

	if (text.n < 12 || text.p[0] < COPY_LIST || text.p[0] >= COPY_KINDS ||
	    (text.p[1] & ~COPY_WHOLE) >= COPY_PARTS)
		return -EBADMSG;
	n = be16_get(text.p + 10);
	*out = (struct copy_message){ .kind = (enum copy_kind)text.p[0],
				      .part = (enum copy_part)(text.p[1] & ~COPY_WHOLE),
				      .whole = text.p[1] & COPY_WHOLE,
				      .at = be64_get(text.p + 2),
				      .data = bytes_from(text, 12 + n) };
	if (n > text.n - 12 || out->at > INT64_MAX - COPY_DATA_MAX || out->data.n > COPY_DATA_MAX ||
	    (out->data.n && out->kind != COPY_DATA))
		return -EBADMSG;
	if (copy_has_path(out->kind) != (n > 0) || (n && !folder_path_fits(bytes_sub(text, 12, n))))
		return -EBADMSG;
	return bytes_cstr(bytes_sub(text, 12, n), out->path, sizeof(out->path)) ? -EBADMSG : 0;
}
