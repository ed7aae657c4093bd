/* SPDX-License-Identifier: Apache-2.0 */
/* The shared entry as bytes (sig/location/registrar.proto). A record may come from another version
 * or a broken store: every bound is checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "sig/location/registrar.h"
#include "sig/location/route.h"
#include "sig/sip/hop.h"

/* Octets: of an entry, and of each of its bindings, at most; path and addresses are the longest. */
enum { ENTRY_ROOM = 1024, BINDING_ROOM = 3072, WAS_TAG = 11, FORMAT_TAG = 8 };

/* What a record has of a hop that the hop has not. */
struct hop_context {
	struct hop_edge edge; /* of its connection or flow */
	struct addr bound;
};

struct aor_context {
	uint32_t format;
	struct hop_context hops[BINDINGS_MAX], were[BINDINGS_MAX];
};

/* ---- rows ---- */

static void *hop_context(void *beside, const struct schema_place *place)
{
	struct aor_context *b = beside;

	return &(place->row->tag == WAS_TAG ? b->were : b->hops)[place->up->position];
}

/* Where our address itself is not in the record. */
static bool hop_local_is(const struct schema_writer *w, const void *object)
{
	const struct binding *b = w->place->up->element;

	return object == &b->hop && b->bound.family == ADDR_NONE;
}

static void hop_ip_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct addr *a = &((const struct sip_hop *)object)->remote;

	schema_put_octets(w, row->tag, bytes_mem(a->ip, a->family == ADDR_V4 ? 4 : 16));
}

static bool hop_ip_read(struct schema_reader *r, const struct schema *row, void *object,
			const struct schema_wire *in)
{
	struct addr *a = &((struct sip_hop *)object)->remote;

	(void)r;
	(void)row;
	if (in->kind != SCHEMA_WIRE_OCTETS || (in->octets.n != 4 && in->octets.n != 16))
		return false;
	a->family = in->octets.n == 4 ? ADDR_V4 : ADDR_V6;
	memset(a->ip, 0, sizeof(a->ip));
	memcpy(a->ip, in->octets.p, in->octets.n);
	return true;
}

static const struct schema hop_rows[] = {
	{ "transport", 1, SCHEMA_UINT, SCHEMA_AT(struct sip_hop, transport),
	  .max = SIP_TRANSPORTS - 1 },
	{ "local", 2, SCHEMA_UINT, SCHEMA_IF, SCHEMA_AT(struct sip_hop, local),
	  .is = hop_local_is },
	{ "ip", 3, SCHEMA_HAND, .min = 1, .write = hop_ip_write, .read = hop_ip_read },
	{ "scope", 4, SCHEMA_UINT, SCHEMA_AT(struct sip_hop, remote.scope) },
	{ "port", 5, SCHEMA_UINT, SCHEMA_AT(struct sip_hop, remote.port) },
	{ "inbound", 6, SCHEMA_BOOL, SCHEMA_AT(struct sip_hop, inbound) },
	{ "bound", 7, SCHEMA_ADDR, SCHEMA_CONTEXT, SCHEMA_AT(struct hop_context, bound),
	  .beside = hop_context },
	{ "process", 8, SCHEMA_FIXED64, SCHEMA_CONTEXT, SCHEMA_AT(struct hop_context, edge.process),
	  .beside = hop_context },
	{ "connection", 9, SCHEMA_FIXED64, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct hop_context, edge.connection), .beside = hop_context },
	{ 0 },
};

static bool hop_check(struct schema_reader *r, void *object)
{
	struct sip_hop *hop = object;

	(void)r;
	hop->inbound = hop->inbound && sip_transport_is_stream(hop->transport);
	return true;
}

static bool contact_check(struct schema_reader *r, void *object)
{
	struct sip_uri uri;

	(void)r;
	return !sip_uri_parse(&uri, text_bytes(object));
}

static bool path_check(struct schema_reader *r, void *object)
{
	(void)r;
	return path_is_route(text_bytes(object));
}

static const struct schema binding_rows[] = {
	{ "contact", 1, SCHEMA_TEXT, SCHEMA_AT(struct binding, contact), .min = 1,
	  .max = BINDING_CONTACT_MAX, .check = contact_check },
	{ "call_id", 2, SCHEMA_TEXT, SCHEMA_AT(struct binding, call_id),
	  .max = BINDING_CALL_ID_MAX },
	{ "cseq", 3, SCHEMA_UINT, SCHEMA_AT(struct binding, cseq) },
	{ "expires_utc_ms", 4, SCHEMA_UINT, SCHEMA_AT(struct binding, expires_utc_ms) },
	{ "hop", 5, SCHEMA_MESSAGE, SCHEMA_AT(struct binding, hop), .of = hop_rows, .min = 1,
	  .check = hop_check, .wrong = "hop" },
	{ "nat", 6, SCHEMA_BOOL, SCHEMA_AT(struct binding, nat) },
	{ "user_agent", 7, SCHEMA_TEXT, SCHEMA_AT(struct binding, user_agent),
	  .max = BINDING_AGENT_MAX },
	{ "q", 8, SCHEMA_UINT, SCHEMA_AT(struct binding, q), .max = BINDING_Q_MAX },
	{ "instance", 9, SCHEMA_TEXT, SCHEMA_AT(struct binding, instance),
	  .max = BINDING_INSTANCE_MAX },
	{ "reg_id", 10, SCHEMA_UINT, SCHEMA_AT(struct binding, reg_id) },
	{ "was", WAS_TAG, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct binding, was, struct sip_hop), .of = hop_rows, .check = hop_check,
	  .wrong = "hop" },
	{ "path", 12, SCHEMA_TEXT, SCHEMA_AT(struct binding, path), .check = path_check },
	{ "node", 13, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct binding, node),
	  .max = AOR_NODE_MAX },
	{ "registered_utc_ms", 14, SCHEMA_UINT, SCHEMA_AT(struct binding, registered_utc_ms) },
	{ "location", 15, SCHEMA_UINT, SCHEMA_AT(struct binding, location) },
	{ "device", 16, SCHEMA_UINT, SCHEMA_AT(struct binding, device) },
	{ 0 },
};

