/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sig/call/listen.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"

void packing_listen(struct packing *p, const struct call *c)
{
	const struct listen *l = c->listen;
	Tandem__Call__Listen *out = &p->listen;

	p->call.listened = c->listened;
	if (!l)
		return;
	tandem__call__listen__init(out);
	out->leg = l->leg;
	out->sides = l->sides;
	out->number = l->number;
	out->order = l->order;
	out->endpoint = packing_octets(l->endpoint, strlen(l->endpoint));
	p->call.listen = out;
}

/* Its leg was read. */
bool reading_listen(struct reading *r, const Tandem__Call__Call *in)
{
	const Tandem__Call__Listen *from = in->listen;
	struct listen *l;

	if (in->listened > UINT8_MAX)
		return reading_wrong(r, "listened: number");
	r->c->listened = (uint8_t)in->listened;
	if (!from)
		return true;
	if (from->leg >= r->c->leg_count || !r->c->legs[from->leg] || from->number == 0 ||
	    from->number > UINT8_MAX || from->sides < LISTEN_SAID || from->sides > LISTEN_BOTH)
		return reading_wrong(r, "listen: state");
	l = calloc(1, sizeof(*l));
	if (!l)
		return reading_wrong(r, "out of memory");
	r->c->listen = l;
	l->leg = (uint8_t)from->leg;
	l->sides = (uint8_t)from->sides;
	l->number = (uint8_t)from->number;
	l->order = from->order;
	if (from->endpoint.len == 0 ||
	    bytes_cstr(reading_slice(&from->endpoint), l->endpoint, sizeof(l->endpoint)))
		return reading_wrong(r, "listen: endpoint");
	return true;
}
