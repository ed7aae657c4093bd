/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the packets of Polycom's multicast paging (page_wire.h). Each packet has one
 * length that fits, so what is read is written as the same octets. A packet of sound repeats the
 * frame of the packet before, so that a single loss is not heard. */

#include "app/feature/page/page_wire.h"

#include <errno.h>
#include <string.h>

enum { PAGE_WIRE_SOUND_HEAD = PAGE_WIRE_HEAD + 6 };

static bool page_sound_read(struct page_packet *p, struct bytes in)
{
	size_t octets = in.n - PAGE_WIRE_SOUND_HEAD;

	if (in.n < PAGE_WIRE_SOUND_HEAD ||
	    (octets != PAGE_WIRE_FRAME && octets != (size_t)2 * PAGE_WIRE_FRAME))
		return false;
	p->codec = in.p[PAGE_WIRE_HEAD];
	p->flags = in.p[PAGE_WIRE_HEAD + 1];
	p->sample = be32_get(in.p + PAGE_WIRE_HEAD + 2);
	p->before = bytes_sub(in, PAGE_WIRE_SOUND_HEAD, octets - PAGE_WIRE_FRAME);
	p->frame = bytes_from(in, in.n - PAGE_WIRE_FRAME);
	return p->codec == PAGE_CODEC_PCMU || p->codec == PAGE_CODEC_G722;
}

int page_packet_parse(struct page_packet *out, struct bytes in)
{
	struct page_packet p = { 0 };

	if (in.n < PAGE_WIRE_HEAD)
		return -EBADMSG;
	p.op = in.p[0];
	p.channel = in.p[1];
	p.serial = be32_get(in.p + 2);
	p.caller_length = in.p[6];
	memcpy(p.caller, in.p + 7, sizeof(p.caller));
	if (!p.channel || p.channel > PAGE_WIRE_CHANNELS || p.caller_length > PAGE_WIRE_CALLER)
		return -EBADMSG;
	switch (p.op) {
	case PAGE_OP_ALERT:
	case PAGE_OP_END:
		if (in.n != PAGE_WIRE_HEAD)
			return -EBADMSG;
		break;
	case PAGE_OP_SOUND:
		if (!page_sound_read(&p, in))
			return -EBADMSG;
		break;
	default:
		return -EBADMSG;
	}
	*out = p;
	return 0;
}

void page_packet_write(struct writer *w, const struct page_packet *p)
{
	writer_u8(w, p->op);
	writer_u8(w, p->channel);
	writer_be32(w, p->serial);
	writer_u8(w, p->caller_length);
	writer_mem(w, p->caller, sizeof(p->caller));
	if (p->op != PAGE_OP_SOUND)
		return;
	writer_u8(w, p->codec);
	writer_u8(w, p->flags);
	writer_be32(w, p->sample);
	writer_bytes(w, p->before);
	writer_bytes(w, p->frame);
}
