/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sig/call/listen.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"

void packing_media_stream(struct packing *p, const struct call *c)
{
	const struct media_stream *l = c->media_stream;
	Tandem__Call__MediaStream *out = &p->media_stream;

	p->call.media_stream_last = c->media_stream_last;
	if (!l)
		return;
	tandem__call__media_stream__init(out);
	out->leg = l->leg;
	out->sides = l->sides;
	out->number = l->number;
	out->order = l->order;
	out->endpoint = packing_octets(l->endpoint, strlen(l->endpoint));
	p->call.media_stream = out;
}

/* Its leg was read. */
bool reading_media_stream(struct reading *r, const Tandem__Call__Call *in)
{
	const Tandem__Call__MediaStream *from = in->media_stream;
	struct media_stream *l;

	if (in->media_stream_last > UINT8_MAX)
		return reading_wrong(r, "listened: number");
	r->c->media_stream_last = (uint8_t)in->media_stream_last;
	if (!from)
		return true;
	if (from->leg >= r->c->leg_count || !r->c->legs[from->leg] || from->number == 0 ||
	    from->number > UINT8_MAX || from->sides < MEDIA_STREAM_FROM_PARTY ||
	    from->sides > MEDIA_STREAM_BOTH)
		return reading_wrong(r, "listen: state");
	l = calloc(1, sizeof(*l));
	if (!l)
		return reading_wrong(r, "out of memory");
	r->c->media_stream = l;
	l->leg = (uint8_t)from->leg;
	l->sides = (uint8_t)from->sides;
	l->number = (uint8_t)from->number;
	l->order = from->order;
	if (from->endpoint.len == 0 ||
	    bytes_cstr(reading_slice(&from->endpoint), l->endpoint, sizeof(l->endpoint)))
		return reading_wrong(r, "listen: endpoint");
	return true;
}
