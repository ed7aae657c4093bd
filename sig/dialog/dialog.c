/* SPDX-License-Identifier: Apache-2.0 */
/* A SIP dialog as a value (RFC 3261 12): created from a request or for a callee, confirmed, forked
 * and refreshed by responses and requests, and the one place that formats our in-dialog requests,
 * ACK and CANCEL. Also digest authentication of our requests (RFC 3261 22) with the challenges kept
 * per dialog, and the table of dialogs that moved to another call with their leg. Dialogs are
 * stored in the records of calls and subscriptions; hops are chosen in dialog_hop.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/dialog/dialog.h"
#include "sig/host/destination.h"
#include "sig/host/host.h"
#include "sig/host/settings.h"
#include "sig/sip/lex.h"

static void dialog_challenges_free(struct dialog_challenges **of)
{
	if (!*of)
		return;
	for (size_t i = 0; i < COUNT_OF((*of)->of); i++) {
		text_clear(&(*of)->of[i].nonce);
		text_clear(&(*of)->of[i].opaque);
	}
	text_clear(&(*of)->invite);
	free(*of);
	*of = NULL;
}

static void forward_unlist(struct elsewhere *e)
{
	if (!e->back)
		return;
	*e->back = e->next;
	if (e->next)
		e->next->back = e->back;
	e->next = NULL;
	e->back = NULL;
}

/* With the dialog. */
static void forward_forget(struct elsewhere **e)
{
	if (*e)
		forward_unlist(*e);
	free(*e);
	*e = NULL;
}

void dialog_clear(struct dialog *d)
{
	dialog_places_clear(d);
	text_clear(&d->call_id);
	text_clear(&d->remote_tag);
	text_clear(&d->local);
	text_clear(&d->remote);
	text_clear(&d->target);
	text_clear(&d->routes);
	text_clear(&d->focus);
	forward_forget(&d->elsewhere);
	dialog_challenges_free(&d->challenges);
}

int dialog_copy(struct dialog *to, const struct dialog *from)
{
	to->hop = from->hop;
	return text_set(&to->call_id, text_bytes(&from->call_id)) ||
			       text_set(&to->remote_tag, text_bytes(&from->remote_tag)) ||
			       text_set(&to->local, text_bytes(&from->local)) ||
			       text_set(&to->remote, text_bytes(&from->remote)) ||
			       text_set(&to->target, text_bytes(&from->target)) ||
			       text_set(&to->routes, text_bytes(&from->routes))
		       ? -ENOMEM
		       : 0;
}

static int dialog_keep(struct text *t, struct bytes b)
{
	return b.n > DIALOG_TEXT_MAX ? -EINVAL : text_set(t, b);
}

static int keep_tag(struct text *t, struct bytes tag)
{
	/* RFC 2543 peers have none; ours to repeat must be a token */
	if (tag.n && !lex_is_token(tag))
		return -EINVAL;
	return dialog_keep(t, tag);
}

static void write_octet(struct writer *w, uint8_t c)
{
	writer_u8(w, c < ' ' || c == 0x7f ? ' ' : c);
}

/* Quoted again: an unquoted name may hold a lone backslash, which would escape our closing quote.
 * Control characters, which some parsers permit within quotes, become blanks. */
void dialog_write_display(struct writer *w, struct bytes display)
{
	if (display.n == 0)
		return;
	writer_u8(w, '"');
	for (size_t i = 0; i < display.n; i++) {
		uint8_t c = display.p[i];

		if (c == '\\' && i + 1 == display.n)
			break;
		if (c == '"')
			writer_u8(w, '\\');
		write_octet(w, c);
		if (c == '\\')
			write_octet(w, display.p[++i]);
	}
	writer_str(w, "\" ");
}

static int keep_name_addr(struct text *t, const struct sip_name_addr *a)
{
	uint8_t space[2 * DIALOG_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));

	dialog_write_display(&w, a->display);
	writer_str(&w, "<");
	writer_bytes(&w, a->uri.all);
	writer_str(&w, ">");
	return w.overflow ? -EINVAL : dialog_keep(t, writer_done(&w));
}

