/* SPDX-License-Identifier: Apache-2.0 */
/* What parts of a record have in common. */
#include "sig/record/call_read.h"

#include "sig/call/call_end.h"
#include "sig/leg/leg.h"
#include "sig/sip/hop_edges.h"
#include "sig/sip/hop_names.h"

bool reading_wrong(struct reading *r, const char *reason)
{
	if (!r->reason)
		r->reason = reason;
	return false;
}

struct bytes reading_slice(const ProtobufCBinaryData *b)
{
	return bytes_mem(b->data, b->len);
}

/* Of a header or part of one: nothing that could end its line. */
bool reading_line(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason)
{
	if (in->len > max)
		return reading_wrong(r, reason);
	for (size_t i = 0; i < in->len; i++) {
		if (in->data[i] < ' ' || in->data[i] == 0x7f)
			return reading_wrong(r, reason);
	}
	return !text_set(out, reading_slice(in)) || reading_wrong(r, "out of memory");
}

bool reading_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in, size_t max,
		  const char *reason)
{
	if (in->len > max)
		return reading_wrong(r, reason);
	return !text_set(out, reading_slice(in)) || reading_wrong(r, "out of memory");
}

uint64_t reading_time(const struct reading *r, uint64_t utc_ms)
{
	return steady_add(utc_ms, r->shift_ms);
}

uint64_t reading_deadline(const struct reading *r, uint64_t utc_ms, uint64_t most_ms)
{
	const struct instant *now = &r->h->now;
	uint64_t at = reading_time(r, utc_ms);
	uint64_t left = at > now->utc_ms ? at - now->utc_ms : 0;

	if (utc_ms == 0)
		return 0;
	if (left > most_ms)
		left = most_ms;
	return now->ns + left * NS_PER_MS + 1;
}

bool reading_address(struct reading *r, struct addr *out, const char *in, const char *reason)
{
	*out = (struct addr){ 0 };
	return !*in || !addr_parse(out, bytes_str(in)) || reading_wrong(r, reason);
}

/* One that reaches the party as well: at best on the same address. */
static bool find_other_local(const struct shard_settings *s, struct sip_hop *hop,
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

static void find_local(struct reading *r, uint8_t leg, struct sip_hop *hop,
		       const struct addr *bound)
{
	const struct shard_settings *s = r->h->settings;

	for (uint32_t i = 0; i < s->local_count; i++) {
		hop->local = (uint16_t)i;
		if (s->locals[i].transport == hop->transport && addr_eq(bound, &s->locals[i].bind))
			return;
	}
	hop->local = 0;
	if (r->c->legs[leg]->state == LEG_CLOSED && !r->c->legs[leg]->refusal &&
	    !r->c->legs[leg]->forks)
		return;
	if (find_other_local(s, hop, bound)) {
		/* each node has its own for WebSockets, and that says nothing of media */
		if (!sip_transport_is_web(hop->transport))
			r->c->moved |= (uint16_t)BIT64(leg);
		return;
	}
	call_obstacle(r->c, "an address for SIP is not the node's any more");
	r->c->lost |= (uint16_t)BIT64(leg);
}

/* All but our own address. */
static bool read_place(struct reading *r, struct sip_hop *out, struct addr *local,
		       const Tandem__Call__Hop *in)
{
	if (!in || in->transport > SIP_INTER_SHARD)
		return reading_wrong(r, "hop: unknown transport");
	if (!reading_address(r, local, in->local, "hop: local address") ||
	    !reading_address(r, &out->remote, in->remote, "hop: remote address"))
		return false;
	if (out->remote.family == ADDR_NONE || out->remote.port == 0)
		return reading_wrong(r, "hop: no remote address");
	out->transport = (enum sip_transport)in->transport;
	if (out->transport == SIP_INTER_SHARD && !inter_shard_of(&out->remote))
		return reading_wrong(r, "hop: no shard");
	out->inbound = in->inbound && sip_transport_is_stream(out->transport);
	out->connection = hop_edge_read(r->h->settings->edges, out->transport,
					&(struct hop_edge){ in->process, in->connection });
	if (out->transport == SIP_TLS && in->name[0])
		out->name = hop_names_put(r->h->settings->names, bytes_str(in->name));
	return true;
}

bool reading_hop(struct reading *r, uint8_t leg, struct sip_hop *out, const Tandem__Call__Hop *in)
{
	struct addr local;

	if (!read_place(r, out, &local, in))
		return false;
	if (out->transport == SIP_INTER_SHARD) /* by no address of the node's */
		out->local = 0;
	else
		find_local(r, leg, out, &local);
	return true;
}

bool reading_place(struct reading *r, struct sip_hop *out, const Tandem__Call__Hop *in)
{
	const struct shard_settings *s = r->h->settings;
	struct addr local;

	if (!read_place(r, out, &local, in))
		return false;
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (s->locals[i].transport == out->transport && addr_eq(&local, &s->locals[i].bind))
			out->local = (uint16_t)i;
	}
	return true;
}

bool reading_uac_state(struct reading *r, enum uac_state *out, Tandem__Call__InviteState state)
{
	if (state < TANDEM__CALL__INVITE_STATE__QUEUED ||
	    state > TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED)
		return reading_wrong(r, "asked: state");
	*out = (enum uac_state)(state - TANDEM__CALL__INVITE_STATE__QUEUED);
	return true;
}

bool reading_sent(struct reading *r, uint8_t leg, const struct reading_tailed *sent,
		  const Tandem__Call__Hop *to)
{
	return reading_message(r, &r->seed->sent[leg], sent, "asked: too long") &&
	       (sent->head.len == 0 || reading_hop(r, leg, &r->seed->sent_to[leg], to));
}
