/* SPDX-License-Identifier: Apache-2.0 */
/* Phones are asked to answer by themselves (FEATURES REG-18, CALL-31, CALL-32): Alert-Info (RFC
 * 3261 20.4) with the word that they know, and the seconds they ring before; Answer-Mode (RFC 5373)
 * where they are not to ring at all. The first INVITE to each phone of an extension with this
 * setting carries it, as does that of a command: to the first party called, or to a ringing phone
 * that is to answer (fork_auto_answer). Nothing of it is saved: the INVITE is. */
#include "sig/call/module.h"
#include "sig/host/extension.h"
#include "sig/host/groups.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"

#define ALERT_INFO "Alert-Info: <http://localhost>;info=" /* the URI is there for the grammar */

/* That of the extension, or of the group that rings it (IVR-07). */
static enum auto_answer auto_answer_of(const struct call_host *h, const struct call *c,
				       const struct shard_extension *e)
{
	const struct ring_group *g = NULL;

	if (e && e->auto_answer == AUTO_ANSWER_OFF && flow_has_caller(c))
		g = groups_find(h->groups, c->tenant, text_bytes(&c->run->group));
	return !e ? AUTO_ANSWER_OFF : (enum auto_answer)(g ? g->auto_answer : e->auto_answer);
}

/* Phones of agents ring by the word of the queue (BEAT-30). "": as they like. */
static const char *queue_ring(const struct call *c)
{
	return flow_queues(c) ? c->run->queue->ring : "";
}

static void auto_answer_headers(struct writer *w, const struct call_host *h, const struct call *c,
				uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct shard_extension *e =
		l->user.n && !l->trunk.n ? h->services->directory->extension(h->owner, c->tenant,
									     text_bytes(&l->user))
					 : NULL;
	bool by_command = l->uac && l->uac->auto_answer;
	enum auto_answer how = auto_answer_of(h, c, e);
	bool is_set = how != AUTO_ANSWER_OFF;
	unsigned seconds = is_set && !by_command ? e->auto_answer_s : 0;

	if (l->state != LEG_EARLY)
		return;
	if ((!is_set && !by_command) ||
	    !extension_may(h->settings->tenants, e, ENTITLED_AUTO_ANSWER)) {
		if (e && queue_ring(c)[0])
			WRITER_TEXTS(w, ALERT_INFO, queue_ring(c), "\r\n");
		return;
	}
	writer_str(w, ALERT_INFO);
	writer_str(w, how == AUTO_ANSWER_PLAIN ? "auto-answer" : "alert-autoanswer");
	if (seconds)
		writer_fmt(w, ";delay=%u\r\n", seconds);
	else
		writer_str(w, "\r\nAnswer-Mode: Auto\r\n");
}

const struct module auto_answer_module = { .headers = auto_answer_headers };