void dialog_write_name(struct writer *w, struct bytes display, struct bytes user,
		       const struct addr *host)
{
	dialog_write_display(w, display);
	writer_str(w, "<sip:");
	writer_bytes(w, user);
	writer_str(w, "@");
	addr_write(w, host);
	writer_str(w, ">");
}

static int keep_own_uri(struct text *t, struct bytes display, struct bytes user,
			const struct addr *host)
{
	uint8_t space[2 * DIALOG_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));

	dialog_write_name(&w, display, user, host);
	return w.overflow ? -EINVAL : dialog_keep(t, writer_done(&w));
}

static int keep_local(struct dialog *d, const struct dialog_party *party, const struct addr *own)
{
	uint8_t space[DIALOG_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (!party->local_host.n)
		return keep_own_uri(&d->local, party->local_display, party->local_user, own);
	dialog_write_display(&w, party->local_display);
	writer_str(&w, "<sip:");
	writer_bytes(&w, party->local_user);
	writer_str(&w, "@");
	writer_bytes(&w, party->local_host);
	writer_str(&w, ">");
	return w.overflow ? -EINVAL : dialog_keep(&d->local, writer_done(&w));
}

/* Record-Route in order when we answer, backwards when we asked (RFC 3261 12.1). */
static int keep_routes(struct dialog *d, const struct sip_message *m, bool backwards)
{
	struct bytes all[32];
	uint8_t space[DIALOG_ROUTES_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_name_addr a;
	unsigned cursor = 0;
	size_t n = 0;
	int got;

	while ((got = message_name_addr_next(m, "Record-Route", &cursor, &a)) == 1) {
		if (n == COUNT_OF(all))
			return -EINVAL;
		all[n++] = a.uri.all;
	}
	for (size_t i = 0; i < n; i++) {
		writer_str(&w, i ? ", <" : "<");
		writer_bytes(&w, all[backwards ? n - 1 - i : i]);
		writer_str(&w, ">");
	}
	return got < 0 || w.overflow ? -EINVAL : text_set(&d->routes, writer_done(&w));
}

/* Its Via may be a name itself: that is no sign of a NAT to one who says another name. */
static void choose_way(struct dialog *d, const struct call_host *h, const struct sip_message *m)
{
	struct addr sent_by;
	bool behind_nat = dialog_is_behind_nat(m);

	dialog_choose_hop(d, h, behind_nat);
	dialog_choose_names(d, h, behind_nat && !addr_parse(&sent_by, m->via.host));
}

int dialog_from_request(struct dialog *d, const struct id_tag *tag,
			const struct sip_message *invite, const struct call_host *h)
{
	int err;

	*d = (struct dialog){
		.tag = *tag, .hop = invite->hop, .trunk = d->trunk, .remote_cseq = invite->cseq
	};
	if ((err = dialog_keep(&d->call_id, invite->call_id)) ||
	    (err = keep_tag(&d->remote_tag, invite->from.tag)) ||
	    (err = keep_name_addr(&d->local, &invite->to)) ||
	    (err = keep_name_addr(&d->remote, &invite->from)) ||
	    (err = dialog_keep(&d->target, invite->contact.uri.all)) ||
	    (err = keep_routes(d, invite, false))) {
		dialog_clear(d);
		return err;
	}
	choose_way(d, h, invite);
	return 0;
}

/* A Call-ID that cannot be guessed, and that leads to the call in captures. */
static int make_call_id(struct dialog *d, const struct addr *host)
{
	uint8_t space[ID_TAG_LEN + 1 + ADDR_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct dialog_tag tag = dialog_tag(d);

	writer_mem(&w, tag.text, sizeof(tag.text));
	writer_str(&w, "@");
	addr_write_ip(&w, host);
	return text_set(&d->call_id, writer_done(&w));
}

int dialog_to_party(struct dialog *d, const struct id_tag *tag, const struct dialog_party *party,
		    const struct shard_settings *settings)
{
	const struct addr *own = &settings->locals[party->hop.local].advertise;
	int err;

	*d = (struct dialog){ .tag = *tag, .hop = party->hop };
	if ((err = make_call_id(d, own)) || (err = keep_local(d, party, own)) ||
	    (err = keep_own_uri(&d->remote, (struct bytes){ 0 }, party->remote_user, own)) ||
	    (err = dialog_keep(&d->target, party->target)) ||
	    (err = text_set(&d->routes, party->routes)))
		dialog_clear(d);
	return err;
}

/* Of a shard alone: phones that mix say the same of themselves. */
static void dialog_note_focus(struct dialog *d, const struct sip_message *m)
{
	struct bytes value;

	if (d->hop.transport == SIP_INTER_SHARD && m->has_contact && m->contact.uri.all.n)
		d->confers = sip_param(m->contact.params, "isfocus", &value);
}

int dialog_confirm(struct dialog *d, const struct sip_message *response, bool behind_nat,
		   const struct call_host *h)
{
	int err = keep_tag(&d->remote_tag, response->to.tag);

	if (!err && response->has_contact && response->contact.uri.all.n)
		err = dialog_keep(&d->target, response->contact.uri.all);
	if (!err)
		err = keep_routes(d, response, true);
	if (err)
		return err;
	dialog_note_focus(d, response);
	dialog_choose_hop(d, h, behind_nat);
	dialog_choose_names(d, h, behind_nat);
	return 0;
}

int dialog_fork(struct dialog *d, const struct dialog *of, const struct sip_message *response,
		const struct call_host *h)
{
	d->tag = of->tag;
	d->hop = of->hop;
	d->trunk = of->trunk;
	if (text_set(&d->call_id, text_bytes(&of->call_id)) ||
	    text_set(&d->local, text_bytes(&of->local)) ||
	    text_set(&d->remote, text_bytes(&of->remote)) ||
	    text_set(&d->target, text_bytes(&of->target)))
		return -ENOMEM;
	return dialog_confirm(d, response, true, h);
}

/* The source of a datagram can be forged: only a connection, or a trusted sender, may come from a
 * host other than before. */
static bool may_move(const struct dialog *d, const struct sip_hop *to, bool judged,
		     const struct call_host *h)
{
	return (sip_transport_is_stream(to->transport) && to->connection &&
		to->connection == d->hop.connection) ||
	       place_check(h, &d->hop, &to->remote,
			   judged || d->trunk || h->services->identity->trusts(h->owner, to)) ==
		       DESTINATION_OK;
}

/* It has moved to another host, or to another port of its NAT, with an unchanged Contact. */
static bool sender_has_moved(const struct dialog *d, const struct sip_message *m,
			     const struct call_host *h)
{
	return !d->trunk && !h->services->identity->trusts(h->owner, &m->hop) &&
	       !addr_eq(&d->hop.remote, &m->hop.remote) &&
	       (!addr_ip_eq(&d->hop.remote, &m->hop.remote) || dialog_is_behind_nat(m));
}

bool dialog_may_refresh(const struct sip_message *m)
{
	return !m->has_contact || m->contact.uri.all.n <= DIALOG_TEXT_MAX;
}

int dialog_refresh(struct dialog *d, const struct sip_message *m, bool judged,
		   const struct call_host *h)
{
	bool same;
	int err;

	dialog_note_focus(d, m);
	if (!m->has_contact || m->contact.uri.all.n == 0)
		return 0;
	same = bytes_eq(m->contact.uri.all, text_bytes(&d->target));
	err = same ? 0 : dialog_keep(&d->target, m->contact.uri.all);
	if (err)
		return err;
	if (!m->request || (same && !sender_has_moved(d, m, h)) || !may_move(d, &m->hop, judged, h))
		return 0;
	d->hop = m->hop;
	choose_way(d, h, m);
	return 0;
}

bool dialog_is(const struct dialog *d, struct bytes call_id, struct bytes local,
	       struct bytes remote)
{
	struct dialog_tag own = dialog_tag(d);

	return bytes_ieq(local, bytes_mem(own.text, sizeof(own.text))) &&
	       bytes_eq(call_id, text_bytes(&d->call_id)) &&
	       bytes_eq(remote, text_bytes(&d->remote_tag));
}

struct dialog_tag dialog_tag(const struct dialog *d)
{
	struct dialog_tag t;

	id_tag_put(t.text, &d->tag);
	return t;
}

/* ---- the one place that formats our requests ---- */

enum { MAX_FORWARDS = 70 }; /* RFC 3261 8.1.1.6 */

static struct addr dialog_own_address(const struct dialog *d, const struct shard_settings *settings)
{
	return d->hop.transport == SIP_INTER_SHARD ? inter_shard_address(settings->number)
						   : settings->locals[d->hop.local].advertise;
}

/* The parameter by which the party reaches us the same way (RFC 3261 19.1.1); a URI without it
 * means UDP. */
static const char *transport_param(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return "";
	case SIP_TCP:
		return ";transport=tcp";
	case SIP_TLS:
		return ";transport=tls"; /* of RFC 2543, but what phones understand */
	case SIP_WS:
	case SIP_WSS:
		return ";transport=ws"; /* both: RFC 7118 5.2 */
	case SIP_INTER_SHARD:
		return ";transport=cell";
	}
	return "";
}

void dialog_write_contact(struct writer *w, const struct dialog *d,
			  const struct shard_settings *settings)
{
	const struct addr own = dialog_own_address(d, settings);
	char id[ID_TEXT_LEN];

	id_call_put(id, d->tag.call);
	writer_str(w, "Contact: <sip:");
	writer_bytes(w, d->focus.n ? text_bytes(&d->focus) : bytes_mem(id, sizeof(id)));
	writer_str(w, "@");
	addr_write(w, &own);
	WRITER_TEXTS(w, transport_param(d->hop.transport), d->focus.n ? ">;isfocus\r\n" : ">\r\n");
}

void dialog_write_focus(struct writer *w, const struct dialog *d)
{
	if (d->focus.n)
		writer_str(w, "Allow-Events: conference\r\n");
}

static bool first_is_strict(struct bytes routes, struct sip_name_addr *first, struct bytes *rest)
{
	struct bytes element;
	struct bytes value;

	*rest = routes;
	return lex_element(rest, &element) && !sip_name_addr_parse(first, element) &&
	       !sip_param(first->uri.params, "lr", &value);
}

/* Request line and Route; a first route without lr becomes the Request-URI itself (RFC 3261
 * 12.2.1.1). */
static void write_target(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			 const char *method)
{
	struct bytes target = r->target.n ? r->target : text_bytes(&d->target);
	struct bytes routes = text_bytes(&d->routes);
	struct sip_name_addr first;
	struct bytes rest;
	bool strict = routes.n && first_is_strict(routes, &first, &rest);

	WRITER_TEXTS(w, method, " ");
	writer_bytes(w, strict ? first.uri.all : target);
	writer_str(w, " SIP/2.0\r\n");
	if (routes.n == 0)
		return;
	writer_str(w, "Route: ");
	if (strict && bytes_trim(rest).n) {
		writer_bytes(w, bytes_trim(rest));
		writer_str(w, ", ");
	}
	if (strict) {
		writer_str(w, "<");
		writer_bytes(w, target);
		writer_str(w, ">");
	} else {
		writer_bytes(w, routes);
	}
	writer_str(w, "\r\n");
}

static void write_via_branch(struct writer *w, const struct dialog *d,
			     const char branch[ID_BRANCH_LEN],
			     const struct shard_settings *settings)
{
	const struct addr own = dialog_own_address(d, settings);

	WRITER_TEXTS(w, "Via: SIP/2.0/", sip_transport_name(d->hop.transport), " ");
	addr_write(w, &own);
	writer_str(w, ";branch=");
	writer_mem(w, branch, ID_BRANCH_LEN);
	writer_str(w, ";rport\r\n"); /* RFC 3581 */
}

static void write_via(struct writer *w, const struct dialog *d, uint64_t random,
		      const struct shard_settings *settings)
{
	struct id_tag tag = { .call = d->tag.call, .leg = d->tag.leg, .random = random };
	char branch[ID_BRANCH_LEN];

	id_branch_put(branch, &tag);
	write_via_branch(w, d, branch, settings);
}

static void write_identity(struct writer *w, const struct dialog *d)
{
	struct dialog_tag tag = dialog_tag(d);

	writer_str(w, "From: ");
	writer_bytes(w, text_bytes(&d->local));
	writer_str(w, ";tag=");
	writer_mem(w, tag.text, sizeof(tag.text));
	writer_str(w, "\r\nTo: ");
	writer_bytes(w, text_bytes(&d->remote));
	if (d->remote_tag.n) {
		writer_str(w, ";tag=");
		writer_bytes(w, text_bytes(&d->remote_tag));
	}
	writer_str(w, "\r\nCall-ID: ");
	writer_bytes(w, text_bytes(&d->call_id));
	writer_str(w, "\r\n");
}

void dialog_write_request(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			  const struct shard_settings *settings)
{
	const char *method = sip_method_name(r->method);

	if (!bytes_are_lines(r->extra))
		w->overflow = true; /* nothing that was cut is ever sent */
	write_target(w, d, r, method);
	write_via(w, d, r->branch, settings);
	writer_number(w, "Max-Forwards: ",
		      (uint64_t)(r->max_forwards < 0 ? MAX_FORWARDS : r->max_forwards), "\r\n");
	write_identity(w, d);
	writer_number(w, "CSeq: ", r->cseq, " ");
	WRITER_TEXTS(w, method, "\r\n");
	if (r->contact) {
		dialog_write_contact(w, d, settings);
		dialog_write_focus(w, d);
	}
	if (settings->server[0])
		WRITER_TEXTS(w, "User-Agent: ", settings->server, "\r\n");
	writer_bytes(w, r->extra);
	if (r->body.n) {
		writer_str(w, "Content-Type: ");
		writer_bytes(w, r->content_type);
		writer_str(w, "\r\n");
	}
	writer_number(w, "Content-Length: ", r->body.n, "\r\n\r\n");
	writer_bytes(w, r->body);
}

static void write_line_again(struct writer *w, const struct dialog *d, struct bytes line,
			     const struct dialog_request *r, const struct shard_settings *settings)
{
	if (bytes_starts(line, "Via: ")) {
		write_via(w, d, r->branch, settings);
	} else if (bytes_starts(line, "CSeq: ")) {
		writer_number(w, "CSeq: ", r->cseq, " ");
		WRITER_TEXTS(w, sip_method_name(r->method), "\r\n");
	} else if (!bytes_starts(line, "Authorization: ") &&
		   !bytes_starts(line, "Proxy-Authorization: ")) {
		writer_bytes(w, line);
		writer_str(w, "\r\n");
	}
}

void dialog_write_again(struct writer *w, const struct dialog *d, struct bytes request,
			const struct dialog_request *r, const struct shard_settings *settings)
{
	struct bytes line;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n)
		write_line_again(w, d, bytes_trim(line), r, settings);
}

/* "7 INVITE" with the other number. */
static void write_renumbered(struct writer *w, struct bytes value, uint32_t cseq)
{
	writer_number(w, "CSeq: ", cseq, " ");
	writer_bytes(w, bytes_from(value, bytes_find(value, ' ') + 1));
	writer_str(w, "\r\n");
}

void dialog_write_moved(struct writer *w, const struct dialog *d, struct bytes request,
			const char branch[ID_BRANCH_LEN], uint32_t cseq,
			const struct shard_settings *settings)
{
	struct bytes line;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n) {
		if (bytes_starts(line, "Via: ")) {
			write_via_branch(w, d, branch, settings);
		} else if (bytes_starts(line, "Contact: ")) {
			dialog_write_contact(w, d, settings);
		} else if (bytes_starts(line, "CSeq: ") && cseq) {
			write_renumbered(w, bytes_from(bytes_trim(line), strlen("CSeq: ")), cseq);
		} else {
			writer_bytes(w, line);
			writer_str(w, "\n");
		}
	}
	writer_str(w, "\r\n");
	writer_bytes(w, request);
}

