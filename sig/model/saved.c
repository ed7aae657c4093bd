/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of several features have in common. */
#include "sig/model/saved.h"

#include <stdlib.h>

#include "sig/host/settings.h"

enum { DIGITS_OLD_MS = 30000 };

void saved_until_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const uint64_t *until_ns = (const void *)((const uint8_t *)object + row->offset);

	schema_put_number(w, row->tag, schema_utc_ms(w, *until_ns));
}

bool saved_until_read(struct schema_reader *r, const struct schema *row, void *object,
		      const struct schema_wire *in)
{
	uint64_t *until_ns = (void *)((uint8_t *)object + row->offset);

	*until_ns = steady_add(in->number, r->shift_ms) + DIGITS_OLD_MS >= r->now.utc_ms;
	return in->kind == SCHEMA_WIRE_VARINT;
}

void saved_forget_old(struct schema_reader *r, uint64_t *until_ns)
{
	if (*until_ns) {
		*until_ns = 0;
		return;
	}
	free(*r->behind);
	*r->behind = NULL;
}

void saved_position_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	(void)object;
	schema_put_number(w, row->tag, w->place->position);
}

bool saved_read_before(struct schema_reader *r, const struct schema *row, void *object,
		       const struct schema_wire *in)
{
	(void)r;
	(void)row;
	(void)object;
	(void)in;
	return true;
}

/* ---- hops and dialogs ---- */

/* One that reaches the party as well: at best on the same address. */
static bool saved_hop_other(const struct shard_settings *s, struct sip_hop *hop,
			    const struct addr *bound)
{
	bool found = false;

	for (uint32_t i = 0; i < s->local_count; i++) {
		const struct shard_local *l = &s->locals[i];

		if (l->transport != hop->transport || l->bind.family != hop->remote.family ||
		    !shard_local_is_own(s, i))
			continue;
		if (found && !addr_ip_eq(&l->bind, bound))
			continue;
		hop->local = (uint16_t)i;
		found = true;
	}
	return found;
}

void saved_hop_find(struct call_loader *l, uint8_t leg, struct sip_hop *hop)
{
	const struct addr *bound = &l->hop.bound;
	const struct shard_settings *s = l->h->settings;
	struct call *c = l->c;

	hop->local = 0;
	if (hop->transport == SIP_INTER_SHARD) /* by no address of the node's */
		return;

	for (uint32_t i = 0; i < s->local_count; i++) {
		hop->local = (uint16_t)i;
		if (s->locals[i].transport == hop->transport && addr_eq(bound, &s->locals[i].bind))
			return;
	}
	hop->local = 0;
	if (c->legs[leg]->state == LEG_CLOSED && !c->legs[leg]->refusal && !c->legs[leg]->forks)
		return;
	if (saved_hop_other(s, hop, bound)) {
		/* each node has its own for WebSockets, and that says nothing of media */
		if (!sip_transport_is_web(hop->transport))
			c->moved |= (uint16_t)BIT64(leg);
		return;
	}
	if (!c->obstacle)
		c->obstacle = "an address for SIP is not the node's any more";
	c->lost |= (uint16_t)BIT64(leg);
}

static void saved_hop_local_write(struct schema_writer *w, const struct schema *row,
				  const void *object)
{
	const struct sip_hop *hop = object;
	const struct addr *local = &saver_of(w)->h->settings->locals[hop->local].bind;
	char text[ADDR_TEXT_MAX];

	if (local->family != ADDR_NONE)
		schema_put_octets(w, row->tag, bytes_str(addr_text(local, text)));
}

static bool saved_hop_local_read(struct schema_reader *r, const struct schema *row, void *object,
				 const struct schema_wire *in)
{
	struct addr *local = &loader_of(r)->hop.local;

	(void)row;
	(void)object;
	*local = (struct addr){ 0 };
	return in->kind == SCHEMA_WIRE_OCTETS && (!in->octets.n || !addr_parse(local, in->octets));
}

static void saved_hop_name_write(struct schema_writer *w, const struct schema *row,
				 const void *object)
{
	const struct sip_hop *hop = object;

	if (hop->name)
		schema_put_octets(
			w, row->tag,
			bytes_str(hop_names_text(saver_of(w)->h->settings->names, hop->name)));
}

static bool saved_hop_name_read(struct schema_reader *r, const struct schema *row, void *object,
				const struct schema_wire *in)
{
	(void)row;
	(void)object;
	loader_of(r)->hop.name = in->octets;
	return in->kind == SCHEMA_WIRE_OCTETS;
}

