/* SPDX-License-Identifier: Apache-2.0 */
/* The SIP dialog of a recording session: finding the recorder (addresses or names by RFC 3263), and
 * the requests in the dialog. Recorders are tried in the order of the settings, recently failed
 * ones last, each at most once a round. Sends INVITE, re-INVITE, CANCEL, BYE and OPTIONS with the
 * headers of RFC 7866 6.1.1, and answers digest challenges. siprec.c decides when; a successor
 * resolves the names again. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/session.h"
#include "sig/dialog/dialog.h"
#include "sig/host/destination.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/pbx/recording/siprec.h"
#include "sig/pbx/recording/siprec_dialog.h"
#include "sig/sip/hop.h"

/* ---- names ---- */

static void place_add(struct siprec *s, uint8_t of, const struct addr *to)
{
	if (s->place_count < SIPREC_PLACES_MAX)
		s->places[s->place_count++] = (struct siprec_place){ .to = *to, .of = of };
}

static void places_add(struct siprec *s, uint8_t of, const struct lookup_target *list,
		       uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		place_add(s, of, &list[i].to);
}

/* Sets the address families that the node has for the transport. */
static void want_families(struct lookup_want *want, const struct shard_settings *set)
{
	for (uint32_t i = 0; i < set->local_count; i++) {
		if (set->locals[i].transport != (enum sip_transport)want->transport)
			continue;
		want->v4 |= set->locals[i].bind.family == ADDR_V4;
		want->v6 |= set->locals[i].bind.family == ADDR_V6;
	}
}

static void recorder_want(const struct call_host *h, const struct call *c, uint8_t of,
			  struct lookup_want *out)
{
	const struct shard_siprec *to = &h->settings->siprec;
	const struct shard_siprec_name *name = &to->names[of];

	*out = (struct lookup_want){ .port = name->port,
				     .said = true,
				     .transport = (uint8_t)to->transport,
				     .speaks = (uint8_t)(1U << to->transport),
				     .seed = c->id };
	memcpy(out->host, name->host, sizeof(out->host));
	want_families(out, h->settings);
}

static bool find_start(struct call_host *h, const struct call *c, struct siprec *s,
		       const struct lookup_want *want)
{
	uint64_t serial;

	if (h->lookups >= DIALOG_LOOKUPS_MAX)
		return false;
	serial = rand_u64_from(h->rand) | 1;
	if (!effects_lookup(h->effects, c->id, serial, want))
		return false;
	s->lookup = serial;
	s->retry_ns = h->now.ns + DIALOG_LOOKUP_MS * NS_PER_MS;
	h->lookups++;
	return true;
}

static void find_nothing(const struct call_host *h, const struct call *c, uint8_t of,
			 const char *why)
{
	LOG_WARN("call", c->id, "the name of a recorder leads nowhere",
		 LOG_STR("name", h->settings->siprec.names[of].host), LOG_STR("result", why));
}

/* True: it has to be looked up, and is. */
static bool name_resolves(struct call_host *h, const struct call *c, struct siprec *s, uint8_t of)
{
	const struct shard_lookup *lookup = &h->settings->lookup;
	struct lookup *found = lookup->find ? malloc(sizeof(*found)) : NULL; /* large for a stack */
	struct lookup_want want;
	bool resolves;

	if (!found) {
		find_nothing(h, c, of, "not looked up");
		return false;
	}
	recorder_want(h, c, of, &want);
	lookup->find(lookup->arg, &want, h->now.ns, found);
	resolves = found->state == LOOKUP_REQUEST && find_start(h, c, s, &want);
	if (found->state == LOOKUP_DONE)
		places_add(s, of, found->targets, found->target_count);
	else if (!resolves)
		find_nothing(h, c, of, lookup_state_name(found->state));
	free(found);
	return resolves;
}

/* Starts with the recorder at s->resolve. Returns true while a name is being looked up. */
static bool places_resolve(struct call_host *h, const struct call *c, struct siprec *s)
{
	const struct shard_siprec *to = &h->settings->siprec;

	for (; s->resolve <= to->count; s->resolve++) {
		uint8_t of = (uint8_t)(s->resolve - 1);

		if (!to->names[of].host[0])
			place_add(s, of, &to->addresses[of]);
		else if (name_resolves(h, c, s, of))
			return true;
	}
	s->resolve = 0;
	return false;
}

static void find_over(struct call_host *h, struct siprec *s)
{
	s->lookup = 0;
	s->retry_ns = 0;
	h->lookups--;
}

static void find_leave(struct call_host *h, const struct call *c, struct siprec *s)
{
	/* without memory it ends by itself */
	(void)effects_add(h->effects, EFFECT_LOOKUP_STOP, c->id, s->lookup);
	find_over(h, s);
}

