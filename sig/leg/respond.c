/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and sends our responses, with the header lines that all of them have (Allow, Supported,
 * Contact, Record-Route), immediately or after a save, and 420 for unsupported options (RFC 3261
 * 8.2.2.3). Also the final refusal of an INVITE that began a call: it is kept in the record until
 * its ACK, so a successor repeats it instead of ringing again (17.2.1). */

#include <errno.h>
#include <stdlib.h>

#include "sig/host/settings.h"
#include "sig/leg/respond.h"
#include "sig/sip/lex.h"

static void write_record_route(struct writer *w, const struct sip_message *request)
{
	struct bytes value;

	for (unsigned i = 0; message_header(request, "Record-Route", i, &value); i++) {
		writer_str(w, "Record-Route: ");
		writer_bytes(w, value);
		writer_str(w, "\r\n");
	}
}

/* A shard relays the recording state to its own parties (RFC 7866 7.3.1). No other side is told so:
 * its later peers may not support that, and would get no tone. */
static bool is_record_aware(const struct dialog *d)
{
	return d && d->hop.transport == SIP_INTER_SHARD;
}

void respond_write_supported(struct writer *w, const struct call_host *h, const struct dialog *d,
			     bool reliable)
{
	writer_str(w, "Supported: ");
	if (is_record_aware(d))
		writer_str(w, "record-aware, ");
	if (reliable)
		writer_str(w, "100rel, ");
	if (h->settings->session_expires_s)
		writer_str(w, "timer, ");
	writer_str(w, "replaces, tdialog, norefersub\r\n");
}

static void write_extra(struct writer *w, const struct call_host *h,
			const struct sip_message *request, const struct response *r)
{
	if (r->record_route)
		write_record_route(w, request);
	if (r->contact && r->dialog) {
		dialog_write_contact(w, r->dialog, h->settings);
		dialog_write_focus(w, r->dialog);
	}
	if (r->contact && r->status >= 200 && r->status < 300) { /* RFC 3261 13.3.1.4 */
		writer_str(w, RESPOND_ALLOW_CALL);
		respond_write_supported(w, h, r->dialog, true);
	}
	if (h->settings->server[0] && !r->brief)
		writer_fmt(w, "Server: %s\r\n", h->settings->server);
	writer_bytes(w, r->extra);
}

int response_make(struct call_host *h, const struct sip_message *request, const struct response *r,
		  struct text *out)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct writer extra = writer_over(h->space + HOST_SPACE / 2, HOST_SPACE / 2);
	struct dialog_tag own;
	struct bytes tag = r->tag;

	w.cap = HOST_SPACE / 2;
	if (r->dialog) {
		own = dialog_tag(r->dialog);
		tag = bytes_mem(own.text, sizeof(own.text));
	}
	write_extra(&extra, h, request, r);
	message_write_response(&w, request, r->status, r->reason, tag, writer_done(&extra),
			       r->content_type, r->body);
	if (w.overflow || extra.overflow || !bytes_are_lines(writer_done(&extra)))
		return -EMSGSIZE;
	return text_set(out, writer_done(&w));
}

int response_make_later(struct call_host *h, const struct txn_slot *slot, const struct response *r,
			struct text *out)
{
	struct sip_message m;
	int err;

	if (message_parse_kept(&m, text_bytes(&slot->request)))
		return -EBADMSG;
	m.hop = slot->source;
	err = response_make(h, &m, r, out);
	message_close(&m);
	return err;
}

void respond(struct call_host *h, struct txn_slot *slot, const struct sip_message *request,
	     const struct response *r)
{
	struct text text = { 0 };
	int err;

	if (!slot)
		return;
	err = request ? response_make(h, request, r, &text)
		      : response_make_later(h, slot, r, &text);
	if (err) { /* the peer sends its request again, or gives up */
		sig_count_dropped(h->metrics, err == -EMSGSIZE ? DROPPED_TOO_LARGE : DROPPED_OOM);
		if (r->status >= 200)
			txns_drop(h->txns, slot->self);
		return;
	}
	if (r->status >= 200)
		text_clear(&slot->request);
	txns_reply(h->txns, slot, r->status, &text, h->now.ns);
}

void respond_refuse(struct call_host *h, const struct call_event *ev, uint16_t status,
		    enum refusal reason, struct bytes extra)
{
	struct response r = { .status = status, .extra = extra };

	txns_refuse_for(h->txns, reason);
	respond(h, ev->slot, ev->message, &r);
}

void respond_trying(struct call_host *h, struct call *c, uint8_t leg, pool_handle txn)
{
	struct outbox_item item = {
		.kind = OUTBOX_RESPONSE, .leg = leg, .status = 100, .txn = txn
	};

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		respond_later(h, c, &item);
}

void respond_later(struct call_host *h, const struct call *c, const struct outbox_item *item)
{
	const struct leg *l = call_leg(c, item->leg);
	struct txn_slot *slot = txns_get(h->txns, item->txn);
	struct dialog made = { .tag = { .call = c->id, .leg = item->leg, .random = item->tag } };
	struct response r = { .status = item->status,
			      .extra = bytes_str(item->lines ? item->lines : "") };

	if (slot && item->status == 100 && slot->txn.message.n)
		return; /* a further response was sent meanwhile */
	if (slot)
		made.hop = slot->source;
	if (item->status == 202 && (l || item->tag)) { /* RFC 3515 3 */
		r.dialog = item->tag ? &made : &l->dialog;
		r.contact = true;
		r.record_route = item->tag;
	}
	respond(h, slot, NULL, &r);
}

