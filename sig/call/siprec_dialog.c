/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec_dialog.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/session.h"
#include "sig/call/siprec.h"
#include "sig/dialog/dialog_hop.h"
#include "sig/host/place_check.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/sip/hop_names.h"

enum { SIPREC_LINES_MAX = 1024 };

/* Nobody waits for its answer: the session is over for us. */
void siprec_bye(struct call_host *h, struct dialog *d)
{
	struct dialog_request r = { .method = SIP_BYE, .max_forwards = -1 };

	if (!leg_send(h, d, &r, TXN_USER_NONE))
		LOG_WARN("call", dialog_call(d), "no transaction left for BYE to the recorder");
}

/* RFC 3261 9.1: a 2xx that comes all the same is answered by leg_stray. */
static void siprec_cancel(struct call_host *h, const struct siprec *s)
{
	struct txn_slot *invite = txns_get(h->txns, s->invite);
	struct writer w = writer_over(h->space, HOST_SPACE);
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (!invite || !s->provisional ||
	    !dialog_read_branch(text_bytes(&invite->txn.message), branch))
		return;
	dialog_write_derived(&w, text_bytes(&invite->txn.message), SIP_CANCEL, (struct bytes){ 0 },
			     (struct bytes){ 0 });
	slot = w.overflow
		       ? NULL
		       : txns_take_client(h->txns, SIP_CANCEL, &invite->txn.hop,
					  bytes_mem(branch, sizeof(branch)), TXN_INSIDE, h->now.ns);
	if (!slot)
		return;
	if (text_set(&slot->txn.message, writer_done(&w))) {
		txns_drop(h->txns, slot->self);
		return;
	}
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

void siprec_hang_up(struct call_host *h, struct siprec *s)
{
	switch (s->state) {
	case SIPREC_AWAY:
		break;
	case SIPREC_ASKED:
		siprec_cancel(h, s);
		txns_limit(h->txns, s->invite, h->now.ns);
		break;
	case SIPREC_UP:
		txns_limit(h->txns, s->invite, h->now.ns);
		siprec_bye(h, &s->dialog);
		break;
	}
}

/* ---- INVITE ---- */

/* The first address of ours by which it is reached. False: there is none. */
static bool siprec_hop(const struct call_host *h, const struct siprec *s, struct sip_hop *out)
{
	const struct shard_settings *set = h->settings;
	const struct shard_siprec *to = &set->siprec;

	const struct siprec_place *place = &s->places[s->place];

	*out = (struct sip_hop){ .transport = to->transport, .remote = place->to };
	if (to->transport == SIP_TLS)
		out->name = hop_names_put(set->names, bytes_str(to->names[place->of].host));
	for (uint16_t i = 0; i < set->local_count; i++) {
		const struct shard_local *l = &set->locals[i];

		if (l->transport != to->transport || l->bind.family != out->remote.family ||
		    !shard_local_is_own(set, i) ||
		    (to->network[0] && strcmp(set->networks[l->network].name, to->network)))
			continue;
		out->local = i;
		return place_check(h, out, &out->remote, true) == DESTINATION_OK;
	}
	return false;
}

static void siprec_write_uri(struct writer *w, const struct shard_siprec *to,
			     const struct siprec_place *place)
{
	const struct shard_siprec_name *name = &to->names[place->of];

	WRITER_TEXTS(w, "sip:", to->user, to->user[0] ? "@" : "", name->host);
	if (!name->host[0])
		addr_write(w, &place->to);
	else if (name->port)
		writer_number(w, ":", name->port, "");
	if (to->transport != SIP_UDP)
		WRITER_TEXTS(w, ";transport=", to->transport == SIP_TLS ? "tls" : "tcp");
}

bool siprec_open_dialog(struct call_host *h, const struct call *c, struct siprec *s)
{
	char text[SIPREC_LINES_MAX];
	struct writer uri = writer_over(text, sizeof(text));
	struct id_tag tag = { .call = c->id, .leg = SIPREC_LEG, .random = rand_u64_from(h->rand) };
	struct dialog_party party = { .local_user = BYTES_LIT("recording") };

	if (!siprec_hop(h, s, &party.hop))
		return false;
	writer_str(&uri, "<");
	siprec_write_uri(&uri, &h->settings->siprec, &s->places[s->place]);
	writer_str(&uri, ">");
	party.target = bytes_sub(writer_done(&uri), 1, uri.n - 2);
	dialog_clear(&s->dialog);
	if (uri.overflow || dialog_to_party(&s->dialog, &tag, &party, h->settings) ||
	    text_set(&s->dialog.remote, writer_done(&uri)))
		return false;
	s->dialog.named = false; /* it was looked up */
	s->dialog.trunk = true;  /* it may be of several machines */
	s->session_id = rand_u64_from(h->rand) >> 1;
	s->version = 0;
	return true;
}

/* RFC 7866 6.1.1 */
void siprec_write_lines(struct writer *w, const struct call_host *h, const struct siprec *s)
{
	char contact[SIPREC_LINES_MAX];
	struct writer c = writer_over(contact, sizeof(contact));

	dialog_write_contact(&c, &s->dialog, h->settings);
	writer_bytes(w, bytes_trim(writer_done(&c)));
	writer_str(w, ";+sip.src\r\n" RESPOND_ACCEPT
		      "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n");
	if (h->settings->session_expires_s)
		writer_str(w, "Supported: timer\r\n");
}

static struct bytes siprec_lines(const struct call_host *h, const struct siprec *s,
				 char out[SIPREC_LINES_MAX])
{
	struct writer w = writer_over(out, SIPREC_LINES_MAX);

	siprec_write_lines(&w, h, s);
	writer_str(&w, "Require: siprec\r\n");
	session_timer_write_request(&w, h, &s->timer);
	return writer_lines(&w);
}

bool siprec_send(struct call_host *h, struct siprec *s, const struct siprec_talk *t)
{
	char lines[SIPREC_LINES_MAX], type[64];
	struct writer body = writer_over(h->sdp, HOST_SDP_MAX);
	struct writer kind = writer_over(type, sizeof(type));
	struct dialog_request r = { .method = SIP_INVITE,
				    .max_forwards = -1,
				    .extra = siprec_lines(h, s, lines) };
	struct txn_slot *slot;

	siprec_write_body(&body, t);
	siprec_write_type(&kind, t);
	r.content_type = writer_done(&kind);
	r.body = writer_done(&body);
	slot = body.overflow ? NULL : leg_request(h, &s->dialog, &r, TXN_USER_SIPREC);
	explicit_bzero(h->sdp, body.n); /* it may have keys */
	if (!slot)
		return false;
	s->invite = slot->self;
	s->invite_cseq = r.cseq;
	s->ack_branch = rand_u64_from(h->rand);
	s->provisional = false;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	return true;
}

void siprec_keep_alive(struct call_host *h, struct siprec *s)
{
	struct dialog_request r = { .method = SIP_OPTIONS, .max_forwards = -1 };
	struct txn_slot *slot = leg_request(h, &s->dialog, &r, TXN_USER_SIPREC);

	if (!slot)
		return;
	s->alive = slot->self;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

bool siprec_challenged(struct call_host *h, struct siprec *s, const struct sip_message *m)
{
	return challenge_is(m) && dialog_challenged(&s->dialog, h, m, dialog_proof(&s->dialog),
						    &s->challenged) == CHALLENGE_ANSWERED;
}

static bool siprec_may_send(const struct call_host *h, const struct siprec *s,
			    const struct addr *to)
{
	return place_check(h, &s->dialog.hop, to, true) == DESTINATION_OK;
}

int siprec_take_sdp(struct call_host *h, struct siprec *s, const struct sip_message *m,
		    const char **reason)
{
	struct bytes sdp;
	int err;

	*reason = "it has no session description";
	if (session_body(m, &sdp) || !sdp.n)
		return -EBADMSG;
	err = siprec_read_answer(&s->answer, sdp, s->keys[0].suite != MEDIA_SUITE_NONE, reason);
	for (unsigned i = 0; i < FORK_STREAMS && !err; i++) {
		struct fork_stream *to = &s->answer.stream[i];

		if (to->on && !(siprec_may_send(h, s, &to->remote) &&
				siprec_may_send(h, s, &to->rtcp_remote))) {
			*reason = "its answer names an address that nothing is sent to";
			err = -ENOTSUP;
		}
		to->leg = s->asked[i].leg;
		to->line = s->asked[i].line;
		to->local = h->settings->networks[s->network].media_bind;
		to->local.port = ports_rtp_port(&h->ports[s->network], s->ports[i]);
		to->key = s->keys[i];
	}
	return err;
}
