/* SPDX-License-Identifier: Apache-2.0 */
/* Which call a message belongs to, for those who watch. */
#include "sig/shard/shard_state.h"

/* Another shard names its own calls so. */
static bool whose_is_ours(const struct shard *s, const struct id_tag *tag)
{
	return tag->leg != ID_LEG_NONE && id_shard(tag->call) == s->settings.number;
}

static uint64_t of_tag(const struct shard *s, struct bytes text)
{
	struct id_tag tag;

	if (id_tag_get(text, &tag) || !whose_is_ours(s, &tag))
		return 0;
	elsewhere_follow(&s->elsewhere, &tag);
	return tag.call;
}

static uint64_t of_branch(const struct shard *s, struct bytes text)
{
	struct id_tag tag;

	return !id_branch_get(text, &tag) && whose_is_ours(s, &tag) ? tag.call : 0;
}

/* What carries no tag of ours: an INVITE, its 100, its CANCEL, the ACK to a refusal. */
static uint64_t of_transaction(const struct shard *s, const struct sip_message *m)
{
	enum sip_method method = m->method == SIP_CANCEL ? SIP_INVITE : m->method;
	const struct txn_slot *slot = txns_find_server(&s->txns, m, method);

	return slot ? slot->call : 0;
}

uint64_t shard_whose(const struct shard *s, struct bytes message)
{
	struct message_error error;
	struct sip_message m;
	uint64_t call = 0;

	if (!message_parse(&m, message, &error)) {
		call = of_tag(s, m.to.tag);
		if (!call)
			call = of_tag(s, m.from.tag);
		if (!call)
			call = of_branch(s, m.via.branch);
		if (!call)
			call = of_transaction(s, &m);
	}
	message_close(&m);
	return call;
}

bool shard_has_request(const struct shard *s, const struct sip_message *m)
{
	bool of_invite = m->method == SIP_ACK || m->method == SIP_CANCEL;

	return txns_find_server(&s->txns, m, m->method) ||
	       (of_invite && txns_find_server(&s->txns, m, SIP_INVITE)) ||
	       ((of_invite || m->method == SIP_INVITE) && shard_invite_is_waiting(s, m));
}