uint32_t dialog_read_cseq(struct bytes request)
{
	struct bytes line;
	uint32_t cseq;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n) {
		if (!bytes_starts(line, "CSeq: "))
			continue;
		line = bytes_from(line, strlen("CSeq: "));
		return bytes_u32(bytes_sub(line, 0, bytes_find(line, ' ')), &cseq) ? 0 : cseq;
	}
	return 0;
}

bool dialog_read_branch(struct bytes request, char out[ID_BRANCH_LEN])
{
	static const char name[] = ";branch=";
	const uint8_t *at = request.n ? memmem(request.p, request.n, name, strlen(name)) : NULL;
	size_t start = at ? (size_t)(at - request.p) + strlen(name) : request.n;

	if (request.n - start < ID_BRANCH_LEN)
		return false;
	memcpy(out, request.p + start, ID_BRANCH_LEN);
	return true;
}

/* "CSeq: 7 INVITE" with the other method. */
static void write_cseq(struct writer *w, struct bytes line, enum sip_method method)
{
	size_t last = line.n;

	while (last && line.p[last - 1] != ' ')
		last--;
	writer_bytes(w, bytes_sub(line, 0, last));
	writer_str(w, sip_method_name(method));
	writer_str(w, "\r\n");
}

static void write_derived_line(struct writer *w, struct bytes line, enum sip_method method,
			       struct bytes to)
{
	if (bytes_starts(line, "CSeq: ")) {
		write_cseq(w, line, method);
	} else if (bytes_starts(line, "To: ") && to.n) {
		writer_str(w, "To: ");
		writer_bytes(w, to);
		writer_str(w, "\r\n");
	} else if (bytes_starts(line, "Via: ") || bytes_starts(line, "Route: ") ||
		   bytes_starts(line, "Max-Forwards: ") || bytes_starts(line, "From: ") ||
		   bytes_starts(line, "To: ") || bytes_starts(line, "Call-ID: ")) {
		writer_bytes(w, line);
		writer_str(w, "\r\n");
	}
}