void siprec_find_stop(struct call_host *h, const struct call *c, struct siprec *s)
{
	if (s->lookup)
		find_leave(h, c, s);
	s->resolve = 0;
}

bool siprec_on_found(struct call_host *h, struct siprec *s, const struct lookup_reply *new_state)
{
	uint8_t of = (uint8_t)(s->resolve - 1);

	if (!s->lookup || s->lookup != new_state->serial)
		return false;
	find_over(h, s);
	s->resolve++;
	if (new_state->state == LOOKUP_DONE)
		places_add(s, of, new_state->targets, new_state->count);
	return true;
}

/* ---- which one ---- */

static bool place_is_blocked(const struct call_host *h, const struct siprec_place *p)
{
	const struct shard_lookup *l = &h->settings->lookup;
	const struct lookup_target target = { .to = p->to,
					      .transport = (uint8_t)h->settings->siprec.transport };

	return l->blocked && l->blocked(l->arg, &target, h->now.ns);
}

/* Chooses the next recorder. One that failed a moment ago is tried only if all did. */
static void siprec_choose(const struct call_host *h, struct siprec *s)
{
	s->place %= s->place_count;
	for (uint8_t i = 0; i < s->place_count; i++) {
		uint8_t place = (uint8_t)((s->place + i) % s->place_count);

		if (!place_is_blocked(h, &s->places[place])) {
			s->place = place;
			return;
		}
	}
}

/* Whether the places are still valid: the settings may have been read again. */
static bool places_hold(const struct call_host *h, const struct siprec *s)
{
	for (uint8_t i = 0; i < s->place_count; i++) {
		if (s->places[i].of >= h->settings->siprec.count)
			return false;
	}
	return s->place_count && !s->resolve;
}

enum siprec_found siprec_find(struct call_host *h, const struct call *c, struct siprec *s)
{
	if (s->lookup) { /* no answer yet */
		find_nothing(h, c, (uint8_t)(s->resolve - 1), "overdue");
		find_leave(h, c, s);
		s->resolve++;
	}
	if (!places_hold(h, s) && !s->resolve) {
		s->place_count = 0;
		s->resolve = 1;
	}
	if (s->resolve && places_resolve(h, c, s))
		return SIPREC_RESOLVES;
	if (!s->place_count)
		return SIPREC_NOWHERE;
	siprec_choose(h, s);
	return SIPREC_FOUND;
}

bool siprec_has_others(const struct siprec *s)
{
	return s->place_count > 1;
}

/* A successor that continues a session knows no places yet. */
static uint8_t rounds_places(const struct call_host *h, const struct siprec *s)
{
	return s->place_count ? s->place_count : h->settings->siprec.count;
}

bool siprec_next_place(const struct call_host *h, struct siprec *s)
{
	const struct shard_lookup *l = &h->settings->lookup;
	const struct lookup_target target = { .to = s->dialog.hop.remote,
					      .transport = (uint8_t)s->dialog.hop.transport };
	uint8_t count = rounds_places(h, s);

	if (count < 2)
		return false;
	if (l->failed && target.to.family != ADDR_NONE)
		l->failed(l->arg, &target, 0, h->now.ns);
	s->place = (uint8_t)((s->place + 1) % count);
	s->failed++;
	if (s->failed < count)
		return true;
	s->failed = 0;
	return false;
}

void siprec_find_anew(const struct call_host *h, struct siprec *s)
{
	for (uint8_t i = 0; i < h->settings->siprec.count; i++) {
		if (h->settings->siprec.names[i].host[0])
			s->place_count = 0;
	}
}

enum { SIPREC_LINES_MAX = 1024 };

/* Sends BYE. Its response is not awaited: the session is over for us. */
void siprec_bye(struct call_host *h, struct dialog *d)
{
	struct dialog_request r = { .method = SIP_BYE, .max_forwards = -1 };

	if (!leg_send(h, d, &r, TXN_USER_NONE))
		LOG_WARN("call", dialog_call(d), "no transaction left for BYE to the recorder");
}

/* Sends CANCEL (RFC 3261 9.1). leg_stray answers a 2xx that crosses it. */
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
		       : txns_add_client(h->txns, SIP_CANCEL, &invite->txn.hop,
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

/* The first address of ours that leads there. Returns false if none does. */
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
	struct id_tag tag = { .call = c->id,
			      .leg = LEG_OF_MODULE,
			      .random = rand_u64_from(h->rand) };
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
	explicit_bzero(h->sdp, body.n); /* it may contain SRTP keys */
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

int siprec_read_sdp(struct call_host *h, struct siprec *s, const struct sip_message *m,
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
