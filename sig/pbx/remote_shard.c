/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between shards of the cluster (docs/adr/0009): rings a remote shard over SIP_INTER_SHARD
 * for a dialog, a slot, a ringing call or a conference member that it has, and writes the headers
 * that go along. Legs never move between shards, so a transfer to a remote party is a call with
 * Replaces through to that shard. The shard of a dialog is read from the local tag, which begins
 * with its number. */

#include "sig/pbx/remote_shard.h"

#include <errno.h>

#include "sig/call/fork.h"
#include "sig/call/module.h"
#include "sig/call/secret.h"
#include "sig/host/settings.h"
#include "sig/model/call.h"
#include "sig/sip/id.h"

enum { URI_MAX = 128, REFERRER_MAX = 256 };

bool remote_shard_is_reachable(const struct shard_settings *s, uint16_t shard)
{
	if (!shard || shard == s->number)
		return false;
	for (uint32_t i = 0; i < s->peer_shard_count; i++) {
		if (s->peer_shards[i] == shard)
			return true;
	}
	return s->shards_are_apart;
}

/* Lines other than RTP take no SRTP keys. */
/* Our tags begin with the number of the shard that has the dialog. */
static uint16_t remote_shard_of_tag(const struct call_host *h, struct bytes text)
{
	struct id_tag tag;
	uint16_t shard = id_tag_get(text, &tag) ? 0 : id_shard(tag.call);

	return remote_shard_is_reachable(h->settings, shard) ? shard : 0;
}

/* RFC 3891 3: the tags as seen by the receiver, which is us; some phones swap them. */
uint16_t remote_shard_of(const struct call_host *h, const struct replaces *r, struct replaces *out)
{
	uint16_t shard = remote_shard_of_tag(h, r->to_tag);

	*out = *r;
	if (shard)
		return shard;
	out->to_tag = r->from_tag;
	out->from_tag = r->to_tag;
	return remote_shard_of_tag(h, out->to_tag);
}

static void write_referrer(struct writer *w, const struct leg *l)
{
	writer_str(w, "<sip:");
	writer_bytes(w, text_bytes(&l->user));
	if (l->user.n)
		writer_str(w, "@");
	addr_write_ip(w, &l->dialog.hop.remote);
	writer_str(w, ">");
}

/* What goes into a line of its own: it may have come escaped in a URI. */
static bool remote_shard_is_plain(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] <= ' ' || b.p[i] >= 0x7f || b.p[i] == ';' || b.p[i] == ',')
			return false;
	}
	return true;
}

int transfer_remote_set(struct transfer_remote *remote, uint16_t shard, const struct replaces *r,
			const struct leg *referrer)
{
	uint8_t dialog[REPLACES_MAX], who[REFERRER_MAX];
	struct writer to = writer_over(dialog, sizeof(dialog));
	struct writer by = writer_over(who, sizeof(who));

	writer_bytes(&to, r->call_id);
	writer_str(&to, ";to-tag=");
	writer_bytes(&to, r->to_tag);
	writer_str(&to, ";from-tag=");
	writer_bytes(&to, r->from_tag);
	if (referrer)
		write_referrer(&by, referrer);
	if (!remote_shard_is_plain(r->call_id) ||
	    (referrer && !remote_shard_is_plain(text_bytes(&referrer->user))))
		return -EINVAL;
	if (to.overflow || by.overflow || text_set(&remote->replaces, writer_done(&to)) ||
	    text_set(&remote->referrer, writer_done(&by)))
		return -ENOMEM;
	remote->shard = shard;
	return 0;
}

int transfer_remote_set_member(struct transfer_remote *remote, uint16_t shard, struct bytes name)
{
	if (text_set(&remote->replaces, name))
		return -ENOMEM;
	remote->shard = shard;
	remote->confers = true;
	return 0;
}

enum refusal remote_shard_ring_name(struct call_host *h, struct call *c, uint16_t shard,
				    struct bytes name, const struct dialog_party *from,
				    struct call_refusal *refusal)
{
	struct call_target target = {
		.hop = { .transport = SIP_INTER_SHARD, .remote = inter_shard_address(shard) },
		.terms = inter_shard_terms(h->settings),
	};
	uint8_t space[URI_MAX];
	struct writer uri = writer_over(space, sizeof(space));
	enum refusal refused;

	writer_str(&uri, "sip:");
	writer_bytes(&uri, name);
	writer_str(&uri, name.n ? "@" : "");
	addr_write(&uri, &target.hop.remote);
	writer_str(&uri, ";transport=cell");
	target.uri = writer_done(&uri);
	outbox_touch(&c->out);
	refused = fork_add_branch(h, c, c->bridge.caller, &target, from, refusal);
	if (!refused)
		c->ring_ns = h->now.ns + h->settings->calls.ring_timeout_ns;
	return refused;
}

enum refusal remote_shard_ring(struct call_host *h, struct call *c, const struct dialog_party *from,
			       struct call_refusal *refusal)
{
	const struct transfer_remote *remote = &c->transfer->remote;
	struct dialog_party party = *from;

	party.remote_user = text_bytes(&c->transfer->target);
	return remote_shard_ring_name(h, c, remote->shard,
				      remote->confers ? text_bytes(&remote->replaces)
						      : (struct bytes){ 0 },
				      &party, refusal);
}

/* Names the dialog with the given party if that is on a remote shard itself: the shard that is rung
 * may be its other end. */
static void write_given(struct writer *w, const struct leg *given)
{
	const struct dialog *d = &given->dialog;
	char tag[ID_TAG_LEN];

	if (d->hop.transport != SIP_INTER_SHARD)
		return;
	id_tag_put(tag, &d->tag);
	writer_str(w, "Tandem-Given: ");
	writer_bytes(w, text_bytes(&d->call_id));
	writer_str(w, ";to-tag=");
	writer_bytes(w, text_bytes(&d->remote_tag));
	writer_str(w, ";from-tag=");
	writer_bytes(w, (struct bytes){ (const uint8_t *)tag, sizeof(tag) });
	writer_str(w, "\r\n");
}

void remote_shard_write_lines(struct writer *w, const struct call_host *h, const struct call *c)
{
	const struct transfer_remote *remote = &c->transfer->remote;

	if (!remote->confers) {
		writer_str(w, remote->joins ? "Join: " : "Replaces: ");
		writer_bytes(w, text_bytes(&remote->replaces));
		writer_str(w, "\r\n");
	}
	if (remote->referrer.n) {
		writer_str(w, "Referred-By: ");
		writer_bytes(w, text_bytes(&remote->referrer));
		writer_str(w, "\r\n");
	}
	write_given(w, call_caller(c));
	if (call_leg(c,
		     c->transfer->leg)) /* the leg that is left: the two may be bridged already */
		write_given(w, c->legs[c->transfer->leg]);
	if (c->tenant != TENANT_DEFAULT)
		WRITER_TEXTS(w, "Tandem-Tenant: ", call_tenant(h, c), "\r\n");
}

/* What was asked of its parties goes along (IVR-04). */
static void remote_shard_write_data(struct writer *w, const struct call_host *h,
				    const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	char space[CALL_SOURCE_MAX];
	struct writer source = writer_over(space, sizeof(space));

	if (l->dialog.hop.transport != SIP_INTER_SHARD || l->state != LEG_EARLY)
		return;
	call_data_write(w, c);
	secret_source_write(&source, h, c);
	if (!source.overflow)
		call_source_write(w, writer_done(&source));
}

const struct module remote_shard_module = { .headers = remote_shard_write_data };