void dialog_write_derived(struct writer *w, struct bytes invite, enum sip_method method,
			  struct bytes to, struct bytes extra)
{
	struct bytes line;

	(void)bytes_cut(&invite, '\n', &line);
	writer_str(w, sip_method_name(method));
	writer_bytes(w, bytes_from(bytes_trim(line), bytes_find(line, ' ')));
	writer_str(w, "\r\n");
	while (bytes_cut(&invite, '\n', &line) && bytes_trim(line).n)
		write_derived_line(w, bytes_trim(line), method, to);
	writer_bytes(w, extra);
	writer_str(w, "Content-Length: 0\r\n\r\n");
}

/* Credentials with this nonce were rejected. */
static bool was_not_authenticated(struct bytes said, struct bytes nonce)
{
	uint8_t space[DIGEST_CLIENT_TEXT_MAX + 16];
	struct writer w = writer_over(space, sizeof(space));

	writer_str(&w, " nonce=\"");
	writer_bytes(&w, nonce);
	writer_str(&w, "\"");
	return w.overflow || (said.n && memmem(said.p, said.n, space, w.n));
}

/* Once; and once more if the credentials were right, but stale. */
static bool is_answerable(challenge_tries *tries, const struct digest_client_challenge *ask,
			  struct bytes said, bool proxy)
{
	challenge_tries once = (challenge_tries)(1U << proxy);
	challenge_tries twice = (challenge_tries)(4U << proxy);

