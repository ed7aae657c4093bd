/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

enum { SHARD_SHIFT = 48 };

/* RFC 3261 8.2.7: the same request gets the same tag, though nothing of it is kept. */
struct dialog_tag shard_tag(const struct shard *s, const struct sip_message *m)
{
	uint64_t parts[2] = {
		hash_sip(&s->key, m->via.branch),
		hash_sip(&s->key, m->call_id) + m->cseq,
	};
	struct id_tag tag = {
		.call = (uint64_t)s->settings.number << SHARD_SHIFT,
		.leg = ID_LEG_NONE,
		.random = hash_sip(&s->key, bytes_mem(parts, sizeof(parts))),
	};
	struct dialog_tag out;

	id_tag_put(out.text, &tag);
	return out;
}

static struct response response_of(const struct shard_reply *r, const struct dialog_tag *tag)
{
	return (struct response){
		.status = r->status,
		.reason = r->reason,
		.tag = bytes_mem(tag->text, sizeof(tag->text)),
		.extra = r->extra,
	};
}

void shard_reply_stateless(struct shard *s, const struct sip_message *m,
			   const struct shard_reply *r)
{
	struct dialog_tag tag = shard_tag(s, m);
	struct response response = response_of(r, &tag);
	struct text text = { 0 };
	struct sip_hop hop;
	int err;

	response.brief = !sip_transport_is_stream(m->hop.transport);
	err = response_make(&s->host, m, &response, &text);
	if (err) {
		sig_count_dropped(&s->metrics, err == -EMSGSIZE ? DROPPED_TOO_LARGE : DROPPED_OOM);
		return;
	}
	message_response_hop(m, &hop);
	sig_count_out(&s->metrics, r->status);
	txns_send(&s->txns, &hop, text_bytes(&text));
	text_clear(&text);
}

void shard_reply(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		 const struct shard_reply *r)
{
	struct dialog_tag tag = shard_tag(s, m);
	struct response response = response_of(r, &tag);

	respond(&s->host, slot, m, &response);
}

void shard_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		  uint16_t status, enum sig_refused reason, struct bytes extra)
{
	struct shard_reply r = { .status = status, .extra = extra };

	txns_refuse_for(&s->txns, reason);
	LOG_DEBUG("sip", 0, "request refused", LOG_STR("reason", sig_refused_name(reason)),
		  LOG_BYTES("method", m->method_name), LOG_U64("status", status),
		  LOG_ADDR("source", &m->hop.remote));
	if (slot) {
		shard_reply(s, slot, m, &r);
	} else {
		shard_reply_stateless(s, m, &r);
	}
}