void respond_write_options(struct writer *w, const struct call_host *h, const char *allow)
{
	WRITER_TEXTS(w, allow, RESPOND_ACCEPT);
	respond_write_supported(w, h, NULL, true);
}

/* A longer response is useless: the source of such a Require may be forged. */
enum { UNSUPPORTED_TAG_MAX = 64, UNSUPPORTED_LINE_MAX = 256 };

/* For a registrar: a Path is accepted from trusted senders only. */
static bool registrar_supports(const struct call_host *h, const struct sip_message *m,
			       struct bytes tag)
{
	return m->method == SIP_REGISTER &&
	       (bytes_iis(tag, "outbound") || bytes_iis(tag, "gruu") ||
		(bytes_iis(tag, "path") && h->services->identity->trusts(h->owner, &m->hop)));
}

/* For a watcher of lists (RFC 4662, RFC 5367). */
static bool notifier_supports(const struct sip_message *m, struct bytes tag)
{
	return m->method == SIP_SUBSCRIBE &&
	       (bytes_iis(tag, "eventlist") || bytes_iis(tag, "recipient-list-subscribe"));
}

static bool is_supported(const struct call_host *h, struct bytes tag)
{
	return bytes_iis(tag, "100rel") || bytes_iis(tag, "replaces") ||
	       bytes_iis(tag, "tdialog") || bytes_iis(tag, "norefersub") ||
	       (h->settings->session_expires_s && bytes_iis(tag, "timer"));
}

bool respond_unsupported(struct writer *w, const struct call_host *h, const struct sip_message *m)
{
	struct bytes rest, tag;
	size_t start = w->n;
	bool any = false;

	for (unsigned i = 0; message_header(m, "Require", i, &rest); i++) {
		while (lex_element(&rest, &tag)) {
			if (tag.n == 0 || is_supported(h, tag) || registrar_supports(h, m, tag) ||
			    notifier_supports(m, tag))
				continue;
			any = true;
			if (tag.n > UNSUPPORTED_TAG_MAX ||
			    w->n - start + tag.n > UNSUPPORTED_LINE_MAX)
				continue;
			writer_str(w, w->n > start ? ", " : "Unsupported: ");
			writer_bytes(w, tag);
		}
	}
	if (w->n > start)
		writer_str(w, "\r\n");
	return any;
}

void refusal_clear(struct leg *l)
{
	if (!l->refusal)
		return;
	text_clear(&l->refusal->response);
	free(l->refusal);
	l->refusal = NULL;
}

static bool refusal_make(struct call_host *h, struct leg *l, const struct txn_slot *slot,
			 const struct response *r)
{
	l->refusal = calloc(1, sizeof(*l->refusal));
	if (!l->refusal)
		return false;
	l->refusal->status = r->status;
	l->refusal->why = h->txns->why;
	l->refusal->server = slot->self;
	return response_make_later(h, slot, r, &l->refusal->response) == 0;
}

void refusal_send(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f)
{
	struct leg *l = c->legs[leg];
	struct response r = {
		.status = f->status, .reason = f->phrase, .dialog = &l->dialog, .extra = f->extra
	};
	struct txn_slot *slot = txns_get(h->txns, l->uas->server);

	l->uas->server = 0;
	if (!slot)
		return;
	if (!h->txns->why && c->cause != CAUSE_NONE)
		h->txns->why = call_cause_text(c->cause);
	if (refusal_make(h, l, slot, &r)) {
		refusal_hold_for_save(h, c, leg);
		return;
	}
	refusal_clear(l);
	respond(h, slot, NULL, &r);
}

void refusal_hold_for_save(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item item = { .kind = OUTBOX_REFUSAL, .leg = leg };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		refusal_on_saved(h, c, leg);
}

void refusal_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct leg_refusal *refusal = l ? l->refusal : NULL;
	struct txn_slot *slot = refusal ? txns_get(h->txns, refusal->server) : NULL;
	struct text copy = { 0 };

	if (!refusal || refusal->until_ns)
		return;
	/* its transaction is gone */
	if (!slot || text_set(&copy, text_bytes(&refusal->response))) {
		txns_drop(h->txns, refusal->server);
		refusal_clear(l);
		return;
	}
	refusal->until_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	h->txns->why = refusal->why;
	txns_reply(h->txns, slot, refusal->status, &copy, h->now.ns);
}

bool refusal_acknowledged(struct leg *l)
{
	if (!l->refusal || !l->refusal->until_ns)
		return false;
	refusal_clear(l);
	return true;
}

/* A response has all by which the request's transaction is found. */
int refusal_attach(struct call_host *h, struct call *c, uint8_t leg, const struct sip_hop *source)
{
	struct leg_refusal *refusal = c->legs[leg]->refusal;
	struct message_error error;
	struct txn_slot *slot;
	struct sip_message m;

	if (message_parse(&m, text_bytes(&refusal->response), &error)) {
		message_close(&m);
		return -EBADMSG;
	}
	m.hop = *source;
	refusal->status = m.status;
	slot = txns_add_server(h->txns, &m, TXN_NEW, h->now.ns);
	message_close(&m);
	if (!slot)
		return -ENOSPC;
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_INVITE);
	refusal->server = slot->self;
	return 0;
}