	if (was_not_authenticated(said, ask->nonce) || *tries & twice ||
	    (*tries & once && !ask->stale))
		return false;
	*tries |= *tries & once ? twice : once;
	return true;
}

static int challenge_keep(struct call_host *h, struct dialog_challenge *c,
			  const struct digest_client_challenge *ask)
{
	bool same = bytes_eq(text_bytes(&c->nonce), ask->nonce);

	if (text_set(&c->opaque, ask->opaque) || text_set(&c->nonce, ask->nonce)) {
		text_clear(&c->nonce);
		return -1;
	}
	c->algorithm = ask->algorithm;
	c->qop = ask->qop;
	c->session = ask->session;
	if (!same) {
		c->count = 0;
		c->cnonce = rand_u64_from(h->rand);
	}
	return 0;
}

static enum sig_challenge outcome_of(enum digest_asked asked)
{
	switch (asked) {
	case DIGEST_ASKED_OK:
		return CHALLENGE_ANSWERED;
	case DIGEST_ASKED_NOTHING:
		break;
	case DIGEST_ASKED_REALM:
		return CHALLENGE_REALM;
	case DIGEST_ASKED_UNKNOWN:
		return CHALLENGE_UNKNOWN;
	}
	return CHALLENGE_MALFORMED;
}

