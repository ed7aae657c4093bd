/* SPDX-License-Identifier: Apache-2.0 */
/* The shared entry as bytes (sig/location/registrar.proto). A record may come from another version or a broken store: every bound is checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "sig/location/registrar.h"
#include "sig/location/route.h"
#include "sig/record/proto.h"
#include "sig/registrar.pb-c.h"
#include "sig/sip/hop.h"

typedef Tandem__Sig__Aor pb_aor;
typedef Tandem__Sig__Binding pb_binding;
typedef Tandem__Sig__Hop pb_hop;

/* One entry as protobuf structs that borrow everything from it. */
struct borrowed {
	pb_aor aor;
	pb_binding bindings[BINDINGS_MAX];
	pb_binding *list[BINDINGS_MAX];
	pb_hop hops[BINDINGS_MAX], were[BINDINGS_MAX];
	uint8_t ips[BINDINGS_MAX][16], were_ips[BINDINGS_MAX][16];
	char bounds[BINDINGS_MAX][ADDR_TEXT_MAX];
};

static ProtobufCBinaryData borrow(const struct text *t)
{
	return (ProtobufCBinaryData){ .len = t->n, .data = (uint8_t *)t->p };
}

static void borrow_hop(pb_hop *h, uint8_t ip[16], const struct sip_hop *hop,
		       const struct hop_edges *edges)
{
	struct hop_edge edge;

	tandem__sig__hop__init(h);
	memcpy(ip, hop->remote.ip, 16);
	h->transport = (uint32_t)hop->transport;
	h->inbound = hop->inbound;
	if (hop_edge_get(edges, hop->connection, &edge)) {
		h->process = edge.process;
		h->connection = edge.connection;
	}
	h->port = hop->remote.port;
	h->scope = hop->remote.scope;
	h->ip = (ProtobufCBinaryData){
		.len = hop->remote.family == ADDR_V4 ? 4 : 16,
		.data = ip,
	};
}

/* By no other way. Who reads it knows whether the address has come to him meanwhile. */
static void borrow_flow(pb_hop *h, const struct binding *b, const struct hop_edges *edges)
{
	struct hop_edge edge;

	if (b->hop.transport != SIP_UDP || !b->nat || b->path.n || b->hop.connection ||
	    !hop_edge_get(edges, hop_edge_flow(b->hop.local), &edge))
		return;
	h->process = edge.process;
	h->connection = edge.connection;
}

static void borrow_hops(struct borrowed *to, uint32_t i, const struct binding *b,
			const struct hop_edges *edges)
{
	pb_hop *h = &to->hops[i];

	borrow_hop(h, to->ips[i], &b->hop, edges);
	borrow_flow(h, b, edges);
	if (b->bound.family == ADDR_NONE) {
		h->local = b->hop.local;
	} else {
		(void)addr_text(&b->bound, to->bounds[i]);
		h->bound = to->bounds[i];
	}
	to->bindings[i].hop = h;
	if (!b->was)
		return;
	borrow_hop(&to->were[i], to->were_ips[i], b->was, edges);
	to->bindings[i].was = &to->were[i];
}

static void borrow_binding(struct borrowed *to, uint32_t i, const struct binding *b,
			   const struct hop_edges *edges)
{
	pb_binding *p = &to->bindings[i];

	tandem__sig__binding__init(p);
	borrow_hops(to, i, b, edges);
	p->contact = borrow(&b->contact);
	p->call_id = borrow(&b->call_id);
	p->user_agent = borrow(&b->user_agent);
	p->cseq = b->cseq;
	p->expires_utc_ms = b->expires_utc_ms;
	p->nat = b->nat;
	p->q = b->q;
	p->location = b->location;
	p->instance = borrow(&b->instance);
	p->path = borrow(&b->path);
	p->registered_utc_ms = b->registered_utc_ms;
	p->reg_id = b->reg_id;
	to->list[i] = p;
}

static char *borrow_name(const struct text *name, const char *own)
{
	static char nothing[1];

	if (name->n)
		return name->p;
	return own ? (char *)(uintptr_t)own : nothing;
}

