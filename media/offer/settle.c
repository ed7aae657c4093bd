/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/settle.h"

#include <errno.h>

#include "media/offer/crypto.h"
#include "media/offer/session_group.h"

static void settle_mux(struct media_side *side, const struct offer_answering *k,
		       const struct offer_agreement *g)
{
	if (g->kind == MEDIA_OPAQUE)
		return;
	side->mux = side->mux && (k->policy->rtcp_mux || g->profile_a.dtls);
	if (side->mux)
		side->rtcp = side->rtp;
}

static const char *settle_keys(struct media_side *side, const struct offer_answering *k,
			       uint8_t index, struct crypto *to_a)
{
	const char *reason = offer_crypto_accept(k->offer_a, index + 1U, &k->to_a->keys[index],
						 &side->key_in, to_a);

	side->key_out = to_a->key;
	return reason;
}

static void settle_formats(struct session_line *line, const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].a != PAYLOAD_NONE)
			line->formats[line->format_count++] =
				(struct session_format){ .to = g->at[i].a, .from = g->at[i].a };
	}
}

/* NULL, or why A cannot be answered it. */
static const char *settle_line(struct session_line *line, const struct offer_answering *k,
			       uint8_t index, const struct offer_agreement *g, struct crypto *to_a)
{
	const char *reason = NULL;

	if (!k->to_a->rtp_port[index])
		return "no port for it";
	if (g->profile_a.dtls && k->to_a->fingerprint.hash == MEDIA_HASH_NONE)
		return "no certificate for it";
	line->side = g->a;
	settle_mux(&line->side, k, g);
	settle_formats(line, g);
	if (g->profile_a.secure)
		reason = settle_keys(&line->side, k, index, to_a);
	if (!reason && line->side.ice && !k->to_a->ice[index].on)
		reason = "no ICE credentials for it";
	return reason;
}

static int settle_one(struct session_line *line, const struct offer_answering *k, uint8_t index,
		      struct crypto *to_a, struct offer_error *error)
{
	struct offer_agreement g;

	if (offer_agree(&g, k, index, error))
		return -EBADMSG;
	line->kind = g.kind;
	line->number = g.number;
	line->reason = g.reason;
	if (g.state == OFFER_LINE_RELAYED)
		line->reason = settle_line(line, k, index, &g, to_a);
	line->active = g.state == OFFER_LINE_RELAYED && !line->reason;
	return 0;
}

/* Those that there is no room for must be well-formed, too. */
static int check_rest(const struct offer_answering *k, uint8_t from, struct offer_error *error)
{
	struct offer_line line;

	for (uint8_t i = from; i < k->offer_a->media_count; i++) {
		if (offer_line_read(&line, k->offer_a, i, k->policy, error))
			return -EBADMSG;
	}
	return 0;
}

/* No line is left. Then the first reason of ours, if any. */
static bool is_empty(const struct session *a, struct offer_error *refused)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		const struct session_line *line = &a->line[i];

		if (line->active)
			return false;
		if (line->reason && !refused->reason)
			*refused = (struct offer_error){ .status = 488,
							 .line = line->number,
							 .reason = line->reason };
	}
	return true;
}

int offer_settle(struct session *a, struct crypto to_a[MEDIA_LINES_MAX],
		 const struct offer_answering *k, struct offer_error *error)
{
	uint8_t count = k->offer_a->media_count;
	struct offer_error refused = { 0 };

	*a = (struct session){ .line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX };
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (settle_one(&a->line[i], k, i, &to_a[i], error))
			return -EBADMSG;
	}
	if (check_rest(k, a->line_count, error))
		return -EBADMSG;
	session_group_answer(a, k->b, k->offer_a);
	if (!is_empty(a, &refused) || !refused.reason)
		return 0;
	*error = refused;
	return -ENOTSUP;
}