static enum sig_challenge challenge_accept(struct dialog *d, struct call_host *h,
					   const struct sip_message *m, struct bytes said,
					   challenge_tries *tries, struct bytes *realm)
{
	bool proxy = m->status == 407;
	struct digest_account account;
	enum sig_challenge outcome;
	struct digest_client_challenge ask;

	if (!h->services->identity->account(h->owner, d, &account))
		return CHALLENGE_NOBODY;
	outcome = outcome_of(digest_client_choose(&ask, m, proxy, account.realm));
	*realm = ask.realm;
	if (outcome != CHALLENGE_ANSWERED)
		return outcome;
	if (ask.nonce.n > DIGEST_CLIENT_TEXT_MAX || ask.opaque.n > DIGEST_CLIENT_TEXT_MAX)
		return CHALLENGE_MALFORMED;
	if (!is_answerable(tries, &ask, said, proxy))
		return CHALLENGE_WRONG;
	if (!d->challenges)
		d->challenges = calloc(1, sizeof(*d->challenges));
	return !d->challenges || challenge_keep(h, &d->challenges->of[proxy], &ask)
		       ? CHALLENGE_MEMORY
		       : CHALLENGE_ANSWERED;
}

enum sig_challenge dialog_challenged(struct dialog *d, struct call_host *h,
				     const struct sip_message *m, struct bytes said,
				     challenge_tries *tries)
{
	struct bytes realm = { 0 };
	enum sig_challenge outcome = challenge_accept(d, h, m, said, tries, &realm);

	sig_count_challenge(h->metrics, outcome, dialog_call(d), realm);
	return outcome;
}