static void borrow_aor(struct borrowed *to, const struct aor *a, const struct hop_edges *edges)
{
	static char nothing[1];

	tandem__sig__aor__init(&to->aor);
	for (uint32_t i = 0; i < a->count; i++) {
		borrow_binding(to, i, &a->bindings[i], edges);
		to->bindings[i].node = borrow_name(&a->bindings[i].node, a->node);
	}
	to->aor.writer = borrow_name(&a->writer, a->node);
	to->aor.tenant = a->tenant.p ? a->tenant.p : nothing;
	to->aor.user = borrow(&a->user);
	to->aor.version = a->version;
	to->aor.born = a->born;
	to->aor.boot = a->clock.boot;
	to->aor.clock_offset_ms = a->clock.offset_ms;
	to->aor.saved_utc_ms = a->clock.utc_ms;
	to->aor.n_bindings = a->count;
	to->aor.bindings = to->list;
}

/* Whose phone it is, and where: what a REGISTER that refreshes it leaves as it was. */
static uint64_t binding_name(const ProtobufCMessage *element, size_t position)
{
	const pb_binding *p = (const pb_binding *)(const void *)element;
	uint64_t name = 0;

	if (element->descriptor != &tandem__sig__binding__descriptor)
		return position;
	name = hash_crc32c(0, bytes_mem(p->contact.data, p->contact.len));
	return name << 32 | hash_crc32c(0, bytes_mem(p->call_id.data, p->call_id.len));
}

int aor_encode(const struct aor *entry, const struct hop_edges *edges, struct text *out)
{
	ProtobufCMessageUnknownField *unknown;
	struct borrowed b;
	uint8_t *packed;
	size_t n;
	int err;

	borrow_aor(&b, entry, edges);
	b.aor.format = bytes_is(text_bytes(&entry->tenant), TENANT_DEFAULT_NAME)
			       ? AOR_FORMAT_DEFAULT
			       : AOR_FORMAT_TENANTS;
	err = unknown_restore(&entry->unknown, &b.aor.base, 0, binding_name, &unknown);
	if (err)
		return err;
	n = tandem__sig__aor__get_packed_size(&b.aor);
	packed = malloc(n + 1);
	if (!packed) {
		free(unknown);
		return -ENOMEM;
	}
	n = tandem__sig__aor__pack(&b.aor, packed);
	free(unknown);
	err = text_set(out, bytes_mem(packed, n));
	free(packed);
	return err;
}

static struct bytes data(ProtobufCBinaryData d)
{
	return bytes_mem(d.data, d.len);
}

static const char *read_hop(struct sip_hop *hop, const pb_hop *h)
{
	if (!h)
		return "hop_missing";
	if (h->transport >= SIP_TRANSPORTS)
		return "hop_transport";
	if ((h->ip.len != 4 && h->ip.len != 16) || h->port > UINT16_MAX || h->local > UINT16_MAX)
		return "hop_address";
	hop->transport = (enum sip_transport)h->transport;
	hop->inbound = h->inbound && sip_transport_is_stream(hop->transport);
	hop->local = (uint16_t)h->local;
	hop->remote.family = h->ip.len == 4 ? ADDR_V4 : ADDR_V6;
	hop->remote.port = (uint16_t)h->port;
	hop->remote.scope = h->scope;
	memcpy(hop->remote.ip, h->ip.data, h->ip.len);
	return NULL;
}

static const char *check_binding(const pb_binding *p)
{
	struct sip_uri uri;

	if (p->contact.len > BINDING_CONTACT_MAX || sip_uri_parse(&uri, data(p->contact)))
		return "contact";
	if (p->call_id.len > BINDING_CALL_ID_MAX)
		return "call_id";
	if (p->user_agent.len > BINDING_AGENT_MAX)
		return "user_agent";
	if (p->instance.len > BINDING_INSTANCE_MAX || (p->reg_id && !p->instance.len))
		return "instance";
	if (strlen(p->node) > AOR_NODE_MAX)
		return "node";
	if (p->path.len && !path_is_route(data(p->path)))
		return "path";
	if (p->location > UINT16_MAX)
		return "location";
	return p->q > BINDING_Q_MAX ? "q" : NULL;
}

