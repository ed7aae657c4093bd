/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dialog/dialog.h"

#include <errno.h>

#include "sig/dialog/dialog_hop.h"
#include "sig/host/host.h"
#include "sig/host/place_check.h"
#include "sig/sip/lex.h"

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
	elsewhere_forget(&d->elsewhere);
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

/* Quoted again: an unquoted name may hold a lone backslash, which would swallow our closing quote. Control characters, which some
 * parsers let through within quotes, become blanks. */
static void write_display(struct writer *w, struct bytes display)
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

	write_display(&w, a->display);
	writer_str(&w, "<");
	writer_bytes(&w, a->uri.all);
	writer_str(&w, ">");
	return w.overflow ? -EINVAL : dialog_keep(t, writer_done(&w));
}

void dialog_write_name(struct writer *w, struct bytes display, struct bytes user,
		       const struct addr *host)
{
	write_display(w, display);
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
	write_display(&w, party->local_display);
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

/* A Call-ID nobody can guess and that leads to the call in captures. */
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

/* A datagram says itself where it comes from: only a connection, and who is trusted, may come from another host than before. */
static bool may_move(const struct dialog *d, const struct sip_hop *to, const struct call_host *h)
{
	return (sip_transport_is_stream(to->transport) && to->connection &&
		to->connection == d->hop.connection) ||
	       place_check(h, &d->hop, &to->remote, d->trunk || host_trusts(h, to)) ==
		       DESTINATION_OK;
}

/* Its NAT has another port for it, or it is behind another one, and its Contact says what it always said. */
static bool is_elsewhere_behind_nat(const struct dialog *d, const struct sip_message *m,
				    const struct call_host *h)
{
	return !d->trunk && !host_trusts(h, &m->hop) && !addr_eq(&d->hop.remote, &m->hop.remote) &&
	       dialog_is_behind_nat(m);
}

int dialog_refresh(struct dialog *d, const struct sip_message *m, const struct call_host *h)
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
	if (!m->request || (same && !is_elsewhere_behind_nat(d, m, h)) || !may_move(d, &m->hop, h))
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