/* Header lines go before the blank one. */
static void lines_insert(struct writer *w, size_t body, struct bytes lines)
{
	size_t behind = body + 2;
	size_t at = w->n - behind;

	if (!writer_room(w, lines.n))
		return;
	memmove(w->p + at + lines.n, w->p + at, behind);
	memcpy(w->p + at, lines.p, lines.n);
}

static struct bytes request_uri(struct bytes request)
{
	struct bytes line;

	(void)bytes_cut(&request, '\r', &line);
	line = bytes_from(line, bytes_find(line, ' ') + 1);
	return bytes_sub(line, 0, bytes_find(line, ' '));
}

/* If it cannot be written, the request goes without, and is refused again. */
static void prove_one(struct dialog_challenge *c, bool proxy, const struct digest_account *account,
		      struct writer *w, enum sip_method method, size_t body)
{
	const struct digest_client_challenge ask = { .realm = account->realm,
						     .nonce = text_bytes(&c->nonce),
						     .opaque = text_bytes(&c->opaque),
						     .algorithm = c->algorithm,
						     .qop = c->qop,
						     .session = c->session };
	const struct digest_answering r = { .method = bytes_str(sip_method_name(method)),
					    .uri = request_uri(writer_done(w)),
					    .body = bytes_from(writer_done(w), w->n - body),
					    .nc = ++c->count,
					    .cnonce = c->cnonce,
					    .proxy = proxy };
	uint8_t space[DIGEST_CLIENT_LINE_MAX];
	struct writer line = writer_over(space, sizeof(space));

