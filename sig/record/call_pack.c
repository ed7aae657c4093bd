/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_pack.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/record/proto_write.h"
#include "sig/sip/hop_edges.h"
#include "sig/sip/hop_names.h"

ProtobufCBinaryData packing_text(const struct text *t)
{
	return (ProtobufCBinaryData){ .len = t->n, .data = (uint8_t *)t->p };
}

ProtobufCBinaryData packing_octets(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

char *packing_address(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	text[0] = '\0';
	if (a->family != ADDR_NONE)
		(void)addr_text(a, text);
	return text;
}

void packing_hop(const struct shard_settings *settings, Tandem__Call__Hop *out,
		 const struct sip_hop *hop, char text[2][ADDR_TEXT_MAX])
{
	struct hop_edge edge;

	tandem__call__hop__init(out);
	out->transport = hop->transport;
	out->inbound = hop->inbound;
	if (hop_edge_get(settings->edges, hop->connection, &edge)) {
		out->process = edge.process;
		out->connection = edge.connection;
	}
	if (hop->name) /* what a message does not own is only read */
		out->name = (char *)(uintptr_t)hop_names_text(settings->names, hop->name);
	out->local = packing_address(&settings->locals[hop->local].bind, text[0]);
	out->remote = packing_address(&hop->remote, text[1]);
}

Tandem__Call__Sdp *packing_sdp(Tandem__Call__Sdp *out, const struct leg_sdp *sdp)
{
	if (sdp->remote.n == 0 && sdp->local.n == 0)
		return NULL;
	tandem__call__sdp__init(out);
	out->remote = packing_text(&sdp->remote);
	out->local = packing_text(&sdp->local);
	out->theirs = sdp->theirs;
	out->by_18x = sdp->by_18x;
	return out;
}

uint64_t packing_utc(const struct call_host *h, uint64_t deadline_ns)
{
	if (deadline_ns == 0)
		return 0;
	if (deadline_ns <= h->now.ns)
		return h->now.utc_ms;
	return h->now.utc_ms + (deadline_ns - h->now.ns) / NS_PER_MS;
}

struct packing *packing_open(void)
{
	return malloc(sizeof(struct packing));
}

int call_pack(const struct call_host *h, const Tandem__Call__Call *call, struct text *out)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	size_t n;
	char *p;

	if (proto_write(&w, &call->base) && !w.overflow)
		return text_set(out, writer_done(&w));
	n = tandem__call__call__get_packed_size(call);
	p = malloc(n + 1);
	if (!p)
		return -ENOMEM;
	(void)tandem__call__call__pack(call, (uint8_t *)p);
	p[n] = '\0';
	*out = (struct text){ .p = p, .n = (uint32_t)n };
	return 0;
}