enum { HOP_PROCESS = 6, HOP_CONNECTION = 7 };

static void saved_hop_edge_write(struct schema_writer *w, const struct schema *row,
				 const void *object)
{
	const struct sip_hop *hop = object;
	struct hop_edge edge;

	if (hop_edge_get(saver_of(w)->h->settings->edges, hop->connection, &edge))
		schema_put_fixed(w, row->tag, SCHEMA_WIRE_64,
				 row->tag == HOP_PROCESS ? edge.process : edge.connection);
}

static bool saved_hop_edge_keep(struct schema_reader *r, const struct schema *row, void *object,
				const struct schema_wire *in)
{
	struct hop_edge *edge = &loader_of(r)->hop.edge;

	(void)object;
	*(row->tag == HOP_PROCESS ? &edge->process : &edge->connection) = in->number;
	return in->kind == SCHEMA_WIRE_64;
}

/* Looks for its own address of ours; the owner of the hop decides what its absence means. */
bool saved_hop_check(struct schema_reader *r, void *object)
{
	struct call_loader *l = loader_of(r);
	const struct shard_settings *s = l->h->settings;
	struct saved_hop *read = &l->hop;
	struct sip_hop *hop = object;

	if (hop->remote.family == ADDR_NONE || hop->remote.port == 0)
		return schema_wrong(r, "hop: no remote address");
	if (hop->transport == SIP_INTER_SHARD && !inter_shard_of(&hop->remote))
		return schema_wrong(r, "hop: no shard");
	hop->inbound = hop->inbound && sip_transport_is_stream(hop->transport);
	hop->connection = hop_edge_read(s->edges, hop->transport, &read->edge);
	if (hop->transport == SIP_TLS && read->name.n)
		hop->name = hop_names_put(s->names, read->name);
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (s->locals[i].transport == hop->transport &&
		    addr_eq(&read->local, &s->locals[i].bind))
			hop->local = (uint16_t)i;
	}
	*read = (struct saved_hop){ .bound = read->local };
	return true;
}

const struct schema saved_hop_rows[] = {
	{ "transport", 1, SCHEMA_UINT, SCHEMA_AT(struct sip_hop, transport), .max = SIP_INTER_SHARD,
	  .wrong = "hop: unknown transport" },
	{ "local", 2, SCHEMA_HAND, .write = saved_hop_local_write, .read = saved_hop_local_read,
	  .wrong = "hop: local address" },
	{ "remote", 3, SCHEMA_ADDR, SCHEMA_AT(struct sip_hop, remote),
	  .wrong = "hop: remote address" },
	{ "inbound", 4, SCHEMA_BOOL, SCHEMA_AT(struct sip_hop, inbound) },
	{ "name", 5, SCHEMA_HAND, .write = saved_hop_name_write, .read = saved_hop_name_read },
	{ "process", HOP_PROCESS, SCHEMA_HAND, .write = saved_hop_edge_write,
	  .read = saved_hop_edge_keep },
	{ "connection", HOP_CONNECTION, SCHEMA_HAND, .write = saved_hop_edge_write,
	  .read = saved_hop_edge_keep },
	{ 0 },
};

/* What all have: their first fields. */
static const struct schema dialog_rows[] = {
	{ "tag", 1, SCHEMA_FIXED64, SCHEMA_AT(struct dialog, tag.random) },
	{ "call_id", 2, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, call_id),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: Call-ID" },
	{ "remote_tag", 3, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, remote_tag),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: tag" },
	{ "local", 4, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, local),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: local" },
	{ "remote", 5, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, remote),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: remote" },
	{ "target", 6, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, target),
	  .max = DIALOG_TEXT_MAX, .wrong = "dialog: target" },
	{ "routes", 7, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, routes),
	  .max = DIALOG_ROUTES_MAX, .wrong = "dialog: routes" },
	{ "hop", 8, SCHEMA_MESSAGE, SCHEMA_AT(struct dialog, hop), .of = saved_hop_rows,
	  .check = saved_hop_check, .wrong = "dialog: hop" },
	{ "local_cseq", 9, SCHEMA_UINT, SCHEMA_AT(struct dialog, local_cseq), .max = INT32_MAX,
	  .wrong = "dialog: CSeq" },
	{ "remote_cseq", 10, SCHEMA_UINT, SCHEMA_AT(struct dialog, remote_cseq), .max = INT32_MAX,
	  .wrong = "dialog: CSeq" },
	{ 0 },
};