	if (digest_client_write(&line, &ask, account, &r))
		lines_insert(w, body, writer_done(&line));
}

void dialog_prove(struct dialog *d, struct call_host *h, struct writer *w, enum sip_method method,
		  size_t body)
{
	struct digest_account account;
	size_t before = w->n;
	size_t at;

	if (!d->challenges || w->overflow || !h->services->identity->account(h->owner, d, &account))
		return;
	for (size_t i = 0; i < COUNT_OF(d->challenges->of); i++) {
		if (d->challenges->of[i].nonce.n)
			prove_one(&d->challenges->of[i], i == 1, &account, w, method, body);
	}
	at = before - body - 2;
	if (method == SIP_INVITE && !w->overflow &&
	    text_set(&d->challenges->invite, bytes_mem(w->p + at, w->n - before)))
		text_clear(&d->challenges->invite); /* the ACK goes without */
}

struct bytes dialog_proof(const struct dialog *d)
{
	return d->challenges ? text_bytes(&d->challenges->invite) : (struct bytes){ 0 };
}

void dialog_challenges_resume(struct dialog *d)
{
	for (size_t i = 0; d->challenges && i < COUNT_OF(d->challenges->of); i++)
		d->challenges->of[i].count += RESUME_NONCE_GAP;
}

void forward_list_open(struct forward_list *list, const struct hash_key *key)
{
	memset(list->buckets, 0, sizeof(list->buckets));
	list->key = *key;
}

static size_t forward_bucket(const struct forward_list *list, uint64_t random)
{
	return hash_sip(&list->key, bytes_mem(&random, sizeof(random))) % FORWARD_BUCKETS;
}

void forward_put(struct forward_list *list, struct dialog *d)
{
	struct elsewhere *e = d->elsewhere, **head;

	if (!e || e->back)
		return;
	head = &list->buckets[forward_bucket(list, e->born.random)];
	e->next = *head;
	e->back = head;
	if (e->next)
		e->next->back = &e->next;
	*head = e;
}

int forward_set(struct forward_list *list, struct dialog *d, uint64_t call, uint8_t leg)
{
	if (call == d->tag.call && leg == d->tag.leg) { /* at home again */
		forward_forget(&d->elsewhere);
		return 0;
	}
	if (!d->elsewhere)
		d->elsewhere = calloc(1, sizeof(*d->elsewhere));
	if (!d->elsewhere)
		return -ENOMEM;
	d->elsewhere->born = d->tag;
	d->elsewhere->call = call;
	d->elsewhere->leg = leg;
	if (list)
		forward_put(list, d);
	return 0;
}

void forward_follow(const struct forward_list *list, struct id_tag *tag)
{
	const struct elsewhere *e = list->buckets[forward_bucket(list, tag->random)];

	for (; e; e = e->next) {
		if (e->born.random != tag->random || e->born.call != tag->call ||
		    e->born.leg != tag->leg)
			continue;
		tag->call = e->call;
		tag->leg = e->leg;
		return;
	}
}
