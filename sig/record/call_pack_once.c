/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that a leg has more than once are written once: a message of ours ends with what we said, and an INVITE may say again what is in
 * force. Their slices are made shorter; the texts stay as they are. */
#include "sig/record/call_pack.h"

static bool is_same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len != 0 && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Takes what was said off the end. */
static bool tail_cut(ProtobufCBinaryData *message, const Tandem__Call__Sdp *sdp)
{
	ProtobufCBinaryData end;

	if (!sdp || sdp->local.len >= message->len)
		return false;
	end = packing_octets(message->data + message->len - sdp->local.len, sdp->local.len);
	if (!is_same(&end, &sdp->local))
		return false;
	message->len -= end.len;
	return true;
}

static Tandem__Call__Tail tail_take(ProtobufCBinaryData *message, const Tandem__Call__Leg *leg)
{
	if (tail_cut(message, leg->sdp))
		return TANDEM__CALL__TAIL__TAIL_SDP;
	if (tail_cut(message, leg->open))
		return TANDEM__CALL__TAIL__TAIL_OPEN;
	return TANDEM__CALL__TAIL__NO_TAIL;
}

static bool tails_take(Tandem__Call__Leg *leg)
{
	Tandem__Call__Asked *asked = leg->asked;
	Tandem__Call__Uas *uas = leg->uas;

	if (asked)
		asked->sent_tail = tail_take(&asked->sent, leg);
	if (uas) {
		uas->answer_tail = tail_take(&uas->answer, leg);
		uas->unacknowledged_tail = tail_take(&uas->unacknowledged, leg);
	}
	return (asked && asked->sent_tail) ||
	       (uas && (uas->answer_tail || uas->unacknowledged_tail));
}

static bool again_take(ProtobufCBinaryData *open, const ProtobufCBinaryData *before)
{
	bool again = is_same(open, before);

	if (again)
		open->len = 0;
	return again;
}

/* After the tails: they are compared with whole texts. */
static bool sdp_take(Tandem__Call__Sdp *open, const Tandem__Call__Sdp *before)
{
	if (!open || !before)
		return false;
	open->remote_again = again_take(&open->remote, &before->remote);
	open->local_again = again_take(&open->local, &before->local);
	return open->remote_again || open->local_again;
}

void packing_once(struct packing *p, Tandem__Call__Leg *leg)
{
	bool any = tails_take(leg);

	any |= sdp_take(leg->open, leg->sdp);
	if (any && p->call.format < CALL_RECORD_ONCE)
		p->call.format = CALL_RECORD_ONCE;
}
