/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/shard_name.h"

#include "sig/sip/conf_name.h"
#include "sig/sip/id.h"
#include "sig/sip/replaces.h"
#include "sig/sip/target_dialog.h"

static uint16_t tag_shard(struct bytes text)
{
	struct id_tag tag;

	return id_tag_get(text, &tag) ? 0 : id_shard(tag.call);
}

static uint16_t response_shard(const struct sip_message *m)
{
	struct id_tag tag;

	return id_branch_get(m->via.branch, &tag) ? 0 : id_shard(tag.call);
}

static uint16_t dialog_shard(const struct sip_message *m)
{
	struct target_dialog dialog;
	struct replaces replaces;
	struct bytes value;
	uint64_t conference;

	if (message_header(m, "Replaces", 0, &value) && !replaces_parse(&replaces, value)) {
		/* ours is the one or the other (sig/shard/shard_replaces.c) */
		uint16_t shard = tag_shard(replaces.to_tag);

		return shard ? shard : tag_shard(replaces.from_tag);
	}
	if (m->hop.transport != SIP_INTER_SHARD && message_header(m, "Join", 0, &value) &&
	    !replaces_parse(&replaces, value))
		return tag_shard(replaces.to_tag);
	if (message_header(m, "Target-Dialog", 0, &value) && !target_dialog_parse(&dialog, value))
		return tag_shard(dialog.local_tag);
	return conf_name_get(m->uri.user, &conference) ? id_shard(conference) : 0;
}

uint16_t shard_name(const struct sip_message *m)
{
	if (!m->request)
		return response_shard(m);
	return m->to.tag.n ? tag_shard(m->to.tag) : dialog_shard(m);
}