static bool binding_check(struct schema_reader *r, void *object)
{
	const struct binding *b = object;

	return !b->reg_id || b->instance.n || schema_wrong(r, "instance");
}

/* Identifies a binding by phone and address: unchanged by a REGISTER that refreshes it. No entry
 * has a Contact twice. */
static uint64_t binding_called(const void *element, size_t position)
{
	static const struct hash_key key; /* no record has this name */
	const struct binding *b = element;

	(void)position;
	return schema_path(schema_path(0, hash_sip(&key, text_bytes(&b->contact))),
			   hash_sip(&key, text_bytes(&b->call_id)));
}

const struct schema aor_rows[] = {
	{ "tenant", 1, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct aor, tenant), .min = 1,
	  .max = AOR_NAME_MAX },
	{ "user", 2, SCHEMA_TEXT, SCHEMA_AT(struct aor, user), .min = 1, .max = AOR_NAME_MAX },
	{ "version", 3, SCHEMA_UINT, SCHEMA_AT(struct aor, version) },
	{ "bindings", 4, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER | SCHEMA_COUNT32,
	  SCHEMA_OF(struct aor, bindings, struct binding), .of = binding_rows,
	  .count = offsetof(struct aor, count), .most = BINDINGS_MAX, .check = binding_check,
	  .called = binding_called },
	{ "boot", 5, SCHEMA_FIXED64, SCHEMA_AT(struct aor, clock.boot) },
	{ "clock_offset_ms", 6, SCHEMA_SINT, SCHEMA_AT(struct aor, clock.offset_ms) },
	{ "saved_utc_ms", 7, SCHEMA_UINT, SCHEMA_AT(struct aor, clock.utc_ms) },
	{ "format", FORMAT_TAG, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct aor_context, format) },
	{ "writer", 9, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct aor, writer),
	  .max = AOR_NODE_MAX },
	{ "born", 10, SCHEMA_FIXED64, SCHEMA_AT(struct aor, born) },
	{ 0 },
};

/* ---- writing ---- */

/* By its connection, or if that is its only path, by its flow. The reader knows whether the address
 * has moved to it meanwhile. */
static uint64_t binding_connection(const struct binding *b)
{
	bool flow = b->hop.transport == SIP_UDP && b->nat && !b->path.n && !b->hop.connection;

	return flow ? hop_edge_flow(b->hop.local) : b->hop.connection;
}

static void aor_beside_fill(struct aor_context *to, const struct aor *a,
			    const struct hop_edges *edges)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct binding *b = &a->bindings[i];

		(void)hop_edge_get(edges, binding_connection(b), &to->hops[i].edge);
		to->hops[i].bound = b->bound;
		if (b->was)
			(void)hop_edge_get(edges, b->was->connection, &to->were[i].edge);
	}
	to->format = bytes_is(text_bytes(&a->tenant), TENANT_DEFAULT_NAME) ? AOR_FORMAT_DEFAULT
									   : AOR_FORMAT_TENANTS;
}

static struct text node_or(const struct text *name, const char *own)
{
	if (name->n || !own)
		return *name;
	return (struct text){ .p = (char *)(uintptr_t)own, .n = (uint32_t)strlen(own) };
}

int aor_encode(const struct aor *entry, const struct hop_edges *edges, struct text *out)
{
	size_t n = ENTRY_ROOM + entry->count * BINDING_ROOM + entry->unknown.n;
	struct binding bindings[BINDINGS_MAX];
	struct aor_context beside = { 0 };
	struct aor saved = *entry; /* with our node name where absent */
	uint8_t *space = malloc(n);
	struct schema_writer w = {
		.start = space, .at = space + n, .unknown = &entry->unknown, .beside = &beside
	};
	int err;

	if (!space)
		return -ENOMEM;
	saved.bindings = bindings;
	saved.writer = node_or(&entry->writer, entry->node);
	for (uint32_t i = 0; i < entry->count; i++) {
		bindings[i] = entry->bindings[i];
		bindings[i].node = node_or(&bindings[i].node, entry->node);
	}
	aor_beside_fill(&beside, &saved, edges);
	schema_write(&w, aor_rows, &saved);
	err = w.overflow ? -EMSGSIZE : text_set(out, bytes_mem(w.at, (size_t)(space + n - w.at)));
	free(space);
	return err;
}

/* ---- reading ---- */

int aor_decode(struct aor *out, struct bytes record, struct hop_edges *edges, const char **reason)
{
	bool later = schema_wire_number(record, FORMAT_TAG) > AOR_FORMAT;
	struct aor_context beside = { 0 };
	struct aor a = { 0 };
	struct schema_reader r = { .unknown = &a.unknown, .beside = &beside };

	if (later || !schema_read(&r, aor_rows, &a, record, SCHEMA_WHOLE)) {
		*reason = later ? "of a later program" : r.reason;
		aor_clear(&a);
		return later ? -EPROTONOSUPPORT : -EBADMSG;
	}
	for (uint32_t i = 0; i < a.count; i++) {
		struct binding *b = &a.bindings[i];

		b->bound = beside.hops[i].bound;
		b->hop.connection = hop_edge_read(edges, b->hop.transport, &beside.hops[i].edge);
	}
	a.room = a.count;
	*reason = NULL;
	*out = a;
	return 0;
}
