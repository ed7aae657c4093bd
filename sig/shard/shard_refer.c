/* SPDX-License-Identifier: Apache-2.0 */
/* REFER outside of a dialog: whoever sends it names one of its own by Target-Dialog (RFC 4538, RFC 7647 5). */
#include "sig/host/trunk.h"
#include "sig/shard/shard_room.h"
#include "sig/sip/target_dialog.h"

/* The tags as the receiver sees them, which we are; some say them the other way round. NULL: there is none, or it is over. */
static struct call *refer_find(const struct shard *s, uint16_t tenant,
			       const struct target_dialog *t, uint8_t *leg)
{
	struct call *c = shard_dialog_find(s, tenant, t->call_id, t->local_tag, t->remote_tag, leg);

	if (!c)
		c = shard_dialog_find(s, tenant, t->call_id, t->remote_tag, t->local_tag, leg);
	return c && c->legs[*leg]->state < LEG_LEAVING ? c : NULL;
}

/* Nobody gives a stranger's party away. */
static bool refer_is_own(const struct leg *l, struct bytes user, const struct sip_message *m)
{
	return l->user.n ? bytes_eq(text_bytes(&l->user), user)
			 : addr_ip_eq(&l->dialog.hop.remote, &m->hop.remote);
}

/* 0 or the status to refuse with. */
static uint16_t refer_head(const struct sip_message *m, struct target_dialog *out)
{
	struct bytes value;

	if (!message_header(m, "Target-Dialog", 0, &value))
		return 405;
	if (message_header(m, "Target-Dialog", 1, &value) ||
	    !message_header(m, "Target-Dialog", 0, &value) || target_dialog_parse(out, value) ||
	    !shard_has_contact(m))
		return 400;
	return 0;
}

static void refer_refuse(struct shard *s, const struct sip_message *m, uint16_t status,
			 enum sig_refused reason)
{
	shard_refuse(s, NULL, m, status, reason,
		     status == 405 ? BYTES_LIT(RESPOND_ALLOW) : (struct bytes){ 0 });
}

void shard_refer(struct shard *s, const struct sip_message *m)
{
	struct call_event ev = { .kind = CALL_EV_REFER, .message = m };
	const struct shard_extension *e;
	struct target_dialog target;
	uint16_t status = refer_head(m, &target), tenant = shard_tenant_of(s, m);
	char user[ROUTE_USER_MAX];
	struct quota_party party;
	struct call *c;

	/* whether there is such a conference is nothing of a trunk's: its members are in no document */
	if (status == 405 && shard_trunk_of(s, &m->hop) == TRUNK_NONE && shard_focus_referred(s, m))
		return;
	if (status) {
		refer_refuse(s, m, status, status == 405 ? REFUSED_METHOD : REFUSED_MALFORMED);
		return;
	}
	if (!shard_identify(s, m, tenant, user, &e))
		return;
	c = refer_find(s, tenant, &target, &ev.leg);
	if (!c || !refer_is_own(c->legs[ev.leg], bytes_str(user), m)) {
		refer_refuse(s, m, c ? 403 : 481, c ? REFUSED_TRANSFER : REFUSED_NO_DIALOG);
		return;
	}
	party = shard_party(s, tenant, bytes_str(user), &m->hop);
	ev.slot = shard_take_inside(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}