static const char *read_was(struct binding *b, const pb_hop *h)
{
	struct sip_hop was = { 0 };
	const char *reason = read_hop(&was, h);

	if (!reason && binding_was(b, &was))
		reason = "out_of_memory";
	return reason;
}

static const char *read_binding(struct binding *b, const pb_binding *p, struct hop_edges *edges)
{
	const char *reason = check_binding(p);
	int err;

	if (!reason)
		reason = read_hop(&b->hop, p->hop);
	if (!reason && p->was)
		reason = read_was(b, p->was);
	if (!reason && p->hop->bound[0] && addr_parse(&b->bound, bytes_str(p->hop->bound)))
		reason = "hop_bound";
	if (reason)
		return reason;
	b->hop.connection = hop_edge_read(
		edges, b->hop.transport, &(struct hop_edge){ p->hop->process, p->hop->connection });
	b->cseq = p->cseq;
	b->registered_utc_ms = p->registered_utc_ms;
	b->expires_utc_ms = p->expires_utc_ms;
	b->nat = p->nat;
	b->q = (uint16_t)p->q;
	b->location = (uint16_t)p->location;
	b->reg_id = p->reg_id;
	err = text_set(&b->contact, data(p->contact));
	if (!err)
		err = text_set(&b->call_id, data(p->call_id));
	if (!err)
		err = text_set(&b->user_agent, data(p->user_agent));
	if (!err)
		err = text_set(&b->instance, data(p->instance));
	if (!err)
		err = text_set(&b->path, data(p->path));
	if (!err)
		err = text_set(&b->node, bytes_str(p->node));
	return err ? "out_of_memory" : NULL;
}

static const char *read_names(struct aor *a, const pb_aor *p)
{
	struct bytes tenant = bytes_str(p->tenant);

	if (tenant.n == 0 || tenant.n > AOR_NAME_MAX)
		return "tenant";
	if (p->user.len == 0 || p->user.len > AOR_NAME_MAX)
		return "user";
	if (strlen(p->writer) > AOR_NODE_MAX)
		return "writer";
	a->version = p->version;
	a->born = p->born;
	a->clock = (struct steady_mark){ .boot = p->boot,
					 .offset_ms = p->clock_offset_ms,
					 .utc_ms = p->saved_utc_ms };
	if (text_set(&a->tenant, tenant) || text_set(&a->user, data(p->user)) ||
	    text_set(&a->writer, bytes_str(p->writer)))
		return "out_of_memory";
	return NULL;
}

static const char *read_aor(struct aor *a, const pb_aor *p, struct hop_edges *edges)
{
	const char *reason = read_names(a, p);

	if (!reason && p->n_bindings > BINDINGS_MAX)
		reason = "too_many_bindings";
	if (!reason && aor_reserve(a, (uint32_t)p->n_bindings))
		reason = "out_of_memory";
	for (size_t i = 0; !reason && i < p->n_bindings; i++) {
		a->count++; /* counted first, so that aor_clear frees half a binding too */
		reason = read_binding(&a->bindings[i], p->bindings[i], edges);
	}
	return reason;
}

int aor_decode(struct aor *out, struct bytes record, struct hop_edges *edges, const char **reason)
{
	pb_aor *p = tandem__sig__aor__unpack(NULL, record.n, record.p);
	struct aor a = { 0 };
	int err = -EBADMSG;

	if (p && p->format > AOR_FORMAT) {
		*reason = "of a later program";
		err = -EPROTONOSUPPORT;
	} else {
		*reason = p ? read_aor(&a, p, edges) : "not_protobuf";
	}
	if (p && !*reason && unknown_keep(&a.unknown, &p->base, 0, binding_name))
		*reason = "out_of_memory";
	if (p)
		tandem__sig__aor__free_unpacked(p, NULL);
	if (*reason) {
		aor_clear(&a);
		return err;
	}
	*out = a;
	return 0;
}
