/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that a leg has more than once, and its record once (call_pack_once.c). */
#include <stdlib.h>

#include "sig/record/call_read.h"

static const ProtobufCBinaryData *local_sdp_of(const Tandem__Call__Sdp *sdp)
{
	return sdp && sdp->local.len ? &sdp->local : NULL;
}

/* NULL: there is no such text, or it is one of a text again. */
static const ProtobufCBinaryData *tail_of(const Tandem__Call__Leg *leg, Tandem__Call__Tail tail)
{
	switch (tail) {
	case TANDEM__CALL__TAIL__TAIL_SDP:
		return local_sdp_of(leg->sdp);
	case TANDEM__CALL__TAIL__TAIL_OPEN:
		return local_sdp_of(leg->open);
	case TANDEM__CALL__TAIL__NO_TAIL:
	case _TANDEM__CALL__TAIL_IS_INT_SIZE:
		break;
	}
	return NULL;
}

static bool join(struct reading *r, struct text *out, struct bytes head, struct bytes tail)
{
	size_t n = head.n + tail.n;
	char *p = malloc(n + 1);
	struct writer w = writer_over(p, n);

	if (!p)
		return reading_wrong(r, "out of memory");
	writer_bytes(&w, head);
	writer_bytes(&w, tail);
	p[n] = '\0';
	*out = (struct text){ .p = p, .n = (uint32_t)n };
	return true;
}

bool reading_message(struct reading *r, struct text *out, const struct reading_tailed *in,
		     const char *reason)
{
	const ProtobufCBinaryData *tail;

	if (in->tail == TANDEM__CALL__TAIL__NO_TAIL)
		return reading_text(r, out, &in->head, READING_MESSAGE_MAX, reason);
	tail = tail_of(in->leg, in->tail);
	if (!tail || !in->head.len || in->head.len > READING_MESSAGE_MAX ||
	    tail->len > READING_MESSAGE_MAX - in->head.len)
		return reading_wrong(r, reason);
	return join(r, out, reading_slice(&in->head), reading_slice(tail));
}

bool reading_again(struct reading *r, struct text *out, const ProtobufCBinaryData *in, bool again,
		   const ProtobufCBinaryData *before)
{
	if (!again)
		return reading_sdp_text(r, out, in);
	if (!before || !before->len || in->len)
		return reading_wrong(r, "SDP: again");
	return reading_sdp_text(r, out, before);
}