const struct schema saved_dialog_rows[] = {
	{ "tag", 1, SCHEMA_GROUP, .of = dialog_rows },
	{ "born_call", 11, SCHEMA_IGNORED },
	{ "born_leg", 12, SCHEMA_IGNORED },
	{ "challenges", 13, SCHEMA_IGNORED },
	{ "proof", 14, SCHEMA_IGNORED },
	{ "named", 15, SCHEMA_BOOL, SCHEMA_AT(struct dialog, named) },
	{ "confers", 16, SCHEMA_BOOL, SCHEMA_AT(struct dialog, confers) },
	{ 0 },
};

/* ---- the dialog of a leg ---- */

static bool dialog_is_forwarded(const struct schema_writer *w, const void *dialog)
{
	(void)w;
	return ((const struct dialog *)dialog)->elsewhere != NULL;
}

enum { CHALLENGE_PROXY = 1 };

static const struct schema challenge_rows[] = {
	{ "proxy", CHALLENGE_PROXY, SCHEMA_HAND, .write = saved_position_write,
	  .read = saved_read_before },
	{ "nonce", 2, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog_challenge, nonce), .min = 1,
	  .max = DIGEST_CLIENT_TEXT_MAX },
	{ "opaque", 3, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog_challenge, opaque),
	  .max = DIGEST_CLIENT_TEXT_MAX },
	{ "algorithm", 4, SCHEMA_UINT, SCHEMA_AT(struct dialog_challenge, algorithm),
	  .max = DIGEST_ALGORITHMS - 1 },
	{ "qop", 5, SCHEMA_UINT, SCHEMA_AT(struct dialog_challenge, qop),
	  .max = DIGEST_QOP_AUTH_INT },
	{ "session", 6, SCHEMA_BOOL, SCHEMA_AT(struct dialog_challenge, session) },
	{ "count", 7, SCHEMA_UINT, SCHEMA_AT(struct dialog_challenge, count), .max = INT32_MAX },
	{ "cnonce", 8, SCHEMA_FIXED64, SCHEMA_AT(struct dialog_challenge, cnonce) },
	{ 0 },
};

static void challenges_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct dialog_challenges *all = object;

	for (size_t i = COUNT_OF(all->of); i-- > 0;) {
		const struct schema_place place = { w->place, 0, row, &all->of[i], i };

		if (all->of[i].nonce.n)
			schema_put_message(w, row, &all->of[i], &place);
	}
}

static bool challenge_read(struct schema_reader *r, const struct schema *row, void *object,
			   const struct schema_wire *in)
{
	size_t i = schema_wire_number(in->octets, CHALLENGE_PROXY) != 0;
	struct dialog_challenge *one = &((struct dialog_challenges *)object)->of[i];
	const struct schema_place place = { r->place, 0, row, one, i };

	return !one->nonce.n && schema_read_message(r, row, one, in, &place);
}

static bool dialog_proof_check(struct schema_reader *r, void *member)
{
	(void)r;
	return bytes_are_lines(text_bytes(member));
}

static const struct schema challenges_rows[] = {
	{ "challenges", 13, SCHEMA_HAND, .of = challenge_rows, .write = challenges_write,
	  .read = challenge_read, .wrong = "dialog: challenge" },
	{ "proof", 14, SCHEMA_TEXT, SCHEMA_AT(struct dialog_challenges, invite), .max = HOST_EXTRA,
	  .check = dialog_proof_check, .wrong = "dialog: proof" },
	{ 0 },
};

static const struct schema dialog_birth_rows[] = {
	{ "born_call", 11, SCHEMA_FIXED64, SCHEMA_AT(struct dialog, tag.call) },
	{ "born_leg", 12, SCHEMA_UINT, SCHEMA_AT(struct dialog, tag.leg), .max = ID_LEG_MAX,
	  .wrong = "dialog: where it was born" },
	{ 0 },
};

const struct schema saved_leg_dialog_rows[] = {
	{ "tag", 1, SCHEMA_GROUP, .of = dialog_rows },
	{ "born_call", 11, SCHEMA_GROUP, .of = dialog_birth_rows, .is = dialog_is_forwarded },
	{ "challenges", 13, SCHEMA_GROUP, SCHEMA_POINTER,
	  SCHEMA_OF(struct dialog, challenges, struct dialog_challenges), .of = challenges_rows },
	{ "named", 15, SCHEMA_BOOL, SCHEMA_AT(struct dialog, named) },
	{ "confers", 16, SCHEMA_BOOL, SCHEMA_AT(struct dialog, confers) },
	{ 0 },
};
